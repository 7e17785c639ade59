"""ports/cpython_linux/watchdog.py over a file and an ioctl that behaves as the kernel's watchdog core."""

import errno
import os
import socket
import struct
import subprocess
import sys

import pytest

from ports.cpython_linux import watchdog
from ports.cpython_linux.watchdog import GETSUPPORT, GETTIMEOUT, KEEPALIVE, SETTIMEOUT, WatchdogError, open_watchdog


class Dog:
    """A device, its folder in sysfs and what was asked of it; `takes` is what it makes of a time-out."""

    def __init__(self, folder, identity="imx2+ watchdog", timeout=60, takes=lambda seconds: seconds):
        self.path, self.sys = folder / "watchdog0", folder / "sys"
        self.path.write_bytes(b"")
        self.identity, self.timeout, self.takes = identity, timeout, takes
        self.asked, self.fed, self.refuse = [], 0, {}

    def fact(self, name, text):
        (self.sys / "class/watchdog/watchdog0").mkdir(parents=True, exist_ok=True)
        (self.sys / "class/watchdog/watchdog0" / name).write_text(text + "\n")

    def ioctl(self, fd, request, argument):
        assert os.fstat(fd).st_ino == os.stat(self.path).st_ino
        self.asked.append(request)
        if request in self.refuse:
            raise OSError(self.refuse[request], os.strerror(self.refuse[request]))
        if request == GETSUPPORT:
            argument[:] = struct.pack("<II32s", 0x8180, 0, self.identity.encode())
        elif request == KEEPALIVE:
            self.fed += 1
        elif request == SETTIMEOUT:
            self.timeout = self.takes(argument[0])
        if request in (SETTIMEOUT, GETTIMEOUT):
            argument[0] = self.timeout

    def open(self, wanted_ms, environ=(), **more):
        return open_watchdog(
            wanted_ms, str(self.path), environ=dict(environ), ioctl=self.ioctl, sys_root=str(self.sys), **more
        )


@pytest.fixture
def dog(tmp_path):
    return Dog(tmp_path)


def test_a_timeout_that_fits_is_left_alone(dog):
    dog.timeout = 5
    found = dog.open(5999)
    assert found.timeout_ms == 5000 and SETTIMEOUT not in dog.asked and dog.fed == 1
    assert "imx2+ watchdog, 5000 ms" in found.text


def test_another_one_is_set_and_read_back(dog):
    dog.takes = lambda seconds: seconds - 1
    assert dog.open(8000).timeout_ms == 7000
    assert dog.asked == [GETSUPPORT, GETTIMEOUT, SETTIMEOUT, GETTIMEOUT, KEEPALIVE]


@pytest.mark.parametrize(("most", "least", "wanted_ms", "timeout_ms"), [("16", "1", 30000, 16000), ("0", "0", 30000, 30000),
    ("16", "4", 1000, 4000), ("x", "y", 30000, 30000), ("16", "1", 10, 1000)])  # fmt: skip
def test_what_the_hardware_can_do_limits_it(dog, most, least, wanted_ms, timeout_ms):
    dog.fact("max_timeout", most)
    dog.fact("min_timeout", least)
    assert dog.open(wanted_ms).timeout_ms == timeout_ms


def test_a_bcm2835_is_never_asked_for_more_than_it_counts(tmp_path):
    dog = Dog(tmp_path, "Broadcom BCM2835 Watchdog timer")
    dog.fact("max_timeout", "65535")
    assert dog.open(60000).timeout_ms == 15000 == dog.timeout * 1000


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP])
def test_one_that_cannot_be_set_keeps_its_own(dog, number):
    dog.refuse[SETTIMEOUT] = number
    assert dog.open(8000).timeout_ms == 60000 and dog.fed == 1


def test_feeding_and_a_device_that_fails(dog):
    found = dog.open(8000)
    found.feed()
    assert dog.fed == 2
    dog.refuse[KEEPALIVE] = errno.EIO
    with pytest.raises(WatchdogError, match="cannot be fed: Input/output"):
        found.feed()


def test_an_end_on_purpose_stops_it_and_no_other_end_does(dog):
    found = dog.open(8000)
    assert dog.path.read_bytes() == b""
    found.close()
    found.close()
    found.feed()
    assert dog.path.read_bytes() == b"V" and dog.fed == 1
    other = dog.open(8000)
    os.close(other.fd)  # what the kernel does where a process dies
    assert dog.path.read_bytes() == b"V"


def test_one_that_cannot_be_stopped_says_so(dog):
    dog.fact("nowayout", "1")
    found = dog.open(8000)
    assert not found.can_stop and found.text.endswith("cannot be stopped")


def test_a_process_hands_it_to_the_next(dog):
    found = dog.open(8000)
    code = "import os, sys; os.fstat(int(sys.argv[1])); print('there')"
    words = [sys.executable, "-I", "-c", code, str(found.fd)]
    done = subprocess.run(words, close_fds=False, capture_output=True, timeout=20)
    assert done.stdout == b"there\n", done.stderr
    dog.asked.clear()
    again = dog.open(8000, fd=found.fd)
    assert again.fd == found.fd and dog.asked == [GETSUPPORT, GETTIMEOUT, KEEPALIVE]


def test_what_is_no_watchdog_is_not_written_to(dog, tmp_path):
    dog.refuse[GETSUPPORT] = errno.ENOTTY
    before = os.listdir("/proc/self/fd")
    with pytest.raises(WatchdogError, match="is no watchdog"):
        dog.open(8000)
    assert dog.path.read_bytes() == b"" and len(os.listdir("/proc/self/fd")) == len(before)


