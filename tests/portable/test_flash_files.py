"""A flash over files: the cells of a NOR chip, in whole units; what a cut leaves is what was done until some moment."""

from agent.errors import FlashError
from agent.journal import Journal
from hal.boot_record import BootRecord
from hal.flash_files import UNIT, FlashFiles
from hal.region import Region
from ports.sim.power import PowerCut
from tests.portable.check import raises
from tests.portable.unit_files import Folder

SIZE = 16 * UNIT


class _Dice:
    def __init__(self, seed):
        self._seed = seed

    def __call__(self, below):
        self._seed = (self._seed * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._seed >> 8) % below


class _Fed:
    count = 0

    def feed(self):
        self.count += 1


def _made(files=None, **more):
    folder = Folder({} if files is None else files, **more)
    return FlashFiles(folder, SIZE, _Fed().feed), folder


def _content(files):
    """Return the whole flash as a new boot sees it."""
    whole = bytearray(SIZE)
    FlashFiles(Folder(files), SIZE, _Fed().feed).read(0, whole)
    return bytes(whole)


def test_what_has_no_file_is_blank_and_blank_ends_are_not_stored():
    flash, folder = _made()
    page = bytearray(300)
    flash.read(UNIT - 100, page)
    assert page == b"\xff" * 300 and not folder.files
    flash.program(UNIT + 10, b"abc")
    assert not folder.writes and flash.busy() is False
    assert sorted(folder.files) == ["1"] and len(folder.files["1"]) == 256
    flash.read(UNIT - 2, page)
    assert page[:15] == b"\xff" * 12 + b"abc" and page[15:] == b"\xff" * 285
    flash.erase(UNIT, UNIT)
    flash.busy()
    assert not folder.files


def test_bits_only_clear():
    flash, _ = _made()
    flash.program(512, b"\xf0\x3c" * 128)
    flash.program(512, b"\x3c\xff" * 128)
    found = bytearray(256)
    flash.read(512, found)
    assert found == b"\x30\x3c" * 128


def test_a_unit_is_one_file_and_is_written_once():
    flash, folder = _made()
    flash.erase(0, UNIT)
    for page in range(0, UNIT, 256):
        flash.program(page, bytes(256))
    assert folder.writes == 0
    flash.erase(UNIT, UNIT)
    assert folder.writes == 1 and folder.files["0"] == bytes(UNIT)
    flash.read(0, bytearray(1))
    assert folder.writes == 2


def test_the_watchdog_is_fed_before_each_file():
    fed = _Fed()
    flash = FlashFiles(Folder({}), SIZE, fed.feed)
    for unit in range(4):
        flash.program(unit * UNIT, b"x")
    flash.busy()
    assert fed.count == 4


def test_what_lies_outside_or_across_is_refused():
    flash, _ = _made()
    for wrong in (
        lambda: flash.read(SIZE - 1, bytearray(2)),
        lambda: flash.read(-1, bytearray(1)),
        lambda: flash.program(SIZE, b"x"),
        lambda: flash.program(250, bytes(16)),
        lambda: flash.program(0, b""),
        lambda: flash.erase(100, UNIT),
        lambda: flash.erase(0, 2 * UNIT),
        lambda: flash.erase(SIZE, UNIT),
    ):
        with raises(FlashError):
            wrong()


def test_a_full_file_system_leaves_what_was_and_goes_on_later():
    flash, folder = _made()
    flash.program(0, b"old")
    flash.busy()
    flash.erase(0, UNIT)
    flash.program(0, b"new")
    folder.refuse = True
    with raises(FlashError) as refused:
        flash.busy()
    assert "full" in str(refused.error)
    folder.refuse = False
    found = bytearray(3)
    flash.read(0, found)
    assert found == b"old"
    flash.erase(0, UNIT)
    flash.program(0, b"new")
    flash.read(0, found)
    assert found == b"new"


def test_room_is_asked_for_before_a_bank_is_begun():
    flash, _ = _made(room=20 * UNIT)
    flash.require(0, 12 * UNIT)
    with raises(FlashError) as refused:
        flash.require(0, 13 * UNIT)
    assert "80 KiB free and 84 are needed" in str(refused.error)
    for unit in range(13):
        flash.program(unit * UNIT, b"x")
    flash.busy()
    with raises(FlashError):
        flash.require(0, 14 * UNIT)  # 7 units are free, 8 stay so
    flash, _ = _made({"%x" % unit: b"x" for unit in range(12)}, room=20 * UNIT)
    flash.require(0, 12 * UNIT)  # what is there already needs none


