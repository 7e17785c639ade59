"""Sequence and Atomic: order, all or nothing, and what a `no` of the user does in them."""

import pytest

from flash_tools.server.dm.commands import Add, Alert, Atomic, Copy, Delete, Exec, Get, Item, Replace, Sequence
from tests.dm.hold import KINDS, hold

both = pytest.mark.parametrize("kind", KINDS)
ASK = ["MINDT=1", "Really?"]
NO, YES, CANCEL = [304, []], [200, []], [214, []]


def change(value="new", where="./Area/here/chr"):
    """Return a Replace that works."""
    return Replace(Item(where, value))


def tree_of(command):
    """Return the statuses of a command and those inside, as nested lists."""
    return [command.status, *map(tree_of, command.parts)] if command.parts else command.status


def result(*commands, **options):
    """Send the commands in one package; return (their statuses, the outcome)."""
    out = hold(list(commands), **options)
    assert out.failure is None
    return [tree_of(command) for command in commands], out


@both
def test_a_sequence_goes_on(kind):
    """The Sequence is 200 once begun; a failure inside does not stop what follows."""
    codes, out = result(
        Sequence([change("1"), Get("./nope"), change("2"), Exec("./FUMO/Run"), Exec("./Codes/403")]),
        change("3", "./Area/fixed"),
        kind=kind,
    )
    assert codes == [[200, 200, 404, 200, 202, 403], 200] and out.device.value("here/chr") == b"2"


@both
def test_a_value_before_and_after(kind):
    """M2: Get, Replace, Get in one Sequence give the old and the new value."""
    first, second, third = Get("./Area/here/chr"), Get(["./Area/here/chr", "./Area/here/int"]), Get("./Area/here/chr")
    result(Sequence([first, change("one"), second, Delete("./Area/here/chr"), third]), kind=kind)
    assert [get.results[0].data for get in (first, second)] == [b"old", b"one"] and second.results[1].data == b"7"
    assert third.status == 404 and not third.results


@both
def test_values_before_and_after_without_a_sequence(kind):
    """The same in document order, also for a node that is deleted, and for names below a node."""
    get, names, title = Get("./Area/here/chr"), Get("./Area/here"), Get("./Area/here/chr?prop=Name")
    codes, _ = result(get, change("x"), Delete("./Area/here/chr"), names, title, kind=kind)
    assert codes == [200, 200, 200, 200, 404] and get.results[0].data == b"old" and names.results[0].data == b"int"


@both
def test_a_sequence_in_a_sequence(kind):
    """Nested in order; a `no` in the inner one skips its rest only."""
    inner = Sequence([Alert(1101, ASK), change("1")])
    codes, out = result(Sequence([inner, change("2", "./Area/fixed")]), kind=kind, ui=[NO])
    assert (
        codes == [[200, [200, 304, 215], 200]]
        and out.device.value("here/chr") == b"old"
        and out.device.value("fixed") == b"2"
    )


PLACES = [  # what the user says, where, the statuses of [container, before, alert, after], of what follows, values of chr and fixed
    (YES, Sequence, [200, 200, 200, 200], 200, b"after", b"end"),
    (NO, Sequence, [200, 200, 304, 215], 200, b"before", b"end"),
    (CANCEL, Sequence, [200, 200, 214, 215], 215, b"before", None),
    ([408, []], Sequence, [200, 200, 408, 200], 200, b"after", b"end"),
    (YES, Atomic, [200, 200, 200, 200], 200, b"after", b"end"),
    (NO, Atomic, [507, 216, 304, 215], 200, b"old", b"end"),
    (CANCEL, Atomic, [507, 216, 214, 215], 215, b"old", None),
    ([408, []], Atomic, [507, 216, 408, 215], 200, b"old", b"end"),
]


