"""Texts of any length that a server may choose, and what they become in our buffers: escapes make them six times as long."""

import pytest

from flash_tools.server.dm.commands import Add, Alert, Exec, Get, Item, Replace
from flash_tools.server.dm.element import leaf, location, node
from tests.dm.hold import KINDS, Raw, alerts, edit, hold, is_final, statuses

both = pytest.mark.parametrize("kind", KINDS)
URI = "./" + "/".join(["&" * 31] * 7)


@both
@pytest.mark.parametrize("size", [20, 200, 600])
def test_a_long_cmdid(kind, size):
    """CmdID is opaque text of any length."""
    text = "&" * size
    get = Raw(lambda cmd_id: node("Get", leaf("CmdID", text), node("Item", location("Target", "./DevInfo/Man"))))
    out = hold([get], kind=kind, arena=8000, aborted=True)
    assert ("Get", text, 200) in statuses(out.sent[1]) and out.failure is None


@both
def test_a_long_uri(kind):
    """225 characters that all need an escape."""
    commands = [Get(URI), Get([URI, URI + "?list=Struct"]), Exec(URI)]
    out = hold(commands, kind=kind)
    assert [command.status for command in commands] == [404, 404, 404] and out.failure is None


@both
@pytest.mark.parametrize(("size", "code"), [(64, 200), (255, 200), (256, 414), (300, 414)])
def test_a_long_type(kind, size, code):
    """A node's Type has at most 255 bytes."""
    add, get = Add(Item("./Area/new/chr", "x", type="&" * size)), Get("./Area/new/chr")
    hold([add], [get], kind=kind)
    assert add.status == code and get.status == (200 if code == 200 else 404)
    assert code != 200 or get.results[0].type == "&" * size


@both
def test_long_alerts_of_ours(kind):
    """Source, correlator, mark and data of a Generic Alert."""
    alert = {
        "code": "1226",
        "source": URI,
        "kind": "org.test",
        "form": "chr",
        "mark": "critical",
        "data": "<&>" * 700,
        "correlator": "<" * 255,
    }
    out = hold(kind=kind, opening=[{"code": "1201"}, alert])
    item = out.sent[0].find("SyncBody").find_all("Alert")[1].find("Item")
    assert item.value("Data") == "<&>" * 700 and item.value("Source", "LocURI") == URI


@both
@pytest.mark.parametrize("name", ["Source", "Target"])
def test_a_long_name_of_the_server(kind, name):
    """What stands in the SyncHdr comes back in its Status."""
    fault = edit((1, lambda root: setattr(root.find("SyncHdr", name, "LocURI"), "text", b"http://" + b"&" * 300)))
    out = hold([get := Get("./DevInfo/Man")], kind=kind, server={"faults": fault}, aborted=True, validate=False)
    assert get.status == 200 and out.failure is None


@both
@pytest.mark.parametrize(("text", "code"), [(b"1" * 20, 200), (b"1" * 21, 413)])
def test_a_long_msgid(kind, text, code):
    """MsgID has at most twenty characters; a longer one cannot be answered."""
    fault = edit((1, lambda root: setattr(root.find("SyncHdr", "MsgID"), "text", text)))
    out = hold([Get("./DevInfo/Man")], kind=kind, server={"faults": fault}, aborted=True, validate=False)
    assert out.failure == (None if code == 200 else 413) and out.session.over


@both
@pytest.mark.parametrize("text", ["\u20ac" * 300, "]]>", "&amp;<a>\r\n\t'\"", "x\r", " ", "\U0001f600" * 50])
def test_any_text(kind, text):
    """What is written is what is read: escapes, line ends, blanks, characters of any size."""
    change, get = Replace(Item("./Area/here/text", text)), Get("./Area/here/text")
    out = hold([change], [get], kind=kind, nodes=[["here/text", 2, ""]])
    assert (
        change.status == 200 and out.device.value("here/text") == text.encode() and get.results[0].data == text.encode()
    )


@both
@pytest.mark.parametrize("text", [" 12", "12\r\n", "\t12 "])
def test_blanks_round_a_number(kind, text):
    """P2: Data is trimmed only where it is an int or a bool."""
    change, flag = Replace(Item("./Area/here/int", text)), Add(Item("./Area/here/bool", text.replace("12", "true")))
    out = hold([change, flag], kind=kind)
    assert (change.status, flag.status) == (200, 200)
    assert (out.device.value("here/int"), out.device.value("here/bool")) == (b"12", b"true")


@both
def test_commands_while_we_answer(kind):
    """Facts 2.2: nothing new before our package is complete: 400, and the package goes on."""
    limit = {"xml": 1500, "wbxml": 600}[kind]
    extra = node("Get", leaf("CmdID", "77"), node("Item", location("Target", "./DevInfo/Man")))
    gets = [Get("./Big/text-200") for _ in range(6)]
    fault = edit((3, lambda root: root.find("SyncBody").children.append(extra)))
    out = hold(gets, kind=kind, server={"message_max": limit, "faults": fault})
    assert ("Get", "77", 400) in statuses(out.sent[3]) and all(len(get.results) == 1 for get in gets)
    assert is_final(out.sent[-1]) and alerts(out.sent[3]) == []


@both
@pytest.mark.parametrize("count", [1, 40])
def test_many_items(kind, count):
    """An Alert, a Get and a Replace with many Items."""
    get, change = Get(["./Area/here/chr"] * count), Replace([Item("./Area/here/chr", str(i)) for i in range(count)])
    alert = Alert(1104, ["", "Which?", *["choice %d" % i for i in range(count)]])
    out = hold([get, change, alert], kind=kind, auth="md5", arena=9000, ui=[[200, [str(i) for i in range(count)]]])
    assert len(get.results) == count and out.device.value("here/chr") == b"%d" % (count - 1)
    assert alert.answers == [b"%d" % i for i in range(count)] and alert.status == 200
