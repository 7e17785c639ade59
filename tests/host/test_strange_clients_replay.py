"""Sessions of others: messages forged in their name, two at once, and everything played again (facts section 3).

A session that was let in goes on as if nothing was; what was reported is reported once.
"""

import pytest

from flash_tools.server.dm.commands import Exec, Get
from flash_tools.server.dm.push import notification
from tests.host.strange_clients import PEERS
from tests.host.strange_session import MAC, OURS, Strange, alert, both, records, shop

# -- sessions of others ------------------------------------------------------------------------------------------------


@both
def test_the_credentials_of_another_in_the_session_of_a_device(peer):
    """A session that is let in stays so; who shows other credentials in its name is refused, and changes nothing."""
    order = Exec("./x", "c 1")
    server, books = shop([order], [Get("./b")])
    client = Strange(server, peer)
    client.start()
    before = records(server)
    thief = Strange(server, peer, user="user 2", secret="secret 2")
    thief.number, thief.answer = 1, client.answer
    thief.send(thief.report(), thief.status("Exec", thief.commands()[0].value("CmdID"), 500))
    assert set(thief.codes()) == {("SyncHdr", 401), ("Alert", 401)} and thief.commands() == []
    assert records(server) == before and books.reports == [] and order.status is None
    client.send(client.header_status(), *client.answers({}))
    assert (
        client.codes()[0][1] == 212 and order.status == 202 and [each.tag_name for each in client.commands()] == ["Get"]
    )


@pytest.mark.parametrize("forged", [1, 5])
def test_forged_messages_between_those_of_a_device(forged):
    """With a MAC the device goes on as if nothing was: its nonce, its MsgID, what it owes and the server's nonce stand."""
    order = Exec("./x", "c 1")
    server, books = shop([order], [Get("./b")], auth="MAC")
    client = Strange(server, MAC)
    client.start()
    mine = client.answers({})
    for number in range(forged):
        thief = Strange(server, MAC, secret="guess")
        thief.number = 1 + number
        thief.send(thief.report(), alert(4, 1223))
        assert set(thief.codes()) == {("SyncHdr", 401), ("Alert", 401)}
    client.send(client.header_status(200, b"a nonce of the device"), *mine)
    assert client.codes()[0] == ("SyncHdr", 200) and [each.tag_name for each in client.commands()] == ["Get"]
    assert (
        order.status == 202 and books.reports == [] and server.devices["dev"].server_nonce == b"a nonce of the device"
    )


def test_two_sessions_of_a_device_at_once():
    """Each has its own statuses; the nonce of the later one is the one that is kept."""
    server, books = shop([Get("./a")])
    one = Strange(server, OURS, session_id="1")
    one.start()
    two = Strange(server, OURS, session_id="2", nonce=one.nonce)
    two.start()
    assert one.codes()[0] == two.codes()[0] == ("SyncHdr", 212) and server.devices["dev"].client_nonce == two.nonce
    for each in (one, two):
        each.send(each.header_status(), *each.answers({}))
        assert each.codes() == [("SyncHdr", 212)]
    assert len(books.sessions) == 2 and all(session.over for session in books.sessions)


# -- replays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forgotten", [True, False])
@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.auth != "basic"], ids=lambda peer: peer.name)
def test_a_session_played_again(peer, forgotten):
    """No order is begun again, no report counted twice, no nonce changed, whether the server remembers it or not."""
    server, books = shop([Exec("./x", "c 1")], auth=peer.auth)
    client = Strange(server, peer)
    client.start(client.report())
    client.send(client.header_status(), *client.answers({}))
    later = Strange(server, peer, nonce=client.nonce, session_id="77")  # another session in between
    later.start()
    assert later.codes()[0][1] in (200, 212)
    if forgotten:
        server.forget()
    before, reports, sessions = records(server), list(books.reports), len(books.sessions)
    for body, content_type, headers in client.wire:
        client.reply = server.handle(body, content_type, headers, tls=True)
        assert client.reply.status == 200
    assert records(server) == before and books.reports == reports and len(books.sessions) == sessions


@pytest.mark.parametrize("peer", [OURS, MAC], ids=["md5", "mac"])
def test_an_older_message_of_the_session(peer):
    """Message 2 again when message 3 was there: refused, not read, and the session goes on."""
    server, books = shop([Get("./a")], [Get("./b")], [Get("./c")], auth=peer.auth)
    client = Strange(server, peer)
    client.start()
    client.send(client.header_status(), client.report(), *client.answers({}))
    client.send(client.header_status(), *client.answers({}))
    body, content_type, headers = client.wire[1]
    reply, before = server.handle(body, content_type, headers), records(server)
    assert b"<Data>400</Data>" in reply.body and len(books.reports) == 1 and records(server) == before
    assert books.told[-1][1] == 400 and "older" in books.told[-1][2]
    client.send(client.header_status(), *client.answers({}))
    assert client.codes()[0][1] in (200, 212) and books.sessions[0].over


def test_the_zero_nonce_is_good_once():
    server, books = shop()
    notification(server.devices["dev"], 9, resync=True)
    for number, code in ((9, 212), (10, 401)):
        client = Strange(server, OURS, nonce=bytes(4), session_id=str(number))
        client.start(client.report())
        assert client.codes()[0] == ("SyncHdr", code)
    assert len(books.reports) == 1
