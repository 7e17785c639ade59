"""Whoever knows a device id and a SessionID can send messages in their name: sessions that were let in are not touched."""

import os

import pytest

from flash_tools.server.dm.commands import Exec, Get
from tests.host.strange_session import BINARY, MAC, OURS, Strange, records, shop

every = pytest.mark.parametrize("peer", [OURS, BINARY, MAC], ids=["md5", "wbxml", "mac"])


@every
def test_a_forged_beginning_does_not_end_a_session(peer):
    """A first message without good credentials is challenged beside the session that stands."""
    order = Exec("./x", "c 1")
    server, books = shop([order], [Get("./b")], auth=peer.auth)
    client = Strange(server, peer)
    client.start()
    mine, before = client.answers({}), records(server)
    thief = Strange(server, peer, secret="guess")
    thief.start(thief.report())
    thief.start(thief.report())
    assert {code for _, code in thief.codes()} == {401} and records(server) == before
    client.send(client.header_status(200, b"n" * 16), *mine)
    assert client.codes()[0][1] in (200, 212) and order.status == 202 and len(books.sessions) == 1
    assert [each.tag_name for each in client.commands()] == ["Get"] and books.reports == []


@every
def test_a_device_may_begin_again(peer):
    """The power failed: the same SessionID from message 1, with a challenge on the way in."""
    server, books = shop([Get("./a")], auth=peer.auth)
    client = Strange(server, peer)
    client.start()
    client.send(client.header_status(200, b"n" * 16))
    again = Strange(server, peer, nonce=b"lost")
    again.start(again.report())
    assert again.codes()[0] == ("SyncHdr", 401)
    again.start(again.report())
    assert again.codes()[0][1] in (200, 212) and [each.tag_name for each in again.commands()] == ["Get"]
    assert len(books.sessions) == 2 and len(books.reports) == 1


@every
def test_the_answer_is_nobody_elses(peer):
    """The last answer is given again for the same bytes, not for the same MsgID."""
    server, books = shop([Get("./secret/place")], auth=peer.auth)
    client = Strange(server, peer)
    client.start()
    first = client.reply.body
    thief = Strange(server, peer, secret="guess")
    thief.start(thief.report())
    assert b"secret/place" not in thief.reply.body
    assert client.post() is not None and client.reply.body == first and len(books.sessions) == 1


def test_a_forged_message_does_not_take_the_place_of_the_next():
    """What was refused is not what a repeated message gets."""
    server, books = shop([Get("./a")], [Get("./b")], auth="MAC")
    client = Strange(server, MAC)
    client.start()
    thief, mine = Strange(server, MAC, secret="guess"), client.answers({})
    thief.number, thief.answer = 1, client.answer
    thief.send(thief.report())
    client.send(client.header_status(200, b"n" * 16), *mine)
    assert [each.value("Item", "Target", "LocURI") for each in client.commands()] == ["./b"]
    second = client.reply.body
    thief.send(thief.report())
    client.post()
    assert client.reply.body == second


def test_strangers_push_out_strangers_only():
    server, books = shop([Get("./a")], [Get("./b")])
    server.random = os.urandom
    client = Strange(server, OURS)
    client.start()
    for number in range(1100):
        thief = Strange(server, OURS, secret="guess", session_id="T%d" % number)
        thief.start()
    client.send(client.header_status(), *client.answers({}))
    assert client.codes()[0] == ("SyncHdr", 212) and len(books.sessions) == 1
    assert server.session("dev", "T0") is None and server.session("dev", "T1099") is not None
