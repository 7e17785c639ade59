"""A Raspberry Pi 4, 5 or one of their kin that boots A/B by itself: two boot and two root partitions, no first stage of ours.

Which partitions these are, and how a card is prepared, is on docs/boards/rpi_tryboot.md. A board with a disk elsewhere or of
another size is a copy of this file with other constants, named by its path in the settings.
"""

from hal.boot_record import BootRecord
from hal.boot_tryboot import TrybootControl
from hal.flash_span import Behind, FlashSpan
from hal.hardware import Bank, Hardware
from hal.no_counter import NoCounter
from hal.region import carve, layout_hash
from hal.state_layout import layout_of_state
from hal.watchdog import fitting_units

NAME = "rpi_tryboot"
NATIVE = True  # the boot ROM chooses the bank, and what runs is in it
VERSION_FILE = "/usr/lib/fumo-agent/image-version"  # in the root file system: the version that its package names
WATCHDOG_MS = 15000
DISK = "/dev/mmcblk0p"
SELECT = "/boot/select"  # where the first partition is mounted, which holds autoboot.txt
BANKS = ((2, 5), (3, 6))  # number of the boot partition, number of the root partition
STATE = 7
MIB = 1 << 20
BOOT_SIZE = 128 * MIB
ROOT_SIZE = 512 * MIB
STATE_SIZE = MIB


def layout_of(size):
    """Return the layout of the state partition; the region at its end is there for its name, which goes into the hash."""
    return layout_of_state("boot", size, "partitions of %d + %d" % (BOOT_SIZE, ROOT_SIZE))


def may_be_trial(port):
    """Tell whether a trial may run, by what the bootloader left in the device tree: no disk has to be there for that."""
    return port.boot_files(SELECT).number("tryboot") != 0


def build(port):
    """Wire the board: beside the usual it needs `port.boot_files`, `port.block` and `port.block_writer`."""
    files, layout = port.boot_files(SELECT), layout_of(STATE_SIZE)
    state = port.block(DISK + str(STATE), size=STATE_SIZE, page=256, sync_bytes=0)
    spans = []

    def settle():
        """Let what the state says of a bank be written once the bank is on the card."""
        for span in spans:
            span.settle()

    regions = carve(Behind(state, settle), layout)
    names = tuple([(boot, _name(boot), _name(root)) for boot, root in BANKS])
    boot = TrybootControl(files, names, BootRecord(regions["boot"]), port.log)
    spans.extend([_span(port, boot, bank) for bank in range(len(BANKS))])
    boot.start()
    hardware = Hardware(
        layout_hash(layout),
        regions["journal"],
        tuple([Bank(spans[bank], regions["header%d" % bank], port.block_writer) for bank in range(len(BANKS))]),
        boot,
        port.watchdog,
        NoCounter(),
        fitting_units(spans[0].erase_units, port.watchdog.timeout_ms),
        boot.check,
    )
    hardware.settings, hardware.factory = regions["settings"], regions["factory"]
    hardware.self_tests = (boot.fit,)
    return hardware


def _name(number):
    return (DISK + str(number)).split("/")[-1]


def _span(port, boot, bank):
    """Return both partitions of a bank as one flash, which refuses to be written while the bank runs or is confirmed."""
    sizes = zip(BANKS[bank], (BOOT_SIZE, ROOT_SIZE))
    parts = [port.block(DISK + str(number), size=size) for number, size in sizes]

    def why_not():
        """Say why this bank is left alone now."""
        return boot.why_kept(bank)

    return FlashSpan(parts, why_not)
