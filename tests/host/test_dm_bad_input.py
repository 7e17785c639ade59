"""What is malformed, too large, too deep, or of another version: answered or the session ends; nothing of it is executed."""

import re

import pytest

from flash_tools.server.dm.commands import Get, Item, Replace
from flash_tools.server.dm.element import Element, leaf, node
from flash_tools.server.dm.server import Faults
from tests.dm import corpus
from tests.dm.hold import KINDS, Raw, alerts, edit, hold, statuses
from tests.dm.pair import Pair, set_text, values

both = pytest.mark.parametrize("kind", KINDS)
BAD_XML = [(name, body) for name, _, body in corpus.ILL_FORMED + corpus.REFUSED if body]
HEAD = b"\x02\xa4\x01\x6a\x00\x6d"
LENIENT = {"NUL", "attribute twice", "attribute without quotes", "end of CDATA in text", "not UTF-8"}
LENIENT.add("overlong UTF-8")  # what xml_reader says that it does not look at
BAD_WBXML = (
    ("nothing behind the header", HEAD),
    ("an unknown token", HEAD + b"\x6c\x04\x01\x01"),
    ("a page that is none", HEAD + b"\x00\x09\x45\x01\x01"),
    ("ends that are too many", HEAD + b"\x01\x01\x01"),
    ("a number without an end", b"\x02" + b"\x80" * 20),
    ("a text without an end", HEAD + b"\x6c\x71\x031.2"),
    ("opaque beyond the end", HEAD + b"\x6c\x71\xc3\x8f\xff\xff\x7f1.2"),
    ("a text beyond the table", HEAD + b"\x6c\x71\x83\x20\x01\x01\x01"),
    ("a table beyond the end", b"\x02\xa4\x01\x6a\x90\x00abc"),
    ("too deep", HEAD + b"\x6c" * 200),
)
ITEM = node("Item", node("Target", leaf("LocURI", "./Area/here/chr")), leaf("Data", "new"))


def act(value="new"):
    """Return a command that leaves a trace."""
    return Replace(Item("./Area/here/chr", value))


def acted(out):
    """Tell whether it was executed."""
    return out.device.value("here/chr") != b"old"


def session_id(body):
    """Return the number of the session that a text belongs to, some other if it does not say."""
    found = re.search(rb"<SessionID>\s*([0-9A-F]+)", body)
    return int(found[1], 16) if found else 1


# -- malformed -----------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(("name", "body"), BAD_XML + list(BAD_WBXML))
def test_malformed(kind, name, body, number):
    """The session ends, at most with a Status for the SyncHdr and Alert 1223."""
    pair = Pair(kind=kind, auth="md5", session_id=session_id(body))
    session = pair.hold([Get("./DevInfo/Man")], [act()], spoil=lambda n, *real: (body, None) if n == number else real)
    assert session.over
    if name in LENIENT:
        return
    assert session.failure is not None and pair.device.value("here/chr") == b"old"
    assert len(pair.sent) <= number + 1
    for tree, _, _ in pair.sent[number:]:
        assert alerts(tree) == [1223] and statuses(tree)[0][2] >= 400


@both
@pytest.mark.parametrize("told", [True, False])
def test_cut_at_every_length(kind, told):
    """The re-send rule where the transport tells; else the message is malformed. Never is a part of it executed."""
    whole = Pair(kind=kind, auth="md5", session_id=9)
    assert whole.hold([act()]).failure is None
    for length in range(1, len(whole.came[0][0])):
        pair = Pair(kind=kind, auth="md5", session_id=9)

        def spoil(number, body, mac, length=length):
            return None if told and number < 3 else (body[:length], mac) if not told and number == 1 else (body, mac)

        session = pair.hold([act()], spoil=spoil)
        assert session.over and (pair.device.value("here/chr") == b"new") == told == (session.failure is None)
        assert len(pair.sent) <= 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 20, 300])
def test_a_cut_answer_is_asked_for_again(kind, length):
    """M12: the same bytes, at most twice more; then the session is given up."""
    out = hold([act()], kind=kind, network={1: length})
    assert acted(out) and out.failure is None and len(out.sent) == 3
    out = hold([act()], kind=kind, network={1: length, 2: length, 3: length}, aborted=True)
    assert not acted(out) and out.session.failure is not None and len(out.sent) == 3
    assert len({each[0] for each in out.transcript["exchanges"]}) == 1


# -- versions, commands, limits ------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("name", "text", "code", "ours"), [("VerDTD", b"1.1", 505, "1.2"), ("VerProto", b"DM/1.1", 513, "DM/1.2")]
)
def test_versions(kind, name, text, code, ours):
    """Facts 2.1: 505 and 513, with what we speak in an Item; nothing is executed, nothing goes on."""
    out = hold([act()], kind=kind, server={"faults": edit((1, set_text(name, text)))})
    first = out.sent[1].find("SyncBody", "Status")
    assert first.size("Data") == code and first.value("Item", "Data") == ours
    assert statuses(out.sent[1], "Replace") == [code] and not acted(out) and len(out.sent) == 2


