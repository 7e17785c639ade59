"""The emulated i.MX6 board of the rig: docs/boards/rig_imx6.md says what it models and what it does not."""

from hal.nor_spi import NorSpi
from hal.single_chip import assemble, layout_of
from hal.watchdog import Feeder

SPI, SPI_HZ = "/dev/spidev0.0", 20000000
CHIP = "sst25vf016b-qemu"
FLASH_SIZE = 2097152
LAYOUT = layout_of(FLASH_SIZE)
WATCHDOG_MS = 8000  # what the driver is loaded with: the emulator does not obey a time-out that is set later
UART = "/dev/ttymxc2"
OPTIONS = {"name": "rig_imx6"}


def build(port):
    """Wire the board."""
    feeder = Feeder(port.watchdog, port.clock)
    flash = NorSpi(port.spi(SPI, SPI_HZ), port.clock, feeder.feed, part=CHIP)
    hardware = assemble(port, flash, LAYOUT)
    hardware.uart = port.uart(UART, 115200)
    return hardware
