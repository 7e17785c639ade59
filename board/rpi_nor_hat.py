"""A Raspberry Pi with a W25Q128 on SPI0: docs/boards/rpi_nor_hat.md has the wiring."""

from agent.errors import FlashError
from hal.eeprom_i2c import Eeprom, EepromCounter
from hal.nor_spi import NorSpi
from hal.single_chip import assemble, layout_of
from hal.status_led import StatusLed
from hal.watchdog import Feeder

SPI, SPI_HZ = "/dev/spidev0.0", 20000000
CHIP = b"\xef\x40\x18"  # W25Q128
FLASH_SIZE = 16777216
LAYOUT = layout_of(FLASH_SIZE)
WATCHDOG_MS = 15000  # as far as the bcm2835 can count
LED, BUTTON, WRITE_PROTECT, HOLD = 17, 27, 22, 23
EEPROM = (1, 0x50)  # bus and address of a 24C32
UART = "/dev/serial0"
OPTIONS = {"name": "rpi_nor_hat"}


def build(port):
    """Wire the board."""
    lines = [port.pin_out(line, value=1) for line in (WRITE_PROTECT, HOLD)]
    feeder = Feeder(port.watchdog, port.clock)
    flash = NorSpi(port.spi(SPI, SPI_HZ), port.clock, feeder.feed, CHIP)
    hardware = assemble(port, flash, LAYOUT, _counter(port))
    hardware.lines = lines  # one that nobody holds becomes an input again
    hardware.button = port.pin_in(BUTTON, pull_up=True)
    hardware.led = StatusLed(port.pin_out(LED), port.clock)
    hardware.uart = port.console(UART)
    return hardware


def _counter(port):
    """Return the counter in the EEPROM; a board without one marks crashes in the flash."""
    try:
        bus, address = EEPROM
        counter = EepromCounter(Eeprom(port.i2c(bus, address, 2), port.clock), 0, port.cause)
    except FlashError:
        return None
    return None if counter.fault else counter
