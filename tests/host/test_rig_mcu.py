"""The rig of the emulated microcontroller, as far as it needs no emulator: its memory, its judge of power cuts, its halving."""

import json
from types import SimpleNamespace

import pytest

from board import rig_mps2
from flash_tools.errors import ToolError, UsageError
from flash_tools.rig.mcu import build, memory
from flash_tools.rig.mcu.goods import digest
from flash_tools.rig.mcu.memory import CHIP_SIZE, Memory, Settings
from hal.boot_record import BootRecord
from hal.region import carve
from tests.counts import figures
from tests.rig_mcu import cuts, heaps

_OLD, _NEW = b"old firmware" * 400, b"new firmware" * 500


class Chip(cuts.Cells):
    """Cells that can be written."""

    def program(self, addr, data):
        self._cells[addr : addr + len(data)] = data

    def erase(self, addr, size):
        self._cells[addr : addr + size] = b"\xff" * size


def make_board(cells, complaint=""):
    """Return the judge of a board whose chip has these cells."""
    board = SimpleNamespace(memory=SimpleNamespace(complaint=complaint, chip=lambda: bytes(cells)))
    goods = SimpleNamespace(image=lambda version, behaviour="good": _OLD)
    judge = cuts.Board(SimpleNamespace(board=board, goods=goods), 1)
    judge.images["2.1"] = len(_NEW), digest(_NEW)
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
    assert make_board(chip._cells).troubles() == []
    BootRecord(carve(chip, rig_mps2.LAYOUT)["boot"], running=1).confirm()
    assert make_board(chip._cells).troubles() == []


def test_a_confirmed_bank_with_one_other_byte_is_seen(chip):
    chip._cells[rig_mps2.LAYOUT[6][1] + 1000] ^= 1
    assert make_board(chip._cells).troubles() == ["bank 0 is confirmed and holds no image that anybody made"]


def test_the_other_bank_may_hold_anything(chip):
    chip._cells[rig_mps2.LAYOUT[7][1] + 1000] ^= 1
    assert make_board(chip._cells).troubles() == []


def test_a_boot_record_that_is_gone_is_seen(chip):
    chip._cells[: 3 * 4096] = b"\xff" * (3 * 4096)
    assert make_board(chip._cells).troubles() == ["there is no boot record"]


def test_what_the_chip_complains_of_is_a_trouble(chip):
    assert make_board(chip._cells, "1 times a program over data").troubles() == ["1 times a program over data"]


def an_order(**changes):
    """Return an order that ended well."""
    facts = {
        "finished": True,
        "code": 200,
        "conflicts": [],
        "reports": [SimpleNamespace(code=200)],
        "firmware_version": "2.1",
    }
    return SimpleNamespace(**{**facts, **changes})


@pytest.mark.parametrize(
    "order, behaviour, wrong",
    [
        (an_order(), "good", ""),
        (an_order(code=410, reports=[SimpleNamespace(code=410)], firmware_version="1.0"), "crash", ""),
        (an_order(), "crash", "reported as good"),
        (an_order(firmware_version="1.0"), "good", "1.0 runs"),
        (an_order(reports=[SimpleNamespace(code=200), SimpleNamespace(code=410)]), "good", "more than one result"),
        (an_order(reports=[]), "good", "more than one result"),
        (an_order(conflicts=["410 after 200"]), "good", "more than one result"),
    ],
)
def test_the_end_of_an_order_is_judged(chip, order, behaviour, wrong):
    judge = make_board(chip._cells)
    judge._end(order, "2.1", behaviour)
    assert [wrong in text for text in judge.tally.violations] == ([True] if wrong else [])


def test_an_order_without_an_end_is_a_violation(chip, monkeypatch):
    monkeypatch.setattr(cuts, "_ORDER_S", 0)
    judge = make_board(chip._cells)
    judge.bench.said = lambda: "nothing"
    judge._end(an_order(finished=False), "2.1", "good")
    assert "has no result" in judge.tally.violations[0]


