"""Clients that are not ours: what the server does with the habits of each, message by message.

Facts sections 1.7 to 1.9, 2.3 to 2.6, 3.3, 6.1 and 8. Table: peer and habit are in strange_clients.PEERS, every one of
which holds the same session here; what no peer is known for but the standard leaves open follows, one test a line.
"""

import base64

import pytest

from flash_tools.server.dm.codec import WBXML
from flash_tools.server.dm.commands import Exec, Get, Item, Replace
from flash_tools.server.reports import KINDS, REQUESTS, read_report
from tests.host.server_client import md5_data
from tests.host.strange_clients import PEERS, Peer
from tests.host.strange_session import (
    OURS,
    SERVER,
    SERVER_SECRET,
    Strange,
    account,
    alert,
    alert_item,
    both,
    meet,
)


def work():
    """Return the packages of an update: look, point, run."""
    look = Get(["./DevDetail/FwV", "./Fw/X?prop=Type"])
    return [look], [Replace(Item("./Fw/X/DownloadAndUpdate/PkgURL", "https://p/1", format="chr")), run()]


def run():
    return Exec(["./Fw/X/DownloadAndUpdate"], "c 1")


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_is_digested(peer):
    """Its report counts, its values are read, its answers reach their commands, it is let in and told what is next."""
    packages = work()
    client, policy, server = meet(peer, *packages)
    client.start(client.report())
    let_in = 200 if peer.auth == "MAC" else 212
    assert client.codes()[0] == ("SyncHdr", let_in)
    assert sorted(client.codes()[1:]) == [("Alert", 200), ("Alert", 200), ("Replace", 200)]
    assert client.nonce != b"first" and [each.tag_name for each in client.commands()] == ["Get"]
    said = [alert for alert in policy.session.alerts if alert.code == 1226]
    report = read_report(said[0], "1")
    assert len(said) == 1 and (report.code, report.correlator) == (int(peer.data), "c 1")
    assert (report.kind in KINDS + REQUESTS) == ("microsoft" not in peer.type)
    assert policy.session.devinfo["./DevInfo/Mod"] == "Model"
    fresh = b"another nonce 16"
    client.send(client.header_status(200, fresh, peer.auth), *client.answers({"./DevDetail/FwV": "1.0"}))
    look, (point, execute) = packages[0][0], packages[1]
    assert sorted((each.source.removeprefix("./"), each.data) for each in look.results) == [
        ("DevDetail/FwV", b"1.0"),
        ("Fw/X?prop=Type", b""),
    ]
    assert look.status == 200 and [each.tag_name for each in client.commands()] == ["Replace", "Exec"]
    announced = b"!" + fresh[1:] if peer.name == "plain-nonce" else fresh
    if peer.auth == "md5" and peer.name != "sony-ericsson":
        assert client.answer.value("SyncHdr", "Cred", "Data") == md5_data(SERVER, SERVER_SECRET, announced)
    client.send(client.header_status(200, b"the next nonce..", peer.auth), *client.answers({}))
    assert (point.status, execute.status) == (200, 202)
    assert not client.commands() and policy.session.over and policy.session.failure == ""
    assert client.answer.find("SyncBody", "Final") is not None


# -- nonces and credentials --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [0, 1, 2])
def test_a_nonce_in_base64_twice_is_found_out(form):
    """Facts 8.9: what the text means is tried in turn while the client goes on refusing."""
    nonce = b"sixteen bytes .."
    peer = next(each for each in PEERS if each.name == "sony-ericsson")
    client, policy, server = meet(peer, [Get("./a")])
    once = peer.nonce(nonce)
    means = [base64.b64encode(nonce), nonce, once][form]
    client.start()
    for attempt in range(form + 1):
        refs = [client.status(each.tag_name, each.value("CmdID"), 401) for each in client.commands()]
        client.send(client.header_status(401, nonce), *refs)
        proves = client.answer.value("SyncHdr", "Cred", "Data") == md5_data(SERVER, SERVER_SECRET, means)
        assert proves == (attempt == form)


@pytest.mark.parametrize(("nonce", "kept"), [(b"", b""), (b"n" * 200, b"n" * 200), (b"n" * 600, b"theirs")])
def test_empty_and_endless_nonces(nonce, kept):
    """Facts 8.9: empty is a nonce; one that is longer than anybody's is not kept."""
    client, policy, server = meet(OURS, [Get("./a")])
    client.start()
    client.send(client.header_status(212, nonce), *client.answers({}))
    assert server.devices["dev"].server_nonce == kept


@pytest.mark.parametrize("when", ["again", "new"])
def test_credentials_in_every_message(when):
    """Some send their credentials on and on, others compute them again."""
    client, policy, server = meet(OURS, [Get("./a")], [Get("./b")])
    old = client.nonce
    client.start()
    assert client.codes()[0] == ("SyncHdr", 212)
    client.wants_cred, fresh = True, client.nonce
    client.nonce = old if when == "again" else fresh
    client.send(client.header_status(), *client.answers({}))
    assert client.codes()[0] == ("SyncHdr", 212) and client.commands()
    assert (client.nonce == old) == (when == "again") and server.devices["dev"].client_nonce != old
    assert (server.devices["dev"].client_nonce == fresh) == (when == "again")  # a nonce that was used is used up


