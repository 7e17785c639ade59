"""A Pico W (RP2040) or Pico 2 W (RP2350) with a W25Q128 on SPI0: docs/boards/pico_w_nor.md has the wiring.

The Pico's own LED hangs on the radio's chip, which is not awake while a bank is chosen: the status LED is one of ours.
"""

from hal.nor_spi import NorSpi
from hal.single_chip import assemble, layout_of
from hal.status_led import StatusLed
from hal.watchdog import Feeder

SPI, SPI_HZ = 0, 20000000
SCK, MOSI, MISO, CS = 18, 19, 16, 17
CHIP = b"\xef\x40\x18"  # W25Q128
FLASH_SIZE = 16777216
LAYOUT = layout_of(FLASH_SIZE)
IMAGE_KIND = "lfs2"
WATCHDOG_MS = 8388  # as far as the RP2040 can count; the RP2350 could count twice as far
LED, BUTTON = 14, 15  # the button, held at the start: serial recovery
UART, UART_TX, UART_RX = 0, 0, 1
NETWORK = "wifi"
OPTIONS = {
    "name": "pico_w_nor",
    "small": True,
    "xml": False,
    "tnds": False,
}  # docs/memory.md: what a board can leave out


def build(port):
    """Wire the board."""
    feeder = Feeder(port.watchdog, port.clock)
    link = port.spi(SPI, SPI_HZ, CS, sck=SCK, mosi=MOSI, miso=MISO)
    hardware = assemble(port, NorSpi(link, port.clock, feeder.feed, CHIP), LAYOUT, port.scratch)
    hardware.button = port.pin_in(BUTTON, pull_up=True)
    hardware.led = StatusLed(port.pin_out(LED), port.clock)
    hardware.uart = port.console(UART, tx=UART_TX, rx=UART_RX)
    return hardware