def test_tallies_add_up():
    one, other = cuts.Tally(1, 2, 3, {200: 1, 410: 1}, ["a"]), cuts.Tally(4, 5, 6, {200: 2}, ["b"])
    one.add(other)
    assert one == cuts.Tally(5, 7, 9, {200: 3, 410: 1}, ["a", "b"])


@pytest.mark.parametrize("need", [17, 40, 128])
def test_halving_finds_the_smallest_that_does(need):
    tried = []

    def attempt(kib):
        tried.append(kib)
        return kib >= need, "said"

    found = heaps._halve("x", attempt, 16, 128, lambda text: None)
    assert need <= found < need + heaps.STEP_KIB
    assert len(tried) < 10


@pytest.mark.parametrize("guess, tries", [(40, 2), (50, 7), (30, 11)])
def test_a_good_guess_saves_tries_and_a_bad_one_does_no_harm(monkeypatch, guess, tries):
    tried = []

    def attempt(what, kind, kib, *more):
        tried.append(kib)
        return kib >= 40, ""

    monkeypatch.setattr(heaps, "attempt", attempt)
    assert 40 <= heaps.smallest("x", "lfs2", guess=guess) < 40 + heaps.STEP_KIB
    assert len(tried) <= tries


def test_work_that_never_ends_well_is_told_with_what_the_board_said():
    with pytest.raises(ToolError, match="MemoryError: memory"):
        heaps._halve("x", lambda kib: (False, "MemoryError: memory"), 16, 128, lambda text: None)


def test_a_power_cut_takes_what_needs_power_and_leaves_the_rest(tmp_path):
    shared = Memory(tmp_path / "memory")
    shared.load_chip(b"\x5a" * CHIP_SIZE)
    shared.load_rom(b"first stage")
    shared.write(memory._POWERED, b"\xee" * memory._POWERED_SIZE)
    shared.write(memory._LIFE, b"\x07\0\0\0" * 3 + b"\x02\0\0\0\x01\0\0\0\x34\x12\0\0")
    shared.power(Settings(96 << 10, seed=7, repl=True, stack=8 << 10))
    again = Memory(tmp_path / "memory")
    assert again.chip() == b"\x5a" * CHIP_SIZE
    assert again.read(memory.ROM, 11) == b"first stage"
    assert again.read(memory._POWERED, memory._POWERED_SIZE) == bytes(memory._POWERED_SIZE)
    assert again.read(memory._HOST, 16) == b"RGCM" + (96 << 10).to_bytes(4, "little") + b"\x07\0\0\0\x01\0\0\0"
    assert (again.counts.programs, again.counts.violations) == (7, 2)
    assert again.complaint == "2 times a program over data, the last one at 0x1234"


def test_what_does_not_fit_the_memory_is_refused(tmp_path):
    shared = Memory(tmp_path / "memory")
    assert shared.chip() == b"\xff" * CHIP_SIZE
    with pytest.raises(UsageError):
        shared.load_chip(bytes(100))
    with pytest.raises(UsageError):
        shared.load_rom(bytes(memory.ROM_SIZE + 1))


def test_another_driver_makes_another_firmware(monkeypatch, tmp_path):
    ours, made = tmp_path / "firmware", tmp_path / "made"
    (ours / "mps2").mkdir(parents=True)
    made.mkdir()
    (ours / "mps2" / "nor.c").write_text("one")
    monkeypatch.setattr(build, "_OURS", ours)
    before = build.inputs()
    (made / build.STAMP).write_text(before)
    assert not build.ready(made)  # no firmware beside it
    (made / build.FIRMWARE).write_text("elf")
    assert build.ready(made)
    (ours / "mps2" / "nor.c").write_text("two")
    assert build.inputs() != before
    assert not build.ready(made)


def test_figures_of_others_stay_in_the_file(tmp_path):
    path = tmp_path / "mcu.json"
    figures.merge(path, {"signature_instructions": 1})
    figures.merge(path, {"boots": 2})
    assert json.loads(path.read_text()) == {"signature_instructions": 1, "boots": 2}