@both
@pytest.mark.parametrize(("said", "container", "codes", "then", "value", "end"), PLACES, ids=str)
def test_what_the_user_says_in_a_container(kind, said, container, codes, then, value, end):
    """Facts 2.7: `no` skips the rest of a Sequence and rolls an Atomic back; a cancel stops the whole message."""
    commands = container([change("before"), Alert(1101, ASK), change("after")]), change("end", "./Area/fixed")
    found, out = result(*commands, kind=kind, ui=[None, None, said])
    assert found == [codes, then]
    assert (out.device.value("here/chr"), out.device.value("fixed")) == (value, end)


@both
@pytest.mark.parametrize(
    ("said", "codes"), [(NO, [200, 304, 200, 202]), (CANCEL, [200, 214, 215, 215]), (YES, [200, 200, 200, 202])]
)
def test_what_the_user_says_in_the_body(kind, said, codes):
    """Directly in SyncBody a `no` has no effect on others, a cancel has."""
    found, _ = result(change(), Alert(1101, ASK), change("x", "./Area/fixed"), Exec("./FUMO/Run"), kind=kind, ui=[said])
    assert found == codes


@both
def test_the_worked_example(kind):
    """Facts 2.14: confirm, then order; without the confirmation nothing of it."""
    for said, codes in ((YES, [200, 200, 200, 202]), (NO, [200, 304, 215, 215])):
        found, out = result(
            Sequence([Alert(1101, ASK), change("http://x/", "./Area/fixed"), Exec("./FUMO/Run", correlator="c9")]),
            kind=kind,
            ui=[said],
        )
        assert found == [codes] and out.device.bank.log == ([("exec", b"", "c9")] if said is YES else [])


@both
def test_an_atomic_that_works(kind):
    """Everything is done and goes to the journal in one put, also across objects."""
    inside = [
        change("1"),
        Add(Item("./Area/two/chr", "n")),
        Replace(Item("./Area/here/chr?prop=Title", "t")),
        Copy(Item("./Area/fixed", source="./Area/two/chr")),
    ]
    inside += [
        Delete("./Area/here/int"),
        Replace(Item("./DMAcc/a/AppID", "w8")),
        Replace(Item("./Area/here?prop=ACL", "Get=*&Replace=srv")),
    ]
    codes, out = result(Atomic(inside), kind=kind)
    assert codes == [[200] * 8] and (out.device.value("fixed"), out.device.value("here/int")) == (b"n", None)
    assert [sorted(keys) for keys in out.device.settings.puts] == [[1, 2, 3]]


BAD = [
    (Replace(Item("./Area/here/int", "x")), 415),
    (Get("./Area/here/chr"), 500),
    (Exec("./FUMO/Run"), 405),
    (Delete("./nope"), 404),
]
BAD += [
    (Add(Item("./Area/here/chr", "x")), 418),
    (Copy(Item("./Area/fixed", source="./nope")), 404),
    (Replace(Item("./Area/fixed", "x" * 65)), 413),
]
BAD += [
    (Replace(Item("./Area/fixed?prop=Format", "int")), 405),
    (Replace(Item("./Codes/510", "")), 510),
    (Alert(1300), 406),
    (Alert(1101, []), 412),
]


@both
@pytest.mark.parametrize("place", [0, 1, 5])
@pytest.mark.parametrize(("bad", "code"), BAD, ids=lambda value: str(getattr(value, "tag_name", value)))
def test_an_atomic_that_fails(kind, bad, code, place):
    """507; the culprit keeps its code, those before it 216, those behind it 215, and nothing has changed."""
    bad.forget()
    inside = [
        change("1"),
        Add(Item("./Area/two/chr", "n")),
        Replace(Item("./Area/here?prop=ACL", "Get=*&Replace=srv")),
        Delete("./Area/secret"),
        Copy(Item("./Area/fixed", source="./DevInfo/Man")),
    ]
    inside.insert(place, bad)
    codes, out = result(Atomic(inside), Get("./Area/here/chr"), kind=kind)
    assert codes == [[507] + [216] * place + [code] + [215] * (5 - place), 200]
    assert out.device.area.store.blob == hold(kind=kind).device.area.store.blob and out.device.settings.puts == []


