"""What a package may have beside it, and large values of leaves that do not stream."""

import base64

import pytest

from flash_tools.server.dm.commands import Add, Alert, Atomic, Exec, Get, Item, Replace, Sequence
from tests.dm.hold import KINDS, alerts, edit, hold
from tests.host.session_chunks import BREAKS, DATA, dropped, hold_chunks, push

both = pytest.mark.parametrize("kind", KINDS)
ways = pytest.mark.parametrize("auth", ["MAC", "md5"])  # in RAM until the MAC holds; while it arrives


OTHER = "./Area/fixed"
COMPANY = [  # commands around a package, their statuses
    (lambda package: [Get("./FUMO"), package, Get(OTHER)], [200, 200, 200]),
    (lambda package: [Replace(Item(OTHER, "x")), package], [200, 500]),
    (lambda package: [package, Replace(Item(OTHER, "x"))], [200, 500]),
    (lambda package: [Exec("./FUMO/Run"), package], [202, 500]),
    (lambda package: [package, Exec("./FUMO/Run")], [200, 500]),
    (lambda package: [Alert(1101, ["", "Sure?"]), package], [200, 500]),
    (lambda package: [package, Alert(1101, ["", "Sure?"])], [200, 200]),
    (lambda package: [Alert(1222), package], [200, 200]),
    (lambda package: [Sequence([package])], [200]),
    (lambda package: [Atomic([package])], [507]),
]


@both
@ways
@pytest.mark.parametrize(("make", "codes"), COMPANY)
def test_the_company_of_a_package(kind, auth, make, codes):
    """M6: it must be its message's only acting command, not in an Atomic, not behind a question (500)."""
    command = push(DATA[:600])
    commands = make(command)
    out = hold(commands, kind=kind, auth=auth)
    assert [each.status for each in commands] == codes
    good = command.status == 200
    assert out.device.bank.got == (DATA[:600] if good else b"") and good == (("package", 600) in out.device.bank.log)
    assert command.status == (500 if 507 in codes else codes[commands.index(command)] if command in commands else 200)


@both
@ways
def test_a_package_among_items(kind, auth):
    """The same for the Items of one command."""
    command = Replace([Item(OTHER, "x"), Item("./FUMO/PkgData", DATA[:600], format="bin")])
    out = hold([command], kind=kind, auth=auth)
    assert command.statuses == {OTHER: 200, "./FUMO/PkgData": 500} and not out.device.bank.got


@both
@ways
def test_other_commands_at_a_package(kind, auth):
    """PkgData is written by Replace alone; it exists (418), is permanent, and is never read (405)."""
    commands = [Add(Item("./FUMO/PkgData", b"x", format="bin")), Get("./FUMO/PkgData"), Exec("./FUMO/PkgData")]
    out = hold(commands, kind=kind, auth=auth)
    assert [command.status for command in commands] == [418, 405, 405] and not out.device.bank.log


@both
def test_a_stranger_pushes(kind):
    """M5: under MAC a chunk reaches the flash only when its message has proven authentic."""
    fault = edit()
    fault.body = lambda session, body: body.replace(b"./FUMO/PkgData", b"./FUMO/PkgDatA")
    out = hold([push(DATA[:900])], kind=kind, server={"faults": fault}, validate=False, aborted=True)
    assert not out.device.bank.log and not out.device.bank.got


@both
@ways
@pytest.mark.parametrize("text", ["AAA*", "A", "AAAA=AAA", "\u00e9\u00e9"])
def test_base64_that_is_none(kind, auth, text):
    """Data of Format b64 that cannot be decoded: 4xx, nothing is left."""
    out = hold([command := Replace(Item("./FUMO/PkgData", text, format="b64"))], kind=kind, auth=auth)
    assert 400 <= command.status < 500 and dropped(out)


@both
@ways
def test_base64_as_text(kind, auth):
    """Facts 2.9: b64 may come in both encodings, with white space in it."""
    text = base64.encodebytes(DATA[:900])
    out = hold([command := Replace(Item("./FUMO/PkgData", text.decode(), format="b64"))], kind=kind, auth=auth)
    assert command.status == 200 and out.device.bank.got == DATA[:900]


VALUES = [  # the command, its status, the value that the leaf has then
    (Replace(Item("./Area/here/text", "\u20ac" * 1000)), 200, "\u20ac" * 1000),
    (Add(Item("./Area/new/text", "a&<b>" * 300, type="text/x")), 200, "a&<b>" * 300),
    (Add(Item("./Area/new/bin", DATA[:1200], format="bin")), 200, DATA[:1200]),
    (Replace(Item("./Area/here/text", "x" * 4096)), 200, "x" * 4096),
    (Replace(Item("./Area/here/text", "x" * 4097)), 413, ""),
    (Replace(Item("./Area/here/chr", "x" * 900)), 413, "old"),
    (Replace(Item("./Area/nope", "x" * 900)), 404, None),
    (Replace(Item("./DevInfo/Man", "x" * 900)), 405, None),
    (Replace(Item("./Area/here/int", "7" * 900, format="int")), 413, "7"),
    (Add(Item("./Area/here/text", "x" * 900)), 418, ""),
]


@both
@ways
@pytest.mark.parametrize(("command", "code", "value"), VALUES, ids=lambda value: str(value)[:20])
def test_a_large_value(kind, auth, command, code, value):
    """What does not stream is collected in RAM, at most 4,096 bytes (413), and changes the leaf when it is whole."""
    command.forget()
    nodes = [["here/text", 2, ""]]
    out = hold_chunks([command], size=700, kind=kind, auth=auth, nodes=nodes, quota=8000)
    where = command.items[0].target.replace("./Area/", "")
    value = value.encode() if isinstance(value, str) else value
    assert command.status == code and out.device.value(where) == value


@both
@ways
def test_a_large_value_that_is_broken_off(kind, auth):
    """1225; the leaf keeps what it had."""
    fault = edit((2, BREAKS["another value"]))
    out = hold_chunks(
        [Replace(Item("./Area/here/text", "x" * 2000))],
        size=700,
        kind=kind,
        auth=auth,
        nodes=[["here/text", 2, "old"]],
        server={"faults": fault},
    )
    assert (
        alerts(out.sent[2])[0] == 1225 and out.device.value("here/text") == b"old" and out.device.value("fixed") == b"x"
    )


def test_the_type_of_a_large_value():
    """Meta of the first chunk counts."""
    out = hold_chunks(
        [Add(Item("./Area/new/text", "x" * 900, type="text/x"))], [get := Get("./Area/new/text?prop=Type")], size=400
    )
    assert get.results[0].data == b"text/x" and out.failure is None
