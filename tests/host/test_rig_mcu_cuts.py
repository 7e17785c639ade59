"""The judge of the power cuts on the emulated microcontroller, without an emulator: what it sees, and when it says so."""

from collections import Counter
from types import SimpleNamespace

import pytest

from board import rig_mps2
from flash_tools.rig.mcu import memory
from flash_tools.rig.mcu.memory import CHIP_SIZE
from hal.boot_record import BootRecord
from hal.region import carve
from tests.rig_mcu import cuts
from tests.rig_mcu.cuts import Tally
from tests.rig_mcu.judge import Cells, Judge
from tests.rig_mcu.moments import PHASES, SIGNS, phase_of, work_of

_OLD, _NEW = b"old firmware" * 400, b"new firmware" * 500


class Chip(Cells):
    """Cells that can be written."""

    def program(self, addr, data):
        self._cells[addr : addr + len(data)] = data

    def erase(self, addr, size):
        self._cells[addr : addr + size] = b"\xff" * size


def make_judge(cells, complaint=""):
    """Return the judge of a board whose chip has these cells."""
    judge = Judge(SimpleNamespace(complaint=complaint, chip=lambda: bytes(cells)))
    judge.learn("1.0", _OLD)
    judge.learn("2.1", _NEW)
    judge.confirmed = "1.0"
    return judge


@pytest.fixture
def chip():
    """Give a chip with the old firmware, confirmed."""
    chip = Chip(bytearray(b"\xff" * CHIP_SIZE))
    regions = carve(chip, rig_mps2.LAYOUT)
    regions["bank0"].program(0, _OLD)
    regions["bank1"].program(0, _NEW)
    BootRecord(regions["boot"]).confirm()
    return chip


def test_a_board_in_order_has_no_troubles(chip):
    assert make_judge(chip._cells).troubles() == []
    BootRecord(carve(chip, rig_mps2.LAYOUT)["boot"], running=1).confirm()
    assert make_judge(chip._cells).troubles() == []


def test_a_confirmed_bank_with_one_other_byte_is_seen(chip):
    chip._cells[rig_mps2.LAYOUT[6][1] + 1000] ^= 1
    assert make_judge(chip._cells).troubles() == ["bank 0 is confirmed and holds no image that anybody made"]


def test_the_other_bank_may_hold_anything(chip):
    chip._cells[rig_mps2.LAYOUT[7][1] + 1000] ^= 1
    assert make_judge(chip._cells).troubles() == []


def test_a_boot_record_that_is_gone_is_seen(chip):
    chip._cells[: 3 * 4096] = b"\xff" * (3 * 4096)
    assert make_judge(chip._cells).troubles() == ["there is no boot record"]


def test_what_the_chip_complains_of_is_a_trouble(chip):
    assert make_judge(chip._cells, "1 times a program over data").troubles() == ["1 times a program over data"]


def an_order(*codes, **changes):
    """Return an order that ended with these reports, and what the board says that it runs."""
    runs = "2.1" if codes[:1] == (200,) else "1.0"
    facts = {"finished": True, "code": codes[0] if codes else None, "conflicts": [], "firmware_version": runs}
    return SimpleNamespace(**facts | {"reports": [SimpleNamespace(code=code) for code in codes]} | changes)


@pytest.mark.parametrize(
    "order, behaviour, wrong",
    [
        (an_order(200), "good", ""),
        (an_order(200, 200), "good", ""),
        (an_order(410), "crash", ""),
        (an_order(410), "unfit", ""),
        (an_order(410), "good", "ended with 410, not 200"),
        (an_order(409), "good", "ended with 409, not 200"),
        (an_order(409), "crash", "ended with 409, not 410"),
        (an_order(200), "crash", "ended with 200, not 410"),
        (an_order(200, firmware_version="1.0"), "good", "says 1.0"),
        (an_order(200, 410), "good", "not one result but [200, 410]"),
        (an_order(200, reports=[]), "good", "not one result but []"),
        (an_order(200, conflicts=["410 after 200"]), "good", "not one result but [200] ['410 after 200']"),
    ],
)  # fmt: skip
def test_the_end_of_an_order_is_judged(chip, order, behaviour, wrong):
    judge = make_judge(chip._cells)
    if order.code == 200:
        BootRecord(carve(chip, rig_mps2.LAYOUT)["boot"], running=1).confirm()
    found = judge.end(order, "2.1", behaviour)
    assert [wrong in text for text in found] == ([True] if wrong else []), found


def test_a_result_that_the_chip_does_not_bear_out_is_seen(chip):
    assert "the board has 1.0" in make_judge(chip._cells).end(an_order(200), "2.1", "good")[0]


def test_trials_that_were_used_up_are_told_apart(chip):
    judge, boot = make_judge(chip._cells), BootRecord(carve(chip, rig_mps2.LAYOUT)["boot"])
    seen = [judge.trial()]
    for attempt in range(3):
        boot.set_trial(1, attempt)
        assert judge.trial() == b"", "it waits"
        boot.begin_trial()
        seen.append(judge.trial())
    assert len(set(seen)) == 4 and not seen[0]


