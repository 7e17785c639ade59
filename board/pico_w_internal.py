"""A Pico W or Pico 2 W with nothing added: both banks are files in the littlefs of its own flash.

docs/boards/pico_w_internal.md says how much room that takes, and what it costs. A board with more flash is a copy of this file
with a larger BANK_SIZE.
"""

from hal.flash_files import FlashFiles
from hal.single_chip import assemble, close_layout
from hal.status_led import StatusLed
from hal.watchdog import Feeder

FILES = "/fumo"  # in the file system of the board
BANK_SIZE = 288 << 10  # twice, of the 848 KiB that a Pico W's file system has
LAYOUT = close_layout(BANK_SIZE)
FLASH_SIZE = LAYOUT[-1][1] + LAYOUT[-1][2]
IMAGE_KIND = "lfs2"
WATCHDOG_MS = 8388  # as far as the RP2040 can count
LED, BUTTON = 14, 15  # the button, held at the start: serial recovery
UART, UART_TX, UART_RX = 0, 0, 1
NETWORK = "wifi"
OPTIONS = {
    "name": "pico_w_internal",
    "small": True,
    "xml": False,
    "tnds": False,
}  # docs/memory.md: what a board can leave out


def build(port):
    """Wire the board."""
    feeder = Feeder(port.watchdog, port.clock)
    flash = FlashFiles(port.files(FILES), FLASH_SIZE, feeder.feed)
    hardware = assemble(port, flash, LAYOUT, port.scratch)
    hardware.button = port.pin_in(BUTTON, pull_up=True)
    hardware.led = StatusLed(port.pin_out(LED), port.clock)
    hardware.uart = port.console(UART, tx=UART_TX, rx=UART_RX)
    return hardware
