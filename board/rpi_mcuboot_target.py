"""A Raspberry Pi that keeps a microcontroller with MCUboot up to date: it writes the second slot, in a SPI NOR, over SPI0.

The agent runs from the Pi's own system and is not replaced; what packages bring (kind `mcuboot`) is the microcontroller's firmware.
State is kept in a file of the Pi. Copy this file where your part, your slot or your wiring differ: a path may stand in config.toml.
"""

from hal.boot_cotarget import CoTarget
from hal.boot_mcuboot import McubootSlot
from hal.cotarget_bus import TargetBus
from hal.cotarget_parts import KeptHeader, LineProbe, NoCounter, SlotImage
from hal.hardware import Bank, Hardware
from hal.nor_spi import NorSpi
from hal.region import Region, carve, layout_hash
from hal.smp_client import SmpClient
from hal.target_record import TargetRecord
from hal.watchdog import fitting_units

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
_SECTOR = 4096
LAYOUT = (
    ("target", 0, 3 * _SECTOR),
    ("journal", 3 * _SECTOR, 3 * _SECTOR),
    ("header0", 6 * _SECTOR, _SECTOR),
    ("header1", 7 * _SECTOR, _SECTOR),
    ("settings", 8 * _SECTOR, 6 * _SECTOR),
    ("factory", 14 * _SECTOR, 2 * _SECTOR),
    ("slot of %d" % SLOT_SIZE, STATE_SIZE - _SECTOR, _SECTOR),  # there for its name, which goes into the layout's hash
)


def layout_of(flash_size):
    """Return what lies where in the file of the state; the slot is not in it."""
    return LAYOUT


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
    regions = carve(state, LAYOUT)
    region = Region(bus, SLOT_START, SLOT_SIZE)
    slot = McubootSlot(region, ALIGN, SECTORS)
    usual = {
        "start_ms": START_MS,
        "swap_ms": SWAP_MS,
        "confirms": CONFIRMS,
        "shared": SHARED_SUPPLY,
        "end": port.reboot,
    }
    usual.update(policy)
    record = TargetRecord(regions["target"])
    boot = CoTarget(record, slot, region, bus, probe, port.clock, port.watchdog.feed, **usual)
    hardware = Hardware(
        layout_hash(LAYOUT),
        regions["journal"],
        tuple([_bank(number, boot, region, slot.room, regions) for number in range(2)]),
        boot,
        port.watchdog,
        NoCounter(),
        fitting_units(bus.erase_units, port.watchdog.timeout_ms),
        boot.free_slot,
    )
    hardware.settings, hardware.factory = regions["settings"], regions["factory"]
    hardware.restart, hardware.tick, hardware.self_tests = boot.restart, boot.tick, (boot.works,)
    return hardware


def _bank(number, boot, region, room, regions):
    header = KeptHeader(number, boot, regions["header%d" % number])
    return Bank(SlotImage(number, boot, region, room), header)