class Bench:
    """An order on a board that is cut at once, always in its trial, as far as `cuts.Board` sees."""

    def __init__(self, chip, ends=True):
        self.chip, self.boot, self.heard, self.ends = chip, BootRecord(carve(chip, rig_mps2.LAYOUT)["boot"]), [], ends
        shared = SimpleNamespace(
            complaint="", boots=1, chip=lambda: bytes(chip._cells), work=memory.Work("", 0, 0, 0), elapsed_ms=0
        )
        self.board = SimpleNamespace(memory=shared, console=SimpleNamespace(size=0))
        self.goods = SimpleNamespace(image=lambda version, behaviour="good": _OLD, device_id="mcu:1")
        self.proxy = SimpleNamespace(ports={})

    def order(self, version, behaviour):
        self.ordered = an_order(410, finished=False)
        return self.ordered

    def cut(self):
        self.boot.set_trial(1, len(self.heard))
        self.boot.begin_trial()
        self.heard.append("bank 1 cause 2\nboot 1 bank 1 trial version 2.1\n")

    def on(self):
        self.ordered.finished = self.ends and len(self.heard) == 2

    def said(self):
        return "nothing"


def test_the_third_trial_of_an_order_keeps_its_power(chip, monkeypatch):
    monkeypatch.setattr(cuts, "_LONGEST_MS", 0)
    monkeypatch.setattr(cuts, "_SIGN_MS", 0)
    monkeypatch.setattr(cuts, "_JUST_BEHIND_MS", 0)
    monkeypatch.setattr(cuts, "_BEHAVIOURS", ("crash",))
    board = cuts.Board(Bench(chip), 1)
    board.order(7)
    assert board.tally.power_cuts == board.tally.phases["trial"] == 2
    assert (board.tally.codes, board.tally.violations) == ({"crash_410": 1}, [])
    assert board.tally.figures() == {
        "boots": 2, "power_cuts": 2, "orders": 1, "results_crash_410": 1, "mcu_cuts_trial": 2
    }  # fmt: skip


def test_the_phase_that_was_hit_least_is_always_among_those_that_are_wanted(chip, monkeypatch):
    for name in ("_LONGEST_MS", "_SIGN_MS", "_JUST_BEHIND_MS"):
        monkeypatch.setattr(cuts, name, 0)
    monkeypatch.setattr(cuts, "phase_of", lambda text: next(phases))
    phases, wanted, made = iter([*PHASES, "idle"] * 40), [], Bench(chip, ends=False)
    board = cuts.Board(made, 3)
    monkeypatch.setattr(made, "cut", lambda: made.heard.append(""))
    monkeypatch.setattr(board, "_pause", lambda order, duration_ms, sign=None, start=0: wanted.append(sign))
    monkeypatch.setattr(board, "_end", lambda *order: None)
    board.order(300)
    assert {*SIGNS.values()} <= {*wanted} and board.tally.power_cuts == 300
    assert board.tally.phases["idle"] == 33 and "idle" not in board._hit


def test_an_order_without_an_end_is_a_violation(chip, monkeypatch):
    monkeypatch.setattr(cuts, "_LONGEST_MS", 0)
    monkeypatch.setattr(cuts, "_SIGN_MS", 0)
    monkeypatch.setattr(cuts, "_JUST_BEHIND_MS", 0)
    monkeypatch.setattr(cuts, "_ORDER_S", 0)
    board = cuts.Board(Bench(chip, ends=False), 1)
    board.order(1)
    assert "has no result" in board.tally.violations[0]


def test_a_run_that_missed_a_phase_is_a_violation(monkeypatch):
    monkeypatch.setattr(cuts, "_one", lambda cuts, seed, say: tallies.pop())
    all_of_them = Counter(dict.fromkeys(PHASES, 10))
    tallies = [Tally(power_cuts=40, phases=all_of_them), Tally(power_cuts=40)]
    assert cuts.run(80, 1).violations == []
    tallies = [Tally(power_cuts=40, phases=all_of_them - Counter(verify=10)), Tally(power_cuts=40)]
    assert cuts.run(80, 1).violations == ["no power cut hit: verify"]


_SAID = (
    ("", "first_stage"),
    ("bank 0 cause 1", "start"),
    ("boot 1 bank 0 confirmed version 1.0 power", "idle"),
    ("listening 2948", "idle"),
    ("session open", "session"),
    ("state 30", "session"),
    ("session closed", "download"),
    ("progress 16384", "download"),
    ("state 40", "verify"),
    ("state 60", "armed"),
    ("reset commanded", "first_stage"),
    ("bank 1 cause 2", "start"),
    ("boot 1 bank 1 trial version 2.1 commanded", "trial"),
    ("state 60", "trial"),
    ("session open", "trial"),
    ("result 200", "report"),
    ("state 100", "report"),
    ("session open", "report"),
    ("reported 200", "session"),
    ("session closed", "idle"),
)


def test_what_a_board_says_tells_where_it_stands():
    text = ""
    for line, phase in _SAID:
        text += line + "\r\n"
        assert phase_of(text) == phase, line
    assert {phase for _, phase in _SAID} == {*PHASES, "idle"}


def test_what_the_chip_was_doing_is_told_by_its_region():
    starts = {name: start for name, start, _ in rig_mps2.LAYOUT}
    assert work_of(memory.Work("erase", starts["bank1"] + 4096, 4096, 0)) == "erase_bank"
    assert work_of(memory.Work("program", starts["journal"], 256, 64)) == "program_journal"
    assert work_of(memory.Work("", 0, 0, 0)) == ""


def test_tallies_add_up():
    one, other = Tally(1, 2, 3, Counter(a=1, b=1), violations=["a"]), Tally(4, 5, 6, Counter(a=2), violations=["b"])
    assert one + other == Tally(5, 7, 9, Counter(a=3, b=1), violations=["a", "b"])