@both
def test_an_atomic_that_cannot_be_undone(kind):
    """516 for what was done where an object could not restore."""
    codes, _ = result(
        Atomic([Replace(Item("./Stubborn/leaf", "x")), change(), Replace(Item("./nope", "x")), change()]), kind=kind
    )
    assert codes == [[507, 516, 516, 404, 215]]


@both
def test_an_atomic_in_an_atomic(kind):
    """Facts 2.8: the inner one 500, what is in it 215, the outer one 507 and rolled back."""
    codes, out = result(
        Atomic([change("1"), Atomic([change("2")]), change("3")]), change("4", "./Area/fixed"), kind=kind
    )
    assert codes == [[507, 216, [500, 215], 215], 200] and out.device.value("here/chr") == b"old"


@both
def test_a_sequence_in_an_atomic(kind):
    """Its commands belong to the Atomic: a failure in it undoes everything."""
    codes, out = result(
        Atomic([change("1"), Sequence([change("2", "./Area/fixed"), Delete("./nope"), change("3")]), change("4")]),
        kind=kind,
    )
    assert codes == [[507, 216, [216, 216, 404, 215], 215]] and out.device.value("fixed") is None


@both
def test_an_atomic_in_a_sequence(kind):
    """The Atomic fails alone; the Sequence goes on, and a later Atomic works."""
    codes, out = result(
        Sequence(
            [
                change("1"),
                Atomic([change("2"), Delete("./nope")]),
                Atomic([change("3", "./Area/fixed")]),
                change("4", "./Area/note"),
            ]
        ),
        kind=kind,
    )
    assert codes == [[200, 200, [507, 216, 404], [200, 200], 404]]
    assert (out.device.value("here/chr"), out.device.value("fixed")) == (b"1", b"3")


@both
def test_what_was_done_before_an_atomic_stays(kind):
    """The roll-back goes back to the Atomic's beginning, not further."""
    codes, out = result(
        change("1"), Atomic([change("2"), Replace(Item("./Area/here?prop=Name", "there")), Delete("./nope")]), kind=kind
    )
    assert (
        codes == [200, [507, 216, 216, 404]]
        and out.device.value("here/chr") == b"1"
        and out.device.value("there/chr") is None
    )


@both
def test_items_in_an_atomic(kind):
    """One Item that fails undoes the Items before it too."""
    command = Replace([Item("./Area/fixed", "1"), Item("./nope", "2"), Item("./Area/here/chr", "3")])
    atomic = Atomic([command])
    out = hold([atomic], kind=kind)
    assert atomic.status == 507 and command.statuses == {"./Area/fixed": 216, "./nope": 404, "./Area/here/chr": 215}
    assert out.device.value("fixed") is None


@both
@pytest.mark.parametrize(("count", "code"), [(2, 200), (12, 517)])
def test_an_atomic_whose_statuses_fit_no_message(kind, count, code):
    """Facts 2.8: the Statuses of an Atomic go in one message; where they cannot, 517 and nothing is done."""
    limit = {"xml": 1600, "wbxml": 600}[kind]
    atomic = Atomic([change(str(i)) for i in range(count)])
    codes, out = result(atomic, change("end", "./Area/fixed"), kind=kind, server={"message_max": limit})
    assert codes == [[code] + [code if code == 200 else 215] * count, 200]
    assert out.device.value("here/chr") == (b"1" if code == 200 else b"old")


@both
def test_a_roll_back_with_the_real_journal(kind):
    """The same on flash: what was rolled back is not there after a new mount."""
    codes, out = result(change("1"), Atomic([change("2"), Delete("./nope")]), kind=kind, nor=True)
    out.device.area.store.reload()
    assert codes == [200, [507, 216, 404]] and out.device.value("here/chr") == b"1"
