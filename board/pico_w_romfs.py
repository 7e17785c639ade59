"""A Pico W or Pico 2 W whose firmware was built with ROMFS: both banks run in place, out of its own flash, and need no file system.

docs/boards/romfs.md says how such a firmware is made, and what other boards can do the same: they are copies of this file.
"""

from hal.flash_blocks import FlashBlocks
from hal.single_chip import assemble, close_layout
from hal.status_led import StatusLed
from hal.watchdog import Feeder

PARTITION = 0
FLASH_SIZE = 640 << 10  # of MICROPY_HW_ROMFS_BYTES
LAYOUT = close_layout((FLASH_SIZE - (64 << 10)) // 2)
IMAGE_KIND = "romfs"
WATCHDOG_MS = 8388  # as far as the RP2040 can count
LED, BUTTON = 14, 15  # the button, held at the start: serial recovery
UART, UART_TX, UART_RX = 0, 0, 1
NETWORK = "wifi"
OPTIONS = {
    "name": "pico_w_romfs",
    "small": True,
    "xml": False,
    "tnds": False,
}  # docs/memory.md: what a board can leave out


def build(port):
    """Wire the board."""
    feeder = Feeder(port.watchdog, port.clock)
    device, mapped = port.rom(PARTITION)
    flash = FlashBlocks(device, feeder.feed, mapped)
    hardware = assemble(port, flash, LAYOUT, port.scratch)
    for bank in hardware.banks:
        bank.mapped = mapped[bank.image.start : bank.image.start + bank.image.size]
    hardware.button = port.pin_in(BUTTON, pull_up=True)
    hardware.led = StatusLed(port.pin_out(LED), port.clock)
    hardware.uart = port.console(UART, tx=UART_TX, rx=UART_RX)
    return hardware
