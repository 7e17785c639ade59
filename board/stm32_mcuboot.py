"""A NUCLEO-F767ZI with MicroPython that keeps a microcontroller with MCUboot up to date; the wiring: docs/boards/stm32_mcuboot.md.

MicroPython's own firmware is not updated: nothing on an STM32 tries it and takes it back. What packages bring (kind `mcuboot`)
is the microcontroller's firmware, written into the second slot while it is held in its reset. The state has a chip of its own.
"""

from agent.late import later
from hal.cotarget_bus import TargetBus
from hal.cotarget_hardware import Slot, assemble, state_layout
from hal.cotarget_parts import LineProbe
from hal.nor_spi import NorSpi
from hal.region import Region
from hal.smp_client import SmpClient
from hal.status_led import StatusLed
from hal.watchdog import Feeder

NATIVE = True  # no first stage of ours
IMAGE_KIND = "mcuboot"
WATCHDOG_MS = 20000
# The target's flash, on SPI3 (D22, D23, D25), and in it MCUboot's second slot
SPI, SPI_HZ, CS = 3, 4000000, "D24"  # the clock goes through resistors or a switch
CHIP = b"\xef\x40\x18"  # W25Q128
CHIP_SIZE, CHIP_PAGE = 16777216, 256
CHIP_UNITS = ((4096, 400), (65536, 2000))
SLOT_START, SLOT_SIZE = 0, 524288
ALIGN, SECTORS = 8, 128  # what the bootloader was built with: imgtool's --align, BOOT_MAX_IMG_SECTORS
# The chip with the state, on a bus in software
STATE_CS, STATE_SCK, STATE_MOSI, STATE_MISO, STATE_HZ = "D8", "D7", "D2", "D4", 1000000
STATE_CHIP = b"\xef\x40\x15"  # W25Q16
STATE_SIZE = 131072  # of it
LAYOUT = state_layout(STATE_SIZE, SLOT_SIZE)
TARGET_RESET = "D9"  # low holds the target
UART, BAUD = 6, 115200  # D1 to the target, D0 from it; None: the target has none, a line says what it has to say
CONFIRMED_LINE = "D6"  # high while what the target runs is confirmed; only where UART is None
# Bounds, not what is usual: from a reset to the first answer, and the same with a swap of whole slots
START_MS, SWAP_MS = 10000, 120000
CONFIRMS = False  # the target confirms its new image itself; True: we do, once it answered and the trial's time is over
SHARED_SUPPLY = True  # the target has the Nucleo's
LED, BUTTON = "LED2", "SW"  # blue; the button is high while it is pressed
NETWORK = "wired"
OPTIONS = {"name": "stm32_mcuboot", "small": True, "needs_server": False}


def layout_of(flash_size):
    """Return what lies where in the chip of the state; the slot is not in it."""
    return LAYOUT


def build(port):
    """Wire the board."""
    feed = Feeder(port.watchdog, port.clock).feed
    own = port.spi(-1, STATE_HZ, STATE_CS, sck=STATE_SCK, mosi=STATE_MOSI, miso=STATE_MISO)
    state = Region(NorSpi(own, port.clock, feed, STATE_CHIP), 0, STATE_SIZE)
    hardware = assemble(
        port,
        state,
        LAYOUT,
        _bus(port, feed),
        _probe(port, feed),
        Slot(SLOT_START, SLOT_SIZE, ALIGN, SECTORS),
        start_ms=START_MS,
        swap_ms=SWAP_MS,
        confirms=CONFIRMS,
        shared=SHARED_SUPPLY,
        end=later(port, "reboot"),
    )
    hardware.led = StatusLed(port.pin_out(LED), port.clock)
    hardware.button = port.pin_in(BUTTON, pull_up=None)
    hardware.boot.look()
    return hardware


def _bus(port, feed):
    reset = port.pin_out(TARGET_RESET, value=0, active_low=True)
    link = port.spi(SPI, SPI_HZ, CS)
    return TargetBus(reset, port.clock, lambda: NorSpi(link, port.clock, feed, CHIP), CHIP_SIZE, CHIP_PAGE, CHIP_UNITS)


def _probe(port, feed):
    if UART is None:
        return LineProbe(port.pin_in(CONFIRMED_LINE, pull_up=False))
    return SmpClient(port.uart(UART, BAUD), port.clock, feed)
