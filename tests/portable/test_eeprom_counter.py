"""The crash counter in an EEPROM: every cut, wear, faults; and that it does no harm that it survives power cuts, too.

Why it does none. The first stage clears the count at a reset that is normal, so with causes that can be read nothing differs
from a counter that power clears (test_with_readable_causes...). Which bank ran last is only ever compared with the one that
runs, and decides between UNKNOWN and the cause that was read; after POWER both mean the same. A wish for recovery may be
fulfilled after a power cut: once. What is left is a board that cannot tell a power cut from a crash: there only every third
boot counts, or somebody who plays with the switch would bring the old firmware back.
"""

from agent import lifecycle, reset
from agent.resume import _cause_of_fall
from hal import first_stage
from hal.boot_record import BootRecord
from hal.eeprom_i2c import BOOTS, COUNTER_SIZE, UPDATES, Eeprom, EepromCounter
from hal.region import Region
from ports.sim.clock import Clock
from ports.sim.power import PowerCut
from ports.sim.watchdog import Scratch
from tests.portable.boards import make_flash
from tests.portable.i2c_chips import EFFECTS, EepromChip


class Board:
    """A chip for counters and one for the boot record; bank 1 holds an older firmware."""

    def __init__(self, page=32, size=4096):
        self.clock = Clock()
        self.chip = EepromChip(self.clock, size, page)
        self.flash = make_flash()
        self.record().confirm()

    def record(self):
        return BootRecord(Region(self.flash, 0, 3 * 4096))

    def counter(self, cause=reset.UNKNOWN):
        return EepromCounter(Eeprom(self.chip, self.clock, self.chip.size, self.chip.page), 0, cause)

    def boot(self, cause, check=None):
        boot = self.record()
        return first_stage.choose(boot, cause, self.counter(cause), check or _yes), boot


def _yes(bank):
    return True


def test_a_number_is_kept_and_the_same_again_writes_nothing():
    board = Board()
    assert board.counter().get() == 0 and board.counter().remembers
    for value in (0x10, 0xF0, 0, 0x22, 255):
        board.counter(reset.WATCHDOG).set(value)
        before = board.chip.writes
        again = board.counter(reset.WATCHDOG)
        assert again.get() == value
        again.set(value)
        assert board.chip.writes == before


def test_totals_are_kept_beside_it():
    board = Board()
    counter = board.counter()
    for _ in range(5):
        counter.add(BOOTS)
    counter.add(UPDATES)
    counter.set(0x20)
    counter = board.counter()
    assert (counter.total(BOOTS), counter.total(UPDATES), counter.get()) == (5, 1, 0x20)


def test_every_cut_leaves_the_old_or_the_new_record():
    seen = set()
    for effect in EFFECTS:
        for old, new in ((0, 0x10), (0x10, 0x20), (0x12, 0), (0, 0xF0)):
            for before in range(9):  # whichever slot it is
                for count in range(1, 19, 1 if before == 3 else 5):
                    board = Board()
                    counter = board.counter(reset.WATCHDOG)
                    for _ in range(before):
                        counter.add(BOOTS)
                    counter.set(old)
                    board.chip.plan(count, effect)
                    try:
                        counter.set(new)
                        assert False, "no cut"
                    except PowerCut:
                        board.chip.power_on()
                    found = board.counter(reset.WATCHDOG)
                    assert found.get() in (old, new) and found.total(BOOTS) == before, (effect, old, new, count)
                    if effect in ("none", "done"):
                        assert found.get() == (new if effect == "done" else old)
                    seen.add(found.get())
                    found.set(0x21)
                    assert board.counter(reset.WATCHDOG).get() == 0x21 and board.counter().total(BOOTS) == before
    assert len(seen) == 5


def test_wear_is_spread_and_stays_in_its_area():
    for page, size in ((32, 4096), (64, 32768), (128, 65536), (256, 131072)):
        board = Board(page, size)
        counter = board.counter()
        for i in range(160):
            counter.set(0x10 + i % 2 * 16)
        slots = COUNTER_SIZE // max(64, page)
        assert len(board.chip.wear) == slots and max(board.chip.wear.values()) <= 160 // slots + 1
        assert board.chip.cells[COUNTER_SIZE:] == b"\xff" * (size - COUNTER_SIZE)


def test_blank_zeroed_and_foreign_chips_read_as_nothing():
    for fill in (b"\xff", b"\x00", b"\x5a"):
        board = Board()
        board.chip.cells[:] = fill * 4096
        counter = board.counter()
        assert counter.get() == 0 and counter.remembers and counter.total(BOOTS) == 0
        counter.set(0x10)
        assert board.counter().get() == 0x10


def test_worn_cells_are_stepped_over():
    board = Board()
    board.chip.dead = (70, 130)  # of the second and the third slot
    for i in range(20):
        board.counter(reset.WATCHDOG).set(0x10 + i % 2 * 16)
        assert board.counter().get() == 0x10 + i % 2 * 16 and not board.counter().fault


