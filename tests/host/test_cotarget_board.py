"""The board file of a target beside a Pi: what it asks the port for, and that its constants are those of the chip that it names."""

import pytest

from agent.errors import FlashError, LinkError
from board import rpi_mcuboot_target as board
from hal.region import layout_hash
from ports.cpython_linux.settings import load_board
from ports.sim.clock import Clock
from ports.sim.nor import Geometry, Nor
from ports.sim.spi_chip import SpiChip
from ports.sim.watchdog import Watchdog
from tests.portable.chips import part
from tests.portable.mcuboot_target import Target, make_image

IMAGE = make_image(b"firmware" * 300)


class Port:
    """Gives models of what is on the board, and remembers what was asked for."""

    def __init__(self, chip="W25Q128", line=False):
        self.clock = Clock()
        self.watchdog = Watchdog(self.clock, board.WATCHDOG_MS)
        self.asked, self.rebooted = [], 0
        geometry = Geometry("state", board.STATE_SIZE, ((4096, 1000, 1000),), (100, 100), (10, 1))
        self.state = Nor(geometry, self.clock)
        self.chip = SpiChip(part(chip), self.clock)
        cells = Nor(Geometry("cells", 1 << 20, ((4096, 1000, 1000),), (100, 100), (10, 1)), self.clock)
        self.target = Target(self.clock, cells, 0, 512 << 10, IMAGE, {})
        self.clock.sleep_ms(2000)

    def spi(self, path, hz):
        self.asked.append((path, hz))
        return self.chip

    def block(self, path, **more):
        self.asked.append((path, more))
        return self.state

    def uart(self, path, baud):
        self.asked.append((path, baud))
        return self.target

    def pin_out(self, line, **more):
        self.asked.append((line, more))
        return self.target.pin

    def pin_in(self, line, **more):
        self.asked.append((line, more))
        return self.target.confirmed_line

    def reboot(self):
        self.rebooted += 1


def test_what_it_asks_for():
    port = Port()
    hardware = board.build(port)
    assert (24, {"value": 0, "active_low": True}) in port.asked
    assert ("/dev/spidev0.0", 4000000) in port.asked and ("/dev/serial0", 115200) in port.asked
    assert ("/var/lib/fumo-agent/state.bin", {"size": board.STATE_SIZE}) in port.asked
    assert (hardware.boot.running(), hardware.boot.confirmed()) == (0, 0) and not port.target.held
    assert (
        hardware.restart and hardware.tick and len(hardware.self_tests) == 1 and hardware.settings and hardware.factory
    )
    assert hardware.layout == layout_hash(board.layout_of(board.STATE_SIZE)) and hardware.boot.native


def test_its_constants_are_those_of_the_chip_that_it_names():
    port = Port()
    hardware = board.build(port)
    hardware.check_flash()
    assert port.target.held
    image, data = hardware.banks[1].image, bytearray(64)
    for size, _ in hardware.erase_units:
        image.erase(0, size)
    image.program(256, b"\x5a" * 64)
    image.read(256, data)
    assert data == b"\x5a" * 64 and 60 << 10 < image.size < board.SLOT_SIZE
    port.clock.sleep_ms(6000)
    hardware.tick()
    assert not port.target.held


@pytest.mark.parametrize("chip", ["W25Q64", "IS25WP256"])
def test_another_chip_is_refused_and_the_target_goes_on(chip):
    port = Port(chip)
    hardware = board.build(port)
    with pytest.raises(FlashError, match="the board file names"):
        hardware.check_flash()
    assert not port.target.held


def test_a_target_without_a_serial_line(monkeypatch):
    monkeypatch.setattr(board, "UART", None)
    port = Port()
    board.build(port).check_flash()
    assert (25, {"pull_up": False}) in port.asked and port.target.held


def test_a_line_that_is_gone_is_no_silent_target(monkeypatch):
    port = Port()

    def gone(data):
        raise LinkError("/dev/serial0 is gone")

    monkeypatch.setattr(port.target, "write", gone)
    hardware = board.build(port)  # the agent starts all the same, and can tell somebody
    with pytest.raises(LinkError, match="nobody can ask the target: /dev/serial0 is gone"):
        hardware.check_flash()
    assert not port.target.held


def test_the_settings_find_it():
    assert load_board("rpi_mcuboot_target") is board and board.NATIVE
