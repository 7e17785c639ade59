"""The files of hal.flash_files in MicroPython's own littlefs, on the simulated flash of a Pico W, cut at any operation.

littlefs has to replace a file at once through every cut that leaves cells torn, half erased or unsteady. It cannot help where
cells read well once and lose that later, or where a neighbour in the same sector is disturbed: those effects are left out.
"""

from agent.journal import Journal
from hal.boot_record import BootRecord
from hal.flash_files import UNIT, FlashFiles
from hal.region import Region
from ports.sim.clock import Clock
from ports.sim.nor import Geometry, Nor
from ports.sim.power import PowerCut, Reset
from tests.portable.check import Skip
from tests.portable.unit_files import Blocks

try:
    from vfs import VfsLfs2, mount, umount
except ImportError:
    VfsLfs2 = None

_TIMES = ((4096, 45000, 400000),)  # of the W25Q16JV on a Pico W: usual and longest
PICO_W = Geometry("pico-w", 848 << 10, _TIMES, (400, 3000), (400, 0))
SMALL = Geometry("small", 32 << 12, _TIMES, (400, 3000), (400, 0))
EFFECTS = ("none", "prefix", "bits", "mostbits", "done", "old", "half", "unstable", "reset")
AT = "/pico"


class _Watchdog:
    def feed(self):
        pass


def _formatted(geometry):
    nor = Nor(geometry, Clock(), blocking=True)
    VfsLfs2.mkfs(Blocks(nor), progsize=256)
    return nor


def _on(nor, job, size=16 * UNIT):
    """Start the board: mount as rp2's _boot.py does, run `job` on the files, and forget it all."""
    from ports.micropython.folder import Folder

    mount(VfsLfs2(Blocks(nor), progsize=256), AT)
    try:
        return job(FlashFiles(Folder(AT + "/fumo"), size, _Watchdog().feed))
    finally:
        umount(AT)


def _journal(flash):
    return Journal(Region(flash, 3 * UNIT, 3 * UNIT))


def _boot(flash):
    return BootRecord(Region(flash, 0, 3 * UNIT))


def _set_up(flash):
    _journal(flash).put([(1, b"one"), (2, b"two" * 30)])
    boot = _boot(flash)
    boot.run(0)
    boot.confirm()
    for page in range(0, 2 * UNIT, 256):
        flash.program(8 * UNIT + page, b"\x11" * 256)
    flash.busy()


def _value(journal, key):
    into = bytearray(100)
    size = journal.get(key, into)
    return bytes(into[:size]) if size >= 0 else None


def _cut_everywhere(nor, work, check, effects=9):
    """Cut at each operation with so many of the effects, others at each."""
    start, first = nor.snapshot(), nor.ops
    _on(nor, work)
    operations, count = nor.ops - first, 0
    for number in range(1, operations + 1):
        for turn in range(effects):
            effect = EFFECTS[(number * effects + turn) % len(EFFECTS)]
            nor.restore(start)
            nor.power_on(_Watchdog().feed)
            nor.faults.plan(nor.ops + number, effect, number)
            try:
                _on(nor, work)
            except (PowerCut, Reset):
                nor.power_on(_Watchdog().feed)
                _on(nor, lambda flash, number=number, effect=effect: check(flash, (number, effect)))
                count += 1
            nor.faults.cut_at = 0
    return operations, count


def test_a_unit_is_replaced_at_once():
    if not VfsLfs2:
        raise Skip("littlefs as MicroPython has it is in MicroPython only")
    nor = _formatted(SMALL)
    _on(nor, _set_up)

    def work(flash):
        for unit in (8, 9, 10):
            flash.erase(unit * UNIT, UNIT)
            for page in range(0, UNIT, 256):
                flash.program(unit * UNIT + page, b"\x22" * 256)
        flash.busy()

    def check(flash, where):
        found, states = bytearray(UNIT), []
        for unit, old in ((8, b"\x11"), (9, b"\x11"), (10, b"\xff")):
            flash.read(unit * UNIT, found)
            assert bytes(found) in (old * UNIT, b"\x22" * UNIT), where
            states.append(found[0] == 0x22)
        assert states == sorted(states, reverse=True), where  # never a later one without those before
        assert _value(_journal(flash), 2) == b"two" * 30 and _boot(flash).found
        flash.erase(8 * UNIT, UNIT)
        flash.busy()

    operations, cuts = _cut_everywhere(nor, work, check)
    print("%d operations, %d cuts" % (operations, cuts))
    assert operations > 50 and cuts > 300


def test_what_was_put_outlives_every_cut():
    if not VfsLfs2:
        raise Skip("littlefs as MicroPython has it is in MicroPython only")
    nor, told = _formatted(SMALL), []
    _on(nor, _set_up)

    def work(flash):
        del told[:]
        journal = _journal(flash)
        journal.note(4, b"progress")
        journal.put([(1, b"eins"), (3, b"drei")])
        told.append("put")
        _boot(flash).set_trial(1, 7)
        told.append("armed")
        journal.mark_clean()

    def check(flash, where):
        journal, boot = _journal(flash), _boot(flash)
        assert _value(journal, 1) in ((b"eins",) if "put" in told else (b"one", b"eins")), where
        assert _value(journal, 2) == b"two" * 30, where
        assert boot.found and boot.confirmed() == 0, where
        assert boot.trial_waits or "armed" not in told, where
        journal.put([(5, b"after")])
        boot.confirm()

    operations, cuts = _cut_everywhere(nor, work, check, 4)
    print("%d operations, %d cuts" % (operations, cuts))
    assert operations > 40 and cuts > 150


def test_wear_and_time_of_an_update():
    """What docs/boards/pico_w_internal.md says of it."""
    if not VfsLfs2:
        raise Skip("littlefs as MicroPython has it is in MicroPython only")
    from board.pico_w_internal import FLASH_SIZE

    nor = _formatted(PICO_W)
    _on(nor, _provision, FLASH_SIZE)
    nor.wear.clear()
    clock = nor.clock
    began = clock.us
    _on(nor, _update, FLASH_SIZE)
    seconds, erases = (clock.us - began) // 1000000, sum(nor.wear.values())
    most = max(nor.wear.values())
    print("%d erases, %d of one sector at most, %d s" % (erases, most, seconds))
    assert 70 < erases < 95 and most <= 8 and 5 < seconds < 9


def _provision(flash):
    from board.pico_w_internal import BANK_SIZE, LAYOUT

    _journal(flash).put([(1, b"x" * 200)])
    boot = _boot(flash)
    boot.run(0)
    boot.confirm()
    _write(flash, LAYOUT[-2][1], BANK_SIZE)


def _update(flash):
    from board.pico_w_internal import LAYOUT

    journal = _journal(flash)
    for block in range((200 << 10) >> 15):
        journal.note(4, bytes(21))
        _write(flash, LAYOUT[-1][1] + (block << 15), 1 << 15)
        journal.tally(4, bytes(4))
    for _ in range(10):
        journal.put([(1, b"x" * 200)])
    boot = _boot(flash)
    boot.set_trial(1, 1)
    boot.begin_trial()
    boot.run(1)
    boot.confirm()


def _write(flash, start, size):
    for addr in range(start, start + size, UNIT):
        flash.erase(addr, UNIT)
        for page in range(addr, addr + UNIT, 256):
            flash.program(page, b"\x5a" * 256)
        flash.read(addr, bytearray(1))
