"""What the owner of one account can do to the server and to the other devices."""

import pytest

from flash_tools.server import events, logbook
from flash_tools.server.field import FieldServer
from flash_tools.server.office import Office
from tests.host.attacker import Client, begin, server_folder, took

HEADER = "<Status><CmdID>1</CmdID><MsgRef>%s</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>212</Data></Status>"
REQUEST = (
    "<Alert><CmdID>1</CmdID><Data>1226</Data><Item><Source><LocURI>%s</LocURI></Source><Meta><Type>"
    "org.openmobilealliance.dm.firmwareupdate.userrequest</Type></Meta></Item></Alert>"
)


@pytest.fixture
def field(tmp_path):
    """Give a running server, and clients of it."""
    settings = server_folder(tmp_path / "server")
    with FieldServer(settings) as server:
        server.client = lambda name: Client(settings, name, server.office.add_device(name))
        yield server


def gets(tree):
    """Return (MsgID, CmdID, URIs) of the Get in a message."""
    get = tree.find("SyncBody").find("Get")
    uris = [item.value("Target", "LocURI") for item in get.find_all("Item")] if get is not None else []
    return tree.value("SyncHdr", "MsgID"), get.value("CmdID") if get is not None else "", uris


def answer(tree, items=""):
    """Return the body that answers a Get."""
    message, command, _ = gets(tree)
    text = (
        HEADER % message
        + "<Status><CmdID>2</CmdID><MsgRef>%s</MsgRef><CmdRef>%s</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>"
    )
    results = "<Results><CmdID>3</CmdID><MsgRef>%s</MsgRef><CmdRef>%s</CmdRef>%s</Results>" % (message, command, items)
    return text % (message, command) + (results if items else "")


def test_many_names_below_the_root(field):
    """A list of a million names became a Get of a million Items: a quarter of a minute, for all devices."""
    client = field.client("d")
    _, tree = client.say(begin())
    while gets(tree)[2] != ["."]:
        _, tree = client.say(answer(tree))
    item = "<Item><Source><LocURI>.</LocURI></Source><Data>%s</Data></Item>" % ("a/" * 20000)
    units, (_, tree) = took(client.say, answer(tree, item))
    assert len(gets(tree)[2]) <= 100 and units < 40


def test_one_device_does_not_push_out_the_sessions_of_others(field):
    victim = field.client("victim")
    victim.say(begin())
    bundle = field.office.add_device("d")
    client = Client(field.settings, "d", bundle)
    for number in range(20):
        client.session, client.number = "%X" % (number + 256), 0
        client.say(begin())
    kept = [key for key in field.office.dm._sessions if key[0] == "d"]
    assert len(kept) <= 8 and field.office.dm.session("victim", victim.session)


def test_the_nodes_of_a_device_are_bounded(field):
    client = field.client("d")
    for session in range(14):
        client.session, client.number = "%X" % (session + 1), 0
        _, tree = client.say(begin())
        item = "<Item><Source><LocURI>./x/%d-%d</LocURI></Source><Data>1</Data></Item>"
        client.say(answer(tree, "".join(item % (session, number) for number in range(500))))
    assert len(field.office.store.nodes("d")) <= 5000


def test_long_texts_in_alerts_are_not_kept(field):
    client = field.client("d")
    client.say(begin())
    for _ in range(5):
        client.say(REQUEST % ("s" * 50000))
    assert len(field.office.desk.intake.requests) == 5
    assert all(len(report.source) <= 1000 for _, report in field.office.desk.intake.requests)
    size = field.office.store._db.execute("SELECT MAX(LENGTH(data)) FROM event").fetchone()[0]
    assert size < 5000


def test_many_commands_in_one_message(field):
    """60 KiB of empty commands were answered with 1 MB, in a third of a second of everybody's time."""
    client = field.client("d")
    client.say(begin())
    units, (_, said) = took(client.post, client.message("<Add/>" * 10000, final=False))
    assert len(said) < 300000 and units < 40


def test_a_session_of_many_messages(field):
    """Numbers of messages must not run into those of the next session, which may be another device's."""
    client, other = field.client("d"), field.client("other")
    client.say(begin())
    other.say(begin())
    office = field.office
    before = office.store.messages(2)
    row = office.logbook._rows[office.dm.session("d", client.session)]
    row.messages = (1 << 20) - 2
    for _ in range(4):
        client.say("<Alert><CmdID>1</CmdID><Data>1222</Data></Alert>")
    assert office.store.messages(2) == before


