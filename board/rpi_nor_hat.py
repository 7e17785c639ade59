"""A Raspberry Pi with a W25Q128 on SPI0: docs/boards/rpi_nor_hat.md has the wiring."""

from hal.nor_spi import NorSpi
from hal.single_chip import assemble, layout_of
from hal.watchdog import Feeder

SPI, SPI_HZ = "/dev/spidev0.0", 20000000
CHIP = b"\xef\x40\x18"  # W25Q128
FLASH_SIZE = 16777216
LAYOUT = layout_of(FLASH_SIZE)
WATCHDOG_MS = 15000  # as far as the bcm2835 can count
LED, BUTTON, WRITE_PROTECT, HOLD = 17, 27, 22, 23
EEPROM = (1, 0x50)  # bus and address of a 24C32; whoever has none leaves it out
OPTIONS = {"name": "rpi_nor_hat"}


def build(port):
    """Wire the board."""
    for line in (WRITE_PROTECT, HOLD):
        port.pin_out(line, value=1)
    feeder = Feeder(port.watchdog, port.clock)
    flash = NorSpi(port.spi(SPI, SPI_HZ), port.clock, feeder.feed, CHIP)
    hardware = assemble(port, flash, LAYOUT)
    hardware.button = port.pin_in(BUTTON, pull_up=True)
    return hardware
