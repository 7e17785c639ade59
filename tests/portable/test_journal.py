"""The journal: what was put survives every cut, what was noted may be lost, and a board that sleeps does not wear it out."""

from agent.errors import FlashError
from agent.journal import DATA_SIZE, Journal
from hal.region import Region
from tests.portable.boards import cut_everywhere, make_flash
from tests.portable.check import raises

LONG = bytes(range(200))


def _region(flash):
    return Region(flash, 8192, 3 * 4096)


def _get(journal, key):
    data = bytearray(4096)
    size = journal.get(key, data)
    return None if size < 0 else bytes(data[:size])


def test_put_and_note_are_found_after_a_mount():
    flash = make_flash()
    journal = Journal(_region(flash))
    assert _get(journal, 1) is None
    journal.put(((1, b"one"), (2, LONG)))
    journal.note(3, b"three")
    journal.note(3, b"four")
    for found in (journal, Journal(_region(flash))):
        assert _get(found, 1) == b"one" and _get(found, 2) == LONG and _get(found, 3) == b"four"


def test_several_changes_are_one():
    flash = make_flash()
    journal = Journal(_region(flash))
    journal.put(((1, b"a"), (2, b"b")))

    def change():
        Journal(_region(flash)).put(((1, b"A"), (2, b"B"), (3, b"C")))

    def check(number, effect):
        found = Journal(_region(flash))
        values = (_get(found, 1), _get(found, 2), _get(found, 3))
        assert values in ((b"a", b"b", None), (b"A", b"B", b"C")), (number, effect, values)

    assert cut_everywhere(flash, change, check) > 40


def test_a_put_that_returned_survives_two_more_cuts():
    flash = make_flash()
    Journal(_region(flash)).put(((1, b"a"),))

    def change():
        Journal(_region(flash)).put(((2, b"b"),))

    def check(number, effect):
        again = flash.snapshot()

        def later(second, other):
            flash.power_on(_nobody)
            assert _get(Journal(_region(flash)), 1) == b"a", (number, effect, second, other)

        cut_everywhere(flash, change, later)
        flash.restore(again)

    cut_everywhere(flash, change, check)


def test_none_forgets_and_unknown_keys_stay():
    flash = make_flash()
    journal = Journal(_region(flash))
    journal.put(((1, b"one"), (200, b"from a newer agent")))
    journal.put(((1, None),))
    journal.put(((2, b"two"),))
    found = Journal(_region(flash))
    assert _get(found, 1) is None and _get(found, 200) == b"from a newer agent"


def test_a_full_copy_spills_and_keeps_the_last_note():
    flash = make_flash()
    journal = Journal(_region(flash))
    journal.put(((1, LONG),))
    for i in range(300):
        journal.note(4, b"%d" % i)
    found = Journal(_region(flash))
    assert _get(found, 4) == b"299" and _get(found, 1) == LONG


def test_an_unclean_mount_puts_before_it_notes():
    flash = make_flash()
    Journal(_region(flash)).put(((1, b"one"),))
    before = sum(flash.wear.values())
    Journal(_region(flash)).note(4, b"x")
    assert sum(flash.wear.values()) == before + 2


def test_a_clean_mount_appends():
    flash = make_flash()
    journal = Journal(_region(flash))
    journal.put(((1, b"one"),))
    journal.mark_clean()
    before = sum(flash.wear.values())
    journal = Journal(_region(flash))
    journal.mark_clean()
    journal.note(4, b"x")
    assert sum(flash.wear.values()) == before
    Journal(_region(flash)).note(4, b"y")
    assert sum(flash.wear.values()) == before + 2


def test_a_tally_goes_into_the_newest_note():
    flash = make_flash()
    journal = Journal(_region(flash))
    journal.note(4, b"head")
    assert journal.tally(4, b"ab") and journal.tally(4, b"cd")
    tail = bytearray(DATA_SIZE)
    size = Journal(_region(flash)).tail(4, tail)
    assert bytes(tail[:size]) == b"abcd" + b"\xff" * (DATA_SIZE - 8)
    assert not journal.tally(4, bytes(60))
    journal.note(5, b"other")
    assert not journal.tally(4, b"ef")


def _noting(spoil):
    """Note into a journal of which the next slot is spoilt by `spoil(region, slot's place)`; return what is found then."""
    flash = make_flash()
    region = _region(flash)
    journal = Journal(region)
    journal.put(((1, b"a"),))
    journal.note(2, b"b")
    slot = bytearray(64)
    for last in range(0, region.size, 64):
        region.read(last, slot)
        if slot[0] == 2:
            break
    spoil(region, last + 64)
    journal.note(2, b"c")
    return _get(journal, 2), _get(Journal(_region(flash)), 2)


def test_a_slot_that_is_not_blank_any_more_is_stepped_over():
    assert _noting(lambda region, place: region.program(place + 10, b"\x5a" * 20)) == (b"c", b"c")


def test_a_slot_that_did_not_take_the_note_is_stepped_over():
    def spoil(region, place):
        program = region.program

        def lame(addr, data):
            program(addr, data[:5] if addr == place else data)

        region.program = lame

    assert _noting(spoil) == (b"c", b"c")


def test_too_much_is_refused_and_nothing_is_lost():
    flash = make_flash()
    journal = Journal(_region(flash))
    journal.put(((1, b"one"),))
    with raises(FlashError):
        journal.put(((2, bytes(4000)),))
    assert _get(Journal(_region(flash)), 1) == b"one"


def test_one_bad_sector_is_survived():
    for copy in range(3):
        flash = make_flash()
        journal = Journal(_region(flash))
        flash.faults.bad = {2 + copy: "program"}
        for i in range(6):
            journal.put(((1, b"%d" % i),))
            assert _get(Journal(_region(flash)), 1) == b"%d" % i, (copy, i)


def _nobody():
    """Feed no watchdog."""