def test_what_a_device_says_is_bounded_on_disk(field, monkeypatch):
    monkeypatch.setattr(logbook, "_MOST_MESSAGES", 100, raising=False)
    client = field.client("d")
    client.say(begin())
    for _ in range(130):
        client.say("<Alert><CmdID>1</CmdID><Data>1222</Data></Alert>", final=False)
    assert field.office.store._db.execute("SELECT COUNT(*) FROM message").fetchone()[0] <= 100


def test_looking_at_a_session_holds_up_nobody(field):
    """A trace hides the secrets of all devices; it took a second for each hundred devices and seven messages, with the lock."""
    office = field.office
    with office.desk.changed:
        office.transcript.secrets |= {"secret-%04d-%s" % (n, "x" * 8) for n in range(1000)}
    client = field.client("d")
    client.say(begin())
    for _ in range(10):
        client.say("<Alert><CmdID>1</CmdID><Data>1226</Data><Item/></Alert>" * 200, final=False)
    units, found = took(office.trace, 1)
    assert len(found["messages"]) == 22 and units < 100
    assert not any("secret-0001" in line for message in found["messages"] for line in message["lines"])


def test_alerts_without_end_are_not_kept_without_end(field, monkeypatch):
    monkeypatch.setattr(events, "_AN_HOUR", 100, raising=False)
    client, other = field.client("d"), field.client("other")
    client.say(begin())
    for _ in range(5):
        client.say(REQUEST % "x" * 60)
    other.say(begin() + REQUEST % "x")
    found = field.office.timeline(limit=1000)
    assert sum(event["device"] == "d" for event in found) <= 110
    assert [event["kind"] for event in found if event["device"] == "other"].count("request") == 1


@pytest.mark.parametrize(
    ("outer", "item"),
    [
        ("<Alert><CmdID>1</CmdID><Data>1226</Data>%s</Alert>", "<Item/>"),
        ("<Results><MsgRef>1</MsgRef>%s</Results>", "<Item/>"),
        ("<Replace><CmdID>1</CmdID>%s</Replace>", "<Item/>"),
        ("<Alert><CmdID>1</CmdID><Data>1226</Data>%s</Alert>", "<Item><MoreData/></Item>"),
        ("<Alert><CmdID>1</CmdID><Data>1226</Data><Meta>" + "<Mark/>" * 5000 + "</Meta>%s</Alert>", "<Item/>"),
    ],
)
def test_many_items_in_one_command(field, outer, item):
    """Each Item looked through all of its command again: 56 KiB took five seconds of everybody's time."""
    client = field.client("d")
    client.say(begin())
    body = outer % (item * ((60000 - len(outer)) // max(7, len(item))))
    units, (code, _) = took(lambda: client.say(body, final=False))
    assert code in (200, 212) and units < 70


def test_a_message_of_ours_is_bounded(field):
    """A client that takes four gigabytes, or does not say, got a pushed package in one message, and memory held it."""
    office = field.office
    with office.desk.changed:
        office.desk.shelf.add("big.fup", bytes(range(256)) * 16384, facts={})
    client = field.client("d")
    office.place("d", "big.fup", "push", notify=False, descriptor=False)
    _, tree = client.say(
        begin(), header="<Meta><MaxMsgSize>4000000000</MaxMsgSize><MaxObjSize>4000000000</MaxObjSize></Meta>"
    )
    text = "<Item><Source><LocURI>./FUMO</LocURI></Source><Meta><Type>urn:oma:mo:oma-fumo:1.0</Type></Meta></Item>"
    status, said = client.post(client.message(answer(tree, text)))
    assert status == 200 and b"PkgData" in said and len(said) <= 1 << 20


def test_a_backup_holds_up_nobody(field, tmp_path):
    """It took six milliseconds a MiB of the store, with the lock."""
    client, copy, seen = field.client("d"), field.office.store.backup, []

    def backup(path):
        seen.append(client.say(begin())[0])  # from another thread than the device's port
        copy(path)

    field.office.store.backup = backup
    client.connect().timeout = 3
    field.office.backup(str(tmp_path / "b.db"))
    assert seen[0] in (200, 212)
    assert [each["id"] for each in Office(str(tmp_path / "b.db")).devices()["devices"]] == ["d"]