def test_a_chip_that_fails_does_not_keep_the_board_from_starting():
    for fault in ("silent", "protected"):
        board = Board()
        setattr(board.chip, fault, True)
        boot, counter = board.record(), board.counter()
        assert first_stage.choose(boot, reset.WATCHDOG, counter, _yes) == 0
        assert counter.get() == 0x10 and not counter.remembers and "EEPROM" in counter.fault
        assert not first_stage.ask_for_recovery(counter)
    board = Board()
    counter = board.counter()
    board.chip.silent = True
    counter.add(BOOTS)
    assert counter.total(BOOTS) == 1 and counter.fault


def _draw(seed):
    return (seed * 1103515245 + 12345) & 0x7FFFFFFF


def test_with_readable_causes_it_decides_as_a_counter_that_power_clears():
    """The same boots, one board with each kind: the same bank every time, the same answer to `may it be armed again`."""
    causes = (reset.POWER, reset.COMMANDED, reset.WATCHDOG, reset.WATCHDOG)
    fallen = trials = 0
    for seed in range(60):
        kept, plain, scratch, draw = Board(), Board(), Scratch(), seed * 7919 + 1
        for step in range(40):
            draw = _draw(draw)
            cause = causes[(draw >> 8) % 4]
            good = ((draw >> 11) % 8 > 0, (draw >> 14) % 4 > 0)  # which banks verify
            if cause == reset.POWER:
                scratch = Scratch()
            boots = kept.record(), plain.record()
            counters = kept.counter(cause), scratch
            if (draw >> 17) % 6 == 0:
                for boot in boots:
                    boot.set_trial(1 - boot.confirmed(), step)
            banks = [first_stage.choose(boots[i], cause, counters[i], lambda bank: good[bank]) for i in (0, 1)]
            assert banks[0] == banks[1], (seed, step)
            assert boots[0].state == boots[1].state and boots[0].confirmed() == boots[1].confirmed()
            again = [lifecycle.may_arm_again(1, _cause_of_fall(boot, cause)) for boot in boots]
            assert again[0] == again[1], (seed, step)
            fallen += boots[0].fell_back()
            trials += banks[0] >= 0 and boots[0].running() != boots[0].confirmed()
            if (draw >> 20) % 4 == 0:  # a minute of health
                for counter in counters:
                    counter.set(0)
            if banks[0] >= 0 and (draw >> 22) % 8 == 0:
                for boot in boots:
                    boot.confirm()
    assert fallen > 20 and trials > 50


def test_a_switch_that_is_played_with_brings_no_old_firmware_back():
    board = Board()
    for _ in range(8):
        assert board.boot(reset.UNKNOWN)[0] == 0
    board = Board()
    for cause in (reset.POWER, reset.WATCHDOG, reset.WATCHDOG, reset.UNKNOWN, reset.UNKNOWN):
        assert board.boot(cause)[0] == 0  # two crashes, and then the power fails
    board = Board()
    for _ in range(30):  # healthy once in a while
        for _ in range(8):
            assert board.boot(reset.UNKNOWN)[0] == 0
        board.counter(reset.UNKNOWN).set(0)
    marks = Board()  # for comparison: what every boot counts in full
    chosen = []
    for _ in range(4):
        boot = marks.record()
        chosen.append(first_stage.choose(boot, reset.UNKNOWN, first_stage.CrashMarks(boot), _yes))
    assert 1 in chosen


def test_firmware_that_never_gets_healthy_still_loses_its_bank():
    for cause, most in ((reset.WATCHDOG, 4), (reset.UNKNOWN, 12)):
        board, boots = Board(), 0
        while board.boot(cause)[0] == 0:
            boots += 1
            assert boots < most, cause
        assert board.record().fell_back() and board.record().confirmed() == 1


def test_a_wish_survives_and_is_fulfilled_once():
    board = Board()
    board.boot(reset.POWER)
    assert first_stage.ask_for_recovery(board.counter(reset.POWER))
    bank, boot = board.boot(reset.POWER)  # the power failed before the reset that was meant
    assert bank == -1 and boot.ran_before() == -1
    assert board.boot(reset.POWER)[0] == 0


def test_a_count_never_runs_over_into_the_bank():
    board = Board()
    board.counter(reset.WATCHDOG).set(0x1F)  # cuts while the way out of fifteen crashes was looked for
    boot, counter = board.record(), board.counter(reset.WATCHDOG)
    first_stage._count_crashes(counter, 0, reset.WATCHDOG)
    assert counter.get() == 0x1F and boot.confirmed() == 0
    counter = board.counter(reset.UNKNOWN)
    counter.set(0x20)  # a trial of the other bank is not one crash more
    assert counter.get() == 0x20 and board.counter(reset.WATCHDOG).get() == 0x20


def test_the_first_stage_through_every_cut_of_its_counter():
    """Whatever a cut leaves of the counter: the confirmed bank runs, the trial runs at most once."""
    for effect in EFFECTS:
        for cause in (reset.POWER, reset.UNKNOWN):
            for count in range(1, 37, 2):
                board = Board()
                board.record().set_trial(1, 5)
                board.chip.plan(count, effect)
                trials = 0
                for _ in range(4):
                    try:
                        bank, boot = board.boot(cause)
                    except PowerCut:
                        board.chip.power_on()
                        continue
                    trials += bank == 1
                    assert bank == (0 if boot.tried(1, 5) and boot.running() == 0 else 1)
                assert trials <= 1 and board.boot(cause)[0] == 0, (effect, count)
