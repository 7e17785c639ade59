"""ports/cpython_linux/uart.py: the real pyserial, over pseudo-terminals of the kernel."""

import errno
import os
import select
import sys
import threading
import time
import tty
import types

import pytest

from agent.errors import LinkError
from ports.cpython_linux import uart
from ports.cpython_linux.uart import Uart


class Line:
    """A pseudo-terminal: `far` is the other end."""

    def __init__(self):
        self.far, near = os.openpty()
        tty.setraw(near)
        self.path = os.ttyname(near)
        self._near = near

    def hang_up(self):
        """Take the other end away, as an adapter that is pulled out does."""
        far, self.far = self.far, -1
        if far >= 0:
            os.close(far)

    def close(self):
        self.hang_up()
        os.close(self._near)


@pytest.fixture
def line():
    made = Line()
    yield made
    made.close()


@pytest.fixture
def port(line):
    made = Uart(line.path, 115200)
    yield made
    made.close()


def _wait(fd):
    assert select.select([fd], [], [], 5)[0]


def test_reading_never_waits(line, port):
    into = bytearray(b"........")
    started = time.monotonic()
    assert [port.read_into(into) for _ in range(50)] == [0] * 50
    assert time.monotonic() - started < 1 and into == b"........"


def test_what_comes_is_read_as_far_as_there_is_room(line, port):
    os.write(line.far, b"abcdefghij")
    _wait(port.fileno())
    into = bytearray(4)
    found = b""
    while len(found) < 10:
        count = port.read_into(into)
        found += into[:count]
    assert found == b"abcdefghij" and port.read_into(into) == 0
    os.write(line.far, b"xy")
    _wait(port.fileno())
    assert port.read_into(memoryview(into)[1:3]) == 2 and into[1:3] == b"xy"


def test_writing_takes_all_however_slow_the_other_end_is(line, port):
    data = os.urandom(100000)
    found = bytearray()

    def reader():
        while len(found) < len(data) and select.select([line.far], [], [], 5)[0]:
            found.extend(os.read(line.far, 999))

    thread = threading.Thread(target=reader)
    thread.start()
    port.write(data)
    port.write(b"")
    thread.join()
    assert found == data


def test_a_line_that_takes_nothing(line, port, monkeypatch):
    monkeypatch.setattr(uart, "_STILL_MS", 50)
    before = time.process_time()
    with pytest.raises(LinkError, match="takes nothing: check the handshake"):
        port.write(bytes(1 << 20))
    assert time.process_time() - before < 1  # it waits, it does not spin
    os.read(line.far, 4096)


def test_a_line_that_is_gone(line, port):
    line.hang_up()
    with pytest.raises(LinkError, match="is gone: plug its adapter in"):
        port.read_into(bytearray(4))
    with pytest.raises(LinkError, match="is gone"):
        port.write(b"x")


def test_a_line_that_was_closed(line, port):
    port.close()
    port.close()
    with pytest.raises(LinkError, match="is gone"):
        port.read_into(bytearray(4))
    with pytest.raises(LinkError, match="is gone"):
        port.write(b"x")


def test_one_process_has_it(line, port):
    with pytest.raises(LinkError, match="is in use: .*serial-getty"):
        Uart(line.path, 115200)


def test_what_is_no_line(tmp_path):
    with pytest.raises(LinkError, match="is not there"):
        Uart(str(tmp_path / "ttyS9"), 115200)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LinkError, match="is no serial line"):
        Uart(str(tmp_path / "file"), 115200)


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EACCES, "group dialout"), (errno.EIO, "not wired up"), (errno.EMFILE, "cannot be opened")],
)
def test_what_the_kernel_refuses(number, said):
    def refuse(path, *rest, **more):
        raise OSError(number, os.strerror(number))

    with pytest.raises(LinkError, match=said) as caught:
        Uart("/dev/ttyS0", 9600, types.SimpleNamespace(Serial=refuse))
    assert "\n" not in str(caught.value)


def test_a_speed_that_does_not_exist(line):
    with pytest.raises(LinkError, match="cannot be opened: Not a valid baudrate"):
        Uart(line.path, -1)


def test_without_the_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(LinkError, match="pip install pyserial"):
        Uart("/dev/ttyS0", 9600)