def _random_work(flash, dice, mark):
    """Do forty things; `mark` is told after each whether everything before it must be on record."""
    for _ in range(40):
        unit, what = dice(3), dice(8)
        if what == 0:
            flash.erase(unit * UNIT, UNIT)
        elif what == 1:
            flash.read(dice(3) * UNIT, bytearray(8))
        elif what == 2:
            flash.busy()
        else:
            flash.program(unit * UNIT + dice(16) * 256 + dice(200), bytes([dice(256) for _ in range(1 + dice(40))]))
        mark(what in (1, 2))


class _Cells:
    """What a NOR chip would hold, and which moments a cut may lead back to."""

    def __init__(self):
        self.cells = bytearray(b"\xff" * SIZE)
        self.moments = [bytes(self.cells)]

    def erase(self, addr, size):
        self.cells[addr : addr + size] = b"\xff" * size

    def program(self, addr, data):
        for i in range(len(data)):
            self.cells[addr + i] &= data[i]

    def read(self, addr, into):
        pass

    def busy(self):
        return False

    def mark(self, settled):
        if settled:
            self.moments = self.moments[-1:]
        self.moments.append(bytes(self.cells))


def test_after_a_cut_the_files_hold_what_was_there_at_one_moment():
    """At every write, before or after it; a read or `busy` makes everything before it firm."""
    cuts = 0
    for seed in range(12):
        model = _Cells()
        flash, folder = _made()
        _random_work(model, _Dice(seed), model.mark)
        _random_work(flash, _Dice(seed), lambda settled: None)
        flash.busy()
        assert _content(folder.files) == bytes(model.cells)
        for number in range(1, folder.writes + 1):
            for late in (False, True):
                _cut_in_random_work(seed, number, late)
                cuts += 1
    assert cuts > 300


def _cut_in_random_work(seed, number, late):
    model, files = _Cells(), {}
    both = _Both(model, FlashFiles(_planned(files, number, late), SIZE, _Fed().feed))
    try:
        _random_work(both, _Dice(seed), model.mark)
        both.busy()
    except PowerCut:
        # the operation that was begun may be in the files too, where the same call finished it
        assert _content(files) in model.moments, (seed, number, late)
        return
    raise AssertionError("no cut")


def _planned(files, number, late):
    folder = Folder(files)
    folder.cut_at, folder.late = number, late
    return folder


class _Both:
    """The flash first, so that the model does not know of what was cut."""

    def __init__(self, model, flash):
        self._model, self._flash = model, flash

    def erase(self, addr, size):
        self._flash.erase(addr, size)
        self._model.erase(addr, size)

    def program(self, addr, data):
        self._flash.program(addr, data)
        self._model.program(addr, data)

    def read(self, addr, into):
        self._flash.read(addr, into)

    def busy(self):
        return self._flash.busy()


def _facts(flash):
    """Return what the journal and the boot record say after a start."""
    into, journal = bytearray(100), Journal(Region(flash, 3 * UNIT, 3 * UNIT))
    found = {}
    for key in journal.keys():
        size = journal.get(key, into)
        found[key] = bytes(into[:size])
    boot = BootRecord(Region(flash, 0, 3 * UNIT))
    return found, boot


def test_journal_and_boot_record_keep_what_was_put_through_every_cut():
    files = {}
    flash = FlashFiles(Folder(files), SIZE, _Fed().feed)
    journal = Journal(Region(flash, 3 * UNIT, 3 * UNIT))
    journal.put([(1, b"one"), (2, b"two" * 30)])
    boot = BootRecord(Region(flash, 0, 3 * UNIT))
    boot.run(0)
    boot.confirm()
    before = dict(files)

    def work(flash, told):
        found, boot = _facts(flash)
        journal = Journal(Region(flash, 3 * UNIT, 3 * UNIT))
        journal.note(4, b"progress")
        journal.tally(4, b"\x00\x01")
        journal.put([(1, b"eins"), (3, b"drei")])
        told.append("put")
        boot.set_trial(1, 7)
        told.append("armed")
        journal.mark_clean()

    counter = Folder(dict(before))
    work(FlashFiles(counter, SIZE, _Fed().feed), [])
    assert counter.writes > 5
    for number in range(1, counter.writes + 1):
        for late in (False, True):
            files, told = dict(before), []
            try:
                work(FlashFiles(_planned(files, number, late), SIZE, _Fed().feed), told)
            except PowerCut:
                pass
            found, boot = _facts(FlashFiles(Folder(files), SIZE, _Fed().feed))
            assert found[1] in ((b"eins",) if "put" in told else (b"one", b"eins")), (number, late)
            assert found[2] == b"two" * 30 and ("put" not in told or found[3] == b"drei")
            assert boot.found and boot.confirmed() == 0
            assert boot.trial_waits if "armed" in told else True
            again = Journal(Region(FlashFiles(Folder(files), SIZE, _Fed().feed), 3 * UNIT, 3 * UNIT))
            again.put([(5, b"after")])
