"""Commands in odd shapes: many Items, none, no CmdID, names that we do not know."""

import pytest

from flash_tools.server.dm.commands import Add, Alert, Atomic, Copy, Delete, Exec, Get, Item, Replace, Sequence
from flash_tools.server.dm.element import leaf, location, node
from tests.dm.hold import KINDS, Raw, edit, hold, statuses

both = pytest.mark.parametrize("kind", KINDS)


@both
def test_one_status_for_each_item(kind):
    """P1: each Item has its Status with TargetRef; Results come behind the Statuses of their Get."""
    get = Get(["./DevInfo/Man", "./nope", "./Area/secret", "./DevInfo/Mod"])
    change = Replace([Item("./Area/fixed", "1"), Item("./nope", "2"), Item("./Area/here/chr", "3")])
    out = hold([get, change], kind=kind)
    assert get.statuses == {"./DevInfo/Man": 200, "./nope": 404, "./Area/secret": 405, "./DevInfo/Mod": 200}
    assert (
        change.statuses == {"./Area/fixed": 200, "./nope": 404, "./Area/here/chr": 200}
        and out.device.value("here/chr") == b"3"
    )
    assert [result.data for result in get.results] == [b"Maker", b"M&M <1>"]


@both
def test_meta_at_the_command(kind):
    """Format and Type may stand once, at the command, for all its Items."""

    def make(cmd_id):
        items = [
            node("Item", location("Target", where), leaf("Data", "5"))
            for where in ("./Area/here/int", "./Area/three/int")
        ]
        return node("Add", leaf("CmdID", cmd_id), node("Meta", leaf("Format", "int")), *items)

    out = hold([command := Raw(make)], kind=kind)
    assert (
        command.statuses == {"./Area/here/int": 418, "./Area/three/int": 200} and out.device.value("three/int") == b"5"
    )


@both
@pytest.mark.parametrize("name", ["Put", "Map", "Search", "Move", "Sync", "0:3F"])
def test_a_command_that_we_do_not_know(kind, name):
    """Facts 2.8: 501, and the others are done all the same."""
    name = "Frobnicate" if (name, kind) == ("0:3F", "xml") else name
    unknown = Raw(
        lambda cmd_id: node(
            name, leaf("CmdID", cmd_id), node("Item", location("Target", "./Area/fixed"), leaf("Data", "n"))
        )
    )
    change = Replace(Item("./Area/here/chr", "y"))
    out = hold([unknown, change], kind=kind, validate=False)
    assert (unknown.status, change.status) == (501, 200) and out.device.value("fixed") is None


@both
@pytest.mark.parametrize("command", ["Get", "Replace", "Exec", "Alert"])
def test_a_command_without_cmdid(kind, command):
    """Facts 2.1: it cannot be answered by name; it is not done (400)."""
    made = {
        "Get": Get("./DevInfo/Man"),
        "Replace": Replace(Item("./Area/fixed", "n")),
        "Exec": Exec("./FUMO/Run"),
        "Alert": Alert(1100, ["", "x"]),
    }

    def spoil(root):
        element = root.find("SyncBody", command)
        element.children.remove(element.find("CmdID"))

    out = hold([made[command]], kind=kind, server={"faults": edit((1, spoil))}, ui=[], validate=False)
    assert statuses(out.sent[1], command) == [400] and out.device.value("fixed") is None
    assert (
        not out.device.bank.log
        and not out.device.user.asked
        and "Results" not in [e.tag_name for e in out.sent[1].find("SyncBody").children]
    )


@both
@pytest.mark.parametrize("command", [Get, Replace, Add, Delete, Copy, Exec])
def test_a_command_without_items(kind, command):
    """400, and the session goes on."""
    empty, get = command([]), Get("./DevInfo/Man")
    hold([empty, get], kind=kind)
    assert (empty.status, get.status) == (400, 200)


@both
@pytest.mark.parametrize("command", [Sequence, Atomic])
def test_a_container_without_commands(kind, command):
    """200: there was nothing that could fail."""
    commands = [command([]), Get("./DevInfo/Man")]
    hold(commands, kind=kind)
    assert [each.status for each in commands] == [200, 200]


@both
def test_any_cmdid(kind):
    """Facts 2.1: CmdID is opaque text."""

    def rename(root):
        root.find("SyncBody", "Get", "CmdID").text = b"6f9619ff-8b86-d011-b42d-00c04fc964ff"

    out = hold([Get("./DevInfo/Man")], kind=kind, server={"faults": edit((1, rename))}, aborted=True)
    assert ("Get", "6f9619ff-8b86-d011-b42d-00c04fc964ff", 200) in statuses(out.sent[1])