def test_a_descriptor_that_is_something_else(tmp_path):
    with open(tmp_path / "file", "wb") as file:
        with pytest.raises(WatchdogError, match="is no watchdog"):
            open_watchdog(8000, fd=file.fileno(), environ={})
        os.fstat(file.fileno())
    with pytest.raises(WatchdogError, match="is no watchdog"):
        open_watchdog(8000, fd=1000, environ={})


def test_one_that_does_not_tell_its_timeout_is_stopped_again(dog):
    dog.takes = lambda seconds: 0
    with pytest.raises(WatchdogError, match="does not tell"):
        dog.open(8000)
    assert dog.path.read_bytes() == b"V"


# -- not to be had -----------------------------------------------------------------------------------------------------


class Held:
    """A device that cannot be opened, and a /proc that may tell why."""

    def __init__(self, folder, monkeypatch, number=errno.EBUSY):
        self.dog, self.proc = Dog(folder), folder / "proc"
        self.proc.mkdir()
        real = os.open

        def refuse(path, *rest, **more):
            if path == str(self.dog.path):
                raise OSError(number, os.strerror(number))
            return real(path, *rest, **more)

        monkeypatch.setattr(os, "open", refuse)

    def holder(self, pid, name, target=None):
        (self.proc / str(pid) / "fd").mkdir(parents=True)
        (self.proc / str(pid) / "comm").write_text(name + "\n")
        (self.proc / str(pid) / "fd/7").symlink_to(target or self.dog.path)

    def open(self, **environ):
        return self.dog.open(8000, environ, proc_root=str(self.proc))


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield listener


def _heard(manager):
    found = []
    try:
        while len(found) < 100:
            found.append(manager.recv(100))
    except BlockingIOError:
        return found


def _unit(tmp_path, usec="20000000"):
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": usec}


def test_systemds_where_systemd_holds_it(tmp_path, monkeypatch, manager):
    held = Held(tmp_path, monkeypatch)
    held.holder(1, "systemd")
    found = held.open(**_unit(tmp_path))
    assert (found.timeout_ms, found.fd) == (20000, None) and _heard(manager) == [b"WATCHDOG=1"]
    found.close()


def test_systemds_for_somebody_else(tmp_path, monkeypatch, manager):
    held = Held(tmp_path, monkeypatch)
    held.holder(1, "systemd")
    with pytest.raises(WatchdogError, match=r"systemd \(process 1\).*WatchdogSec="):
        held.open(**_unit(tmp_path), WATCHDOG_PID="1")


@pytest.mark.parametrize("unit", [False, True])
def test_another_program_is_named(tmp_path, monkeypatch, unit):
    held = Held(tmp_path, monkeypatch)
    held.holder(1, "systemd", "/dev/null")
    held.holder(412, "watchdogd")
    with pytest.raises(WatchdogError, match=r"watchdog0 is held by watchdogd \(process 412\): stop that"):
        held.open(**_unit(tmp_path) if unit else {})


def test_a_holder_that_cannot_be_seen(tmp_path, monkeypatch, manager):
    held = Held(tmp_path, monkeypatch)
    with pytest.raises(
        WatchdogError, match=r"if by systemd .*give the unit WatchdogSec= .*`sudo fumo doctor`"
    ) as caught:
        held.open()
    assert "\n" not in str(caught.value)
    assert held.open(**_unit(tmp_path)).timeout_ms == 20000


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOENT, "dtparam=watchdog=on"), (errno.EACCES, "udev"), (errno.ENODEV, "No such device")],
)
def test_none_at_all_says_what_to_do(tmp_path, monkeypatch, manager, number, said):
    held = Held(tmp_path, monkeypatch, number)
    with pytest.raises(WatchdogError, match=said) as caught:
        held.open()
    assert "\n" not in str(caught.value)
    assert held.open(**_unit(tmp_path)).text == "systemd's, 20000 ms"


def test_systemd_hears_of_it_at_most_every_quarter(tmp_path, manager):
    now = [100.0]
    found = watchdog.Systemd(20000, _unit(tmp_path), lambda: now[0])
    for _ in range(200):  # ten seconds
        found.feed()
        now[0] += 0.05
    assert len(_heard(manager)) == 2
    now[0] += 4.9
    found.feed()
    found.feed()
    assert len(_heard(manager)) == 1


def test_what_systemd_did_not_hear_is_said_again(tmp_path):
    environ = _unit(tmp_path)
    found = watchdog.Systemd(20000, environ, lambda: 7.0)
    found.feed()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(environ["NOTIFY_SOCKET"])
        listener.setblocking(False)
        found.feed()
        assert _heard(listener) == [b"WATCHDOG=1"]


def test_a_unit_with_a_watchdog_is_told_beside_the_hardware(dog, tmp_path, manager):
    found = dog.open(60000, _unit(tmp_path))
    assert found.timeout_ms == 20000 and dog.timeout == 60
    assert dog.fed == 1 and _heard(manager) == [b"WATCHDOG=1"]


def test_a_machine_without_proc(tmp_path, monkeypatch):
    held = Held(tmp_path, monkeypatch)
    held.proc.rmdir()
    with pytest.raises(WatchdogError, match="nobody can be seen"):
        held.open()
