"""ports/cpython_linux/spi.py behind a spidev that behaves as the real module does: lists, 4096 bytes, errors of the kernel."""

import errno
import sys

import pytest

from agent.errors import FlashError
from hal.nor_spi import NorSpi
from ports.cpython_linux import spi
from ports.sim.real_clock import RealClock
from tests.host.fake_chips import FAKE, Spidev


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(FAKE))
    monkeypatch.delitem(sys.modules, "spidev", raising=False)
    import spidev

    yield spidev
    sys.modules.pop("spidev", None)


@pytest.fixture
def bus(tmp_path, module, monkeypatch):
    fake = Spidev(tmp_path)
    monkeypatch.setenv("FAKE_SPIDEV", fake.environ()["FAKE_SPIDEV"])
    return fake


def link(bus, bufsiz=None, **options):
    path = bus.folder / "bufsiz"
    if bufsiz is not None:
        path.write_text("%d\n" % bufsiz)
    return spi.SpiLink(str(bus.device), bufsiz=str(path), **options)


def test_a_chip_is_driven_through_it(bus):
    wires = link(bus)
    nor = NorSpi(wires, RealClock(), lambda: None)
    assert (nor.name, nor.size) == ("W25Q16", 2 << 20)
    data = bytes(range(256))
    nor.erase(8192, 4096)
    for page in range(16):
        nor.program(8192 + page * 256, data)
    found = bytearray(9000)
    nor.read(8192, found)
    assert found == data * 16 + b"\xff" * (9000 - 4096)
    assert max(wires._spi.messages) == 4095  # four bytes of head, and what is left when there may be five


def test_a_call_is_one_transfer_and_keeps_its_arguments(bus):
    wires = link(bus)
    head, into = bytearray(b"\x9f"), bytearray(3)
    wires.query(head, into)
    assert into == b"\xef\x40\x15" and head == b"\x9f" and wires._spi.messages == [4]
    data = bytearray(b"\x01\x02")
    wires.command(b"\x06")
    wires.command(bytearray(b"\x02\x00\x10\x00"), data)
    assert data == b"\x01\x02" and wires._spi.messages == [4, 1, 6]
    part = bytearray(8)
    wires.query(b"\x9f", memoryview(part)[2:5])
    assert part == b"\x00\x00\xef\x40\x15\x00\x00\x00"


@pytest.mark.parametrize(("kernel", "most"), [(None, 4096), (65536, 4096), (512, 512), (4096, 4096)])
def test_the_kernels_buffer_limits_a_query(bus, kernel, most):
    wires = link(bus, kernel)
    assert wires.max_query == most - 5
    bus.change(max_message=most)
    wires = link(bus, kernel)
    nor = NorSpi(wires, RealClock(), lambda: None)
    nor.read(0, bytearray(10000))
    assert max(wires._spi.messages) <= most


def test_a_buffer_that_no_page_goes_through_is_refused(bus):
    """With four-byte addresses a page takes 261 bytes: all of them arrive, and one byte less is said at once."""
    wires = link(bus, 261)
    wires.command(b"\x12\x00\x00\x20\x00", bytes(256))
    assert wires._spi.messages == [261] and wires.max_query == 256
    for size in (260, 64, 0):
        with pytest.raises(
            FlashError, match="bufsiz is %d bytes, a page takes 261: add spidev.bufsiz=65536" % size
        ) as caught:
            link(bus, size)
        assert "\n" not in str(caught.value) and str(bus.device) in str(caught.value)


def test_speed_and_mode_are_read_back(bus):
    assert link(bus, hz=100_000_000).hz == 32_000_000
    bus.change(mode=3)
    with pytest.raises(FlashError, match="mode 0"):
        link(bus)


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EACCES, "group spi"), (errno.EBUSY, "in use"), (errno.ENXIO, "no device"), (errno.EIO, "Input/output")],
)
def test_what_the_kernel_refuses_says_what_to_do(bus, number, said):
    bus.change(deny=number)
    with pytest.raises(FlashError, match=said) as caught:
        link(bus)
    assert caught.value.__cause__.errno == number


def test_a_device_that_is_not_there(bus):
    with pytest.raises(FlashError, match="switch SPI on"):
        spi.SpiLink(str(bus.folder / "spidev9.9"))


def test_a_message_that_the_kernel_does_not_take(bus):
    bus.change(max_message=100)
    with pytest.raises(FlashError, match=r"spidev\.bufsiz"):
        link(bus).query(b"\x03\x00\x00\x00", bytearray(200))


def test_a_command_that_is_too_long_is_refused_and_not_cut_into_several(bus):
    wires = link(bus, 512)
    with pytest.raises(FlashError, match=r"spidev\.bufsiz"):
        wires.command(b"\x02\x00\x00\x00", bytes(509))
    assert wires._spi.messages == []
    wires.command(b"\x02\x00\x00\x00", bytes(508))
    assert wires._spi.messages == [512]


def test_without_the_module(bus, monkeypatch):
    monkeypatch.setitem(sys.modules, "spidev", None)
    with pytest.raises(FlashError, match="pip install spidev"):
        link(bus)
