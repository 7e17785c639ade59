"""What boards share that keep a microcontroller beside them up to date: the layout of their state, and the wiring of the parts.

The state lies in a flash or a file of the board's own. The slot is in the target's flash and in no layout, so its size is in
the name of the last region, which is there for nothing else.
"""

from hal.boot_cotarget import CoTarget
from hal.boot_mcuboot import McubootSlot
from hal.cotarget_parts import KeptHeader, SlotImage
from hal.hardware import Bank, Hardware
from hal.no_counter import NoCounter
from hal.region import Region, carve, layout_hash
from hal.state_layout import layout_of_state
from hal.target_record import TargetRecord
from hal.watchdog import fitting_units


def state_layout(state_size, slot_size):
    """Return what lies where in the state of such a board."""
    return layout_of_state("target", state_size, "slot of %d" % slot_size)


class Slot:
    """Where the second slot is in the target's flash, and what the bootloader was built with."""

    def __init__(self, start, size, align, sectors):
        self.start, self.size, self.align, self.sectors = start, size, align, sectors


def assemble(port, state, layout, bus, probe, slot, **policy):
    """Return the Hardware over these parts; `policy` as CoTarget has it, `slot` a Slot."""
    regions, region = carve(state, layout), Region(bus, slot.start, slot.size)
    writer = McubootSlot(region, slot.align, slot.sectors)
    record = TargetRecord(regions["target"])
    boot = CoTarget(record, writer, region, bus, probe, port.clock, port.watchdog.feed, **policy)
    hardware = Hardware(
        layout_hash(layout),
        regions["journal"],
        tuple([_bank(number, boot, region, writer.room, regions) for number in range(2)]),
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