@both
@pytest.mark.parametrize("name", ["Search", "Put", "Map", "Move", "Sync"])
def test_commands_that_a_device_does_not_know(kind, name):
    strange = Raw(lambda number: node(name, leaf("CmdID", number), ITEM))
    out = hold([strange, Get("./DevInfo/Man")], kind=kind, validate=False)
    codes = [code for _, _, code in statuses(out.sent[1])]
    assert codes == [200, 501, 200] and not acted(out) and out.failure is None


@both
@pytest.mark.parametrize(
    "uri",
    [
        "./" + "a" * 33,
        "./" + "/".join("ab" for _ in range(17)),
        "./Area/" + "/".join(["x" * 30] * 9),
        "./Area/here/chr" + "/x" * 130,
    ],
)
def test_uris_that_are_too_long(kind, uri):
    """URI 255, segment 32, depth 16: 414."""
    out = hold([Replace(Item(uri, "v")), Get(uri), act()], kind=kind)
    assert statuses(out.sent[1], "Replace") == [414, 200] and statuses(out.sent[1], "Get") == [414] and acted(out)


def _nested(name, depth):
    def make(number):
        inner = node("Replace", leaf("CmdID", "r"), ITEM)
        for level in range(depth):
            inner = node(name, leaf("CmdID", number if level == depth - 1 else "n%d" % level), inner)
        return inner

    return Raw(make)


@both
@pytest.mark.parametrize("depth", [1, 8, 9, 15])
def test_commands_that_are_nested_too_deep(kind, depth):
    out = hold([_nested("Sequence", depth)], kind=kind, validate=False)
    assert acted(out) == (depth <= 8) and out.failure == (None if depth <= 8 else 413)
    assert statuses(out.sent[1])[0][2] == (200 if depth <= 8 else 413)


@both
@pytest.mark.parametrize("depth", [40, 100])
def test_elements_that_are_nested_too_deep(kind, depth):
    """The readers have a limit; whether it is met or not, the device is well."""
    deep = Element("Meta")
    for _ in range(depth):
        deep = node("Meta", deep)
    out = hold([act("x")], [Raw(lambda number: node("Get", leaf("CmdID", number), deep))], kind=kind, validate=False)
    assert out.session.over and (out.session.failure is not None or statuses(out.sent[2], "Get")[0] >= 400)


@both
def test_a_message_that_is_larger_than_announced(kind):
    """MaxMsgSize: 413 for the whole, and nothing of it is done."""
    fill = Raw(lambda number: node("Get", leaf("CmdID", number), node("Item", leaf("Data", "y" * 6000))))

    def tree(session, root):
        if session.msg_id == 1:
            root.find("SyncBody").children.insert(2, fill.element(lambda which: "77", False))

    out = hold([act()], kind=kind, server={"faults": Faults(tree=tree)}, validate=False)
    assert out.failure == 413 and not acted(out) and len(out.sent) <= 2
    assert len(out.client.arena.buf) == 5120


@both
@pytest.mark.parametrize("auth", ["md5", "MAC"])
def test_commands_that_come_before_authentication(kind, auth):
    """A server that commands and refuses us in the same message: package 1 again, and its command is not executed."""

    def change(root):
        command = node("Replace", leaf("CmdID", 77), ITEM)
        root.find("SyncBody").children.insert(1, command)

    account = [["/AppAuth/c/AAuthData", 5, ""]]
    out = hold(
        [Get("./DevInfo/Man")],
        kind=kind,
        auth=auth,
        account=account,
        server={"faults": edit((1, change))},
        validate=False,
    )
    assert not acted(out) and alerts(out.sent[1]) == [1201] and out.failure is None


@both
@pytest.mark.parametrize("field", ["CmdID", "MsgRef", "Data"])
def test_headers_and_references_that_are_much_too_long(kind, field):
    change = (1, set_text(field, b"9" * 300, "Status"))
    out = hold([act()], kind=kind, server={"faults": edit(change)}, validate=False)
    assert out.session.over and len(values(out.sent[0], "Alert")) <= 1


@both
@pytest.mark.parametrize("name", ["Sequence", "Atomic"])
@pytest.mark.parametrize("where", ["Item", "Status", "SyncHdr"])
def test_containers_where_they_are_no_commands(kind, name, where):
    """The end of such a one counted once, though its beginning had not: the depth of the next record fell below zero."""

    def change(root):
        for each in [each for each in root.walk() if each.tag_name == where]:
            each.children.append(node(name, leaf("CmdID", 8)))

    out = hold([act(), Get("./DevInfo/Man")], kind=kind, server={"faults": edit((1, change))}, validate=False)
    assert out.failure is None and acted(out)