def test_basic_without_a_type():
    """SyncML: credentials without Type are basic."""
    peer = Peer("old", "", auth="basic", shape=lambda root: root.find("SyncHdr", "Cred").children.pop(0))
    client, policy, server = meet(peer)
    client.start()
    assert client.codes()[0] == ("SyncHdr", 212)


def test_an_answer_in_another_session():
    """A client that keeps the nonce of a challenge for its next session gets in; once."""
    client, policy, server = meet(OURS, device=account(client_nonce=b"lost"))
    client.start()
    assert client.codes()[0] == ("SyncHdr", 401)
    later, thief = Strange(server, OURS, nonce=client.nonce, session_id="3B"), None
    later.start()
    assert later.codes()[0] == ("SyncHdr", 212)
    thief = Strange(server, OURS, nonce=client.nonce, session_id="3C")
    thief.start()
    assert thief.codes()[0] == ("SyncHdr", 401)


# -- packages ----------------------------------------------------------------------------------------------------------


@both
def test_final_is_forgotten(peer):
    """A client that never sends Final has the word taken as soon as it has no more to say."""
    client, policy, server = meet(peer, [Get("./a")])
    client.start(final=False)
    assert [each.value("Data") for each in client.commands()] == ["1222"] and policy.session is None
    more = client.status("Alert", client.commands()[0].value("CmdID"), 200)
    client.send(client.header_status(), more, final=False)
    assert [each.tag_name for each in client.commands()] == ["Get"]


@both
def test_final_is_not_forgotten_yet(peer):
    """Where there was something in the message besides the wish to go on, more may come."""
    client, policy, server = meet(peer, [Get("./a")])
    client.start(final=False)
    client.send(client.header_status(), client.report(), alert(5, 1222), final=False)
    assert [each.value("Data") for each in client.commands()] == ["1222"] and policy.session is None
    client.send(client.header_status(), client.report())
    assert [each.tag_name for each in client.commands()] == ["Get"] and len(policy.session.alerts) == 3


def test_next_message_is_no_answer():
    """The client asks for more of a package that was whole: its answers are awaited."""
    client, policy, server = meet(OURS, [Get("./a")], [Get("./b")])
    client.start()
    get = client.commands()[0]
    client.send(client.header_status(), alert(5, 1222), final=False)
    assert [each.value("Data") for each in client.commands()] == ["1222"] and policy.asked == 1
    reply = client.status("Get", get.value("CmdID"), 200, message=1)
    client.send(client.header_status(), reply)
    assert [each.value("Item", "Target", "LocURI") for each in client.commands()] == ["./b"]


def test_statuses_that_fill_a_tiny_message():
    """MaxMsgSize: what has no room beside many Statuses goes into the next message."""
    peer = Peer("tiny", "", WBXML, limits=(600, None))
    get = Get("./" + "n" * 200)
    client, policy, server = meet(peer, [get])
    client.start(*(alert(number, 1226, alert_item()) for number in range(10, 30)))
    assert client.commands() == [] and client.answer.find("SyncBody", "Final") is None
    client.send(client.header_status(), alert(5, 1222), final=False)
    assert [each.tag_name for each in client.commands()] == ["Get"] and len(client.reply.body) <= 600


@pytest.mark.parametrize("most", [1, 512])
def test_a_message_size_that_nothing_fits(most):
    """The session ends in order; the command is answered by ourselves."""
    get = Get("./a")
    client, policy, server = meet(Peer("none", "", limits=(most, None)), [get])
    client.start()
    client.send(client.header_status())
    assert (get.status, get.sent, policy.session.over) == (413, False, True)


@pytest.mark.parametrize("code", [1200, 1201])
def test_who_began_makes_no_difference(code):
    client, policy, server = meet(OURS, [Get("./a")])
    client.start(code=code)
    assert [each.tag_name for each in client.commands()] == ["Get"]


def test_abort_in_the_middle():
    client, policy, server = meet(OURS, [Get("./a")], [Get("./b")])
    client.start()
    client.send(client.header_status(), alert(4, 1223))
    assert client.commands() == [] and policy.session.failure == "the client aborted" and policy.asked == 1


@both
def test_an_object_that_the_client_has_lost(peer):
    """Alert 1225 of the client: the rest of the object is not sent, what comes after it is."""
    push, after = Replace(Item("./big", b"x" * 5000, format="bin")), Get("./after")
    client, policy, server = meet(Peer("small", "", peer.content_type, limits=(1500, None)), [push, after])
    client.start()
    assert client.commands()[0].find("Item", "MoreData") is not None
    client.send(client.header_status(), alert(3, 1225), alert(4, 1222), final=False)
    assert ("Alert", 200) in client.codes() and [each.tag_name for each in client.commands()] == ["Get"]
    client.send(client.header_status(), *client.answers({}))
    assert push.status is None and after.status == 200 and policy.session.over
