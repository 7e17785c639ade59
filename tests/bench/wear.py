"""Erases: of a bank and of the records in one update, and of the records of a board that sleeps between polls."""

from agent.journal import Journal
from agent.reset import COMMANDED
from hal.region import carve
from ports.sim.device import IDLE
from ports.sim.server import Server
from tests.bench.device import make_device

_WAKEUPS = 1000
_SESSION, _NONCE = 5, 6


def measure():
    """Return the counts."""
    device = _updated()
    records, banks = [], []
    for name, start, size in device.layout:
        worn = [device.flash.wear.get(sector, 0) for sector in range(start // 4096, (start + size) // 4096)]
        (banks if name.startswith(("bank", "header")) else records).extend(worn)
    return {
        "bank_erases_max": max(banks),
        "record_erases_max": max(records),
        "record_erases_per_1000_wakeups": _wakeups(),
        **_boot(device),
    }


def _updated():
    device = make_device(size=1 << 20, make_server=_server)
    device.flash.wear.clear()
    while device.boot() != IDLE:
        pass
    return device


def _server(packages, orders, flash):
    return Server(packages, orders)


def _wakeups():
    """Each wake-up notes its session and its nonce, and resets on purpose."""
    device = make_device(make_server=_server)
    device.boot()
    region = carve(device.flash, device.layout)["journal"]
    before = sum(device.flash.wear.values())
    for number in range(_WAKEUPS):
        journal = Journal(region)
        journal.note(_SESSION, b"%d" % number)
        journal.note(_NONCE, bytes(16))
        journal.mark_clean()
    return sum(device.flash.wear.values()) - before


def _boot(device):
    """What a normal boot reads before it chooses, and what it writes."""
    device.reset_to_come = COMMANDED
    flash = device.flash
    operations, read, seen = flash.ops, flash.bytes_read, []
    device.server.powered = lambda d: None
    plain = device.scratch.set

    def chosen(value):
        seen.append(flash.bytes_read - read)
        plain(value)

    device.scratch.set = chosen
    assert device.boot() == IDLE
    return {"boot_decision_bytes": seen[0], "boot_flash_writes": flash.ops - operations}
