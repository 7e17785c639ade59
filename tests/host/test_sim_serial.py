"""The cable of a simulated device's serial line, and a device that is who its flash says it is."""

import os
import select
import time
from types import SimpleNamespace

import pytest
import serial

from flash_tools.errors import ToolError
from flash_tools.sim import sim_files
from flash_tools.sim.sim_process import SimProcess, command
from flash_tools.sim.sim_serial import LineFaults, SerialCable
from ports.sim.console import Console
from ports.sim.serial import SerialLine
from ports.sim.watcher import Watcher
from tests.host.sim_devices import INTERPRETERS, QUICK, TIMEOUT_S, needs, without_account


@pytest.fixture
def cable(tmp_path):
    with SerialCable(tmp_path / "serial") as cable:
        yield cable


def ends(cable, timeout=5):
    """Open both ends."""
    return serial.Serial(cable.device, timeout=timeout), serial.Serial(str(cable.link), timeout=timeout)


def test_bytes_come_through_as_they_are(cable):
    device, host = ends(cable)
    every = bytes(range(256))
    with device, host:
        host.write(every)
        assert device.read(256) == every
        device.write(every)
        assert host.read(256) == every


def test_nobody_needs_to_listen(cable):
    end = os.open(cable.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    sent, poll = 0, select.poll()
    poll.register(end, select.POLLOUT)
    while sent < 200_000:
        assert poll.poll(5000), "the line stands still after %d bytes" % sent
        sent += os.write(end, b"x" * 512)
    os.close(end)


def test_a_cut_hangs_up_and_the_link_leads_to_the_new_end(cable):
    device, host = ends(cable)
    first = cable.path
    with device, host:
        assert cable.cut() == cable.path != first and os.readlink(cable.link) == cable.path
        with pytest.raises(serial.SerialException):
            host.read(1)
        with serial.Serial(str(cable.link), timeout=5) as again:
            again.write(b"here")
            assert device.read(4) == b"here"


def test_what_the_device_missed_is_gone(cable):
    with serial.Serial(str(cable.link), timeout=5) as host:
        host.write(b"missed")
        deadline = time.monotonic() + 5
        while cable.faults.carried < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
    end = os.open(cable.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    assert select.select((end,), (), (), 5)[0]
    cable.flush()
    assert not select.select((end,), (), (), 0)[0]
    os.close(end)


def test_recovery_is_alone_on_the_line(cable):
    console, output = Console(), SimpleNamespace(line=None)
    watcher = Watcher(SimpleNamespace(request_update=False), console, None, print, print)
    watcher.attach(SerialLine(cable.device), output)
    assert output.line
    shared, into = watcher.give_line(), bytearray(5)
    assert output.line is None
    with serial.Serial(str(cable.link)) as host:
        host.write(b"quit\n")
        console.wait(50)
        for _ in range(100):
            assert console.take() is None
            if cable.faults.carried == 5:
                break
            time.sleep(0.01)
        assert select.select((shared.file,), (), (), 5)[0] and console.take() is None
        assert shared.read_into(into) and into[:1] == b"q"
    watcher.take_line()
    assert output.line


def test_the_link_comes_and_goes(tmp_path):
    link = tmp_path / "serial"
    link.symlink_to("/dev/pts/none")
    with SerialCable(link) as cable:
        assert os.readlink(link) == cable.path
    assert not link.is_symlink()
    with pytest.raises(ToolError, match="cannot make"):
        SerialCable(tmp_path / "none" / "serial")


def carried(faults, size=20_000):
    """Return what arrives of so many bytes, and how often the cable was cut."""
    out, cuts, left = b"", 0, bytes(size)
    while left:
        piece, cut = faults.carry(left[:100])
        out, cuts, left = out + piece, cuts + cut, left[100:]
    return out, cuts


def test_faults_are_those_of_the_script():
    assert carried(LineFaults()) == (bytes(20_000), 0)
    assert len(carried(LineFaults(silences=((100, 50), (19_990, 100))))[0]) == 20_000 - 50 - 11
    assert carried(LineFaults(cuts=(5_000, 150)))[1] == 2
    lost, spoilt = carried(LineFaults(7, drop=0.01))[0], carried(LineFaults(7, flip=0.01))[0]
    assert 100 < 20_000 - len(lost) < 300 and lost == bytes(len(lost))
    assert len(spoilt) == 20_000 and 100 < sum(byte.bit_count() for byte in spoilt) < 300
    assert carried(LineFaults(7, flip=0.01))[0] == spoilt != carried(LineFaults(8, flip=0.01))[0]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_device_is_who_its_flash_says_it_is(tmp_path, interpreter):
    micropython, files = needs(interpreter), without_account(tmp_path)
    with SimProcess(command(files.flash, None, *QUICK, micropython=micropython)) as device:
        device.wait_for("boot 1 bank 0 confirmed version 1.0", TIMEOUT_S)
        device.wait_for("state 10")
        device.send("status")
        assert '"device": "sim:1"' in device.wait_for("status")
    facts = files.facts()
    facts["device"]["DevId"] = "other"
    sim_files.write_provision(files.folder, facts)
    with SimProcess(command(files.flash, files.provision, *QUICK, micropython=micropython)) as device:
        device.wait_for("state 10", TIMEOUT_S)
        device.send("status")
        assert '"device": "other"' in device.wait_for("status")


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_what_cannot_be_used(tmp_path, interpreter):
    micropython, files = needs(interpreter), without_account(tmp_path)
    with open(files.flash, "r+b") as file:
        file.seek(14 * 4096)
        file.write(b"\xff" * 8192)
    (tmp_path / "file").write_bytes(b"")
    for provision, more, code, text in (
        (None, (), 2, "never provisioned"),
        (files.provision, ("--serial", tmp_path / "none"), 1, "as a serial line"),
        (files.provision, ("--serial", tmp_path / "file"), 1, "as a serial line"),
    ):
        with SimProcess(command(files.flash, provision, *QUICK, *more, micropython=micropython)) as device:
            assert device.wait(20) == code
        assert len(device.errors) == 1 and text in device.errors[0], device.errors
