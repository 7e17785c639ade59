"""A Raspberry Pi that keeps a microcontroller with MCUboot up to date: it writes the second slot, in a SPI NOR, over SPI0.

The agent runs from the Pi's own system and is not replaced; what packages bring (kind `mcuboot`) is the microcontroller's firmware.
State is kept in a file of the Pi. Copy this file where your part, your slot or your wiring differ: a path may stand in config.toml.
"""

from hal.cotarget_bus import TargetBus
from hal.cotarget_hardware import Slot, state_layout
from hal.cotarget_hardware import assemble as put_together
from hal.cotarget_parts import LineProbe
from hal.nor_spi import NorSpi
from hal.smp_client import SmpClient

NAME = "rpi_mcuboot_target"
NATIVE = True  # no first stage of ours
WATCHDOG_MS = 15000
SPI = "/dev/spidev0.0"
SPI_HZ = 4000000  # through the resistors or the switch between the Pi and the flash
TARGET_RESET = 24  # low holds the target
UART = "/dev/serial0"  # None: the target has none, CONFIRMED_LINE says what it has to say
BAUD = 115200
CONFIRMED_LINE = 25  # high while what the target runs is confirmed; only where UART is None
# The target's flash, and in it MCUboot's second slot
CHIP = b"\xef\x40\x18"  # W25Q128
CHIP_SIZE, CHIP_PAGE = 16 << 20, 256
CHIP_UNITS = ((4096, 400), (65536, 2000))
SLOT_START, SLOT_SIZE = 0, 512 << 10
ALIGN, SECTORS = 8, 128  # what the bootloader was built with: imgtool's --align, BOOT_MAX_IMG_SECTORS
# Bounds, not what is usual: from a reset to the first answer, and the same with a swap of whole slots
START_MS, SWAP_MS = 10000, 120000
CONFIRMS = False  # the target confirms its new image itself; True: we do, once it answered and the trial's time is over
SHARED_SUPPLY = True  # the target has the Pi's
STATE = "/var/lib/fumo-agent/state.bin"
STATE_SIZE = 128 << 10
OPTIONS = {"name": NAME, "needs_server": False}
LAYOUT = state_layout(STATE_SIZE, SLOT_SIZE)


def layout_of(flash_size):
    """Return what lies where in the file of the state; the slot is not in it."""
    return LAYOUT


def may_be_trial(port):
    """Return False: what may be on trial is the target's firmware, and nothing that ends here undoes that."""
    return False


def build(port):
    """Wire the board: the state in a file, the slot behind SPI0, the target's reset, its serial line."""
    feed, link = port.watchdog.feed, port.spi(SPI, SPI_HZ)
    bus = TargetBus(
        port.pin_out(TARGET_RESET, value=0, active_low=True),
        port.clock,
        lambda: NorSpi(link, port.clock, feed, CHIP),
        CHIP_SIZE,
        CHIP_PAGE,
        CHIP_UNITS,
    )
    if UART:
        probe = SmpClient(port.uart(UART, BAUD), port.clock, feed)
    else:
        probe = LineProbe(port.pin_in(CONFIRMED_LINE, pull_up=False))
    hardware = assemble(port, port.block(STATE, size=STATE_SIZE), bus, probe)
    hardware.boot.look()
    return hardware


def assemble(port, state, bus, probe, **policy):
    """Return the Hardware over these parts; `policy` changes what this file says of the target's times and habits."""
    usual = {
        "start_ms": START_MS,
        "swap_ms": SWAP_MS,
        "confirms": CONFIRMS,
        "shared": SHARED_SUPPLY,
        "end": port.reboot,
    }
    usual.update(policy)
    return put_together(port, state, LAYOUT, bus, probe, Slot(SLOT_START, SLOT_SIZE, ALIGN, SECTORS), **usual)
