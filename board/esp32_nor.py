"""An ESP32 with a W25Q128 on its VSPI: docs/boards/esp32_nor.md has the wiring.

What is in the ESP32's own flash, MicroPython and the first stage, is never written over the air.
"""

from hal.nor_spi import NorSpi
from hal.single_chip import assemble, layout_of
from hal.status_led import StatusLed
from hal.watchdog import Feeder

SPI, SPI_HZ = 2, 20000000
SCK, MOSI, MISO, CS = 18, 23, 19, 5
CHIP = b"\xef\x40\x18"  # W25Q128
FLASH_SIZE = 16777216
LAYOUT = layout_of(FLASH_SIZE)
IMAGE_KIND = "lfs2"
WATCHDOG_MS = 15000
LED, BUTTON = 4, 27  # the button, held at the start: serial recovery
UART, UART_TX, UART_RX = 2, 26, 25
NETWORK = "wifi"
OPTIONS = {"name": "esp32_nor", "small": True}


def build(port):
    """Wire the board."""
    feeder = Feeder(port.watchdog, port.clock)
    link = port.spi(SPI, SPI_HZ, CS, sck=SCK, mosi=MOSI, miso=MISO)
    hardware = assemble(port, NorSpi(link, port.clock, feeder.feed, CHIP), LAYOUT, port.scratch)
    hardware.button = port.pin_in(BUTTON, pull_up=True)
    hardware.led = StatusLed(port.pin_out(LED), port.clock)
    hardware.uart = port.console(UART, tx=UART_TX, rx=UART_RX)
    return hardware
