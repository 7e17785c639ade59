"""The emulated microcontroller of the rig, a Cortex-M3: docs/rig-mcu.md says what it models and what it does not."""

from hal.nor_spi import NorSpi
from hal.single_chip import assemble, layout_of
from hal.watchdog import Feeder

SPI, SPI_HZ, CS = 0, 25000000, 0
CHIP = b"\xc8\x40\x16"  # GD25Q32
FLASH_SIZE = 4194304
MEMORY = 0x21000000  # where the processor sees the chip, for banks that are ROMFS
LAYOUT = layout_of(FLASH_SIZE)
IMAGE_KIND = "lfs2"
WATCHDOG_MS = 8000
LED = BUTTON = UART = None
NETWORK = "serial"
OPTIONS = {
    "name": "rig_mps2",
    "small": True,
    "xml": False,
    "tnds": False,
    "needs_server": False,
    "trial_min_ms": 500,
    "trial_max_ms": 10000,
    "nap_ms": 100,
}


def build(port):
    """Wire the board."""
    feeder = Feeder(port.watchdog, port.clock)
    flash = NorSpi(port.spi(SPI, SPI_HZ, CS), port.clock, feeder.feed, CHIP)
    hardware = assemble(port, flash, LAYOUT, port.scratch)
    for bank in hardware.banks:
        bank.mapped = port.memory(MEMORY + bank.image.start, bank.image.size)
    return hardware
