"""Real messages of every peer, changed at random: bytes turned, elements lost, doubled, moved and mixed up.

Whatever comes gets a Reply with a sane status. Where the credentials do not hold, nothing is changed: that is compared.
"""

import copy
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flash_tools.server.dm.codec import Style, decode, encode, is_wbxml
from flash_tools.server.dm.commands import Exec, Get, Item, Replace
from flash_tools.server.dm.element import Element
from tests.host.strange_clients import PEERS
from tests.host.strange_session import Strange, records, shop

HTTP, DM = (200, 400, 413), (200, 202, 212, 213, 400, 401, 405, 406, 407, 411, 412, 413, 424, 505, 513)
quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
every = pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
_RECORDED = {}


def begin(peer):
    """Return (client, server, books) with a server that will command a bit of everything."""
    server, books = shop([Get(["./a", "./b"])], [Replace(Item("./big", b"x" * 3000, format="bin")), Exec("./x", "c")],
                         auth=peer.auth)  # fmt: skip
    return Strange(server, peer), server, books


def recorded(peer):
    """Return the bytes of a session of the peer, with their headers."""
    if peer.name not in _RECORDED:
        client, server, books = begin(peer)
        client.start(client.report())
        for _ in range(2):
            client.send(client.header_status(200, b"n" * 16), *client.answers({"./a": "1"}))
        _RECORDED[peer.name] = client.wire
    return _RECORDED[peer.name]


def check(client, server, books, reply, before):
    """Judge one answer."""
    assert reply.status in HTTP
    if reply.status != 200:
        assert reply.body.endswith(b"\n") and reply.body.count(b"\n") == 1
        codes = []
    else:
        answer = decode(reply.body, reply.content_type)
        codes = [each.size("Data") for each in answer.find("SyncBody").find_all("Status")]
        assert codes and set(codes) <= set(DM) and codes[0] in (200, 212, 400, 401, 407, 505, 513)
    if not codes or codes[0] not in (200, 212):
        assert records(server) == before and books.reports == books.sessions == []


@every
@quick
@given(st.data())
def test_bytes(peer, data):
    """Bytes of each message turned, dropped and put in; the messages that follow come as they were."""
    client, server, books = begin(peer)
    draw = data.draw(st.randoms(use_true_random=False))
    spoilt = draw.randrange(3)
    for number, (body, content_type, headers) in enumerate(recorded(peer)):
        body = _spoil(body, draw) if number == spoilt else body
        before = records(server)
        reply = server.handle(body, content_type, headers, tls=True)
        if number == 0 or not books.sessions:
            check(client, server, books, reply, before)
        assert reply.status in HTTP


def _spoil(body, draw):
    body = bytearray(body)
    for _ in range(draw.choice((1, 1, 2, 8))):
        at = draw.randrange(len(body))
        how = draw.randrange(4)
        if how == 0:
            body[at] ^= 1 << draw.randrange(8)
        elif how == 1:
            body[at] = draw.randrange(256)
        elif how == 2 and len(body) > 20:
            del body[at : at + draw.randrange(1, 9)]
        else:
            body[at:at] = draw.choice((b"\x00", b"\x01", b"\xc3\x05", b"<", b"&#9;", bytes(draw.randbytes(3))))
    return bytes(body)


@every
@quick
@given(st.data())
def test_elements(peer, data):
    """Elements lost, doubled, moved and swapped, numbers made of texts; with the credentials that hold."""
    client, server, books = begin(peer)
    draw = data.draw(st.randoms(use_true_random=False))
    keep = client._bytes

    def spoilt(root):
        tree = copy.deepcopy(root)
        for _ in range(draw.randrange(1, 6)):
            _change(tree, draw)
        try:
            return keep(tree)
        except (AttributeError, IndexError):  # the peer's own habit found its element missing
            return encode(tree, peer.content_type, Style(**peer.style))

    client._bytes = spoilt
    for step in range(3):
        before = records(server)
        if step == 0:
            client.start(client.report())
        elif client.answer is not None:
            client.send(client.header_status(200, b"n" * 16), *client.answers({"./a": "1"}))
        if step == 0:
            check(client, server, books, client.reply, before)
        assert client.reply.status in HTTP


VALUES = [
    b"",
    b"0",
    b"-1",
    b"1",
    b"99999999999",
    b"9" * 40,
    b"x",
    b"1223",
    b"1222",
    b"./DevInfo/A",
    b"b64",
    b"\xc3\xa4" * 300,
]
NAMES = "Alert Replace Results Status Final Item Meta Size MoreData Data Cred Chal Correlator Atomic Sync CmdID MsgRef".split()


def _change(root, draw):
    found = [each for each in root.walk() if each.children]
    if not found:
        return
    parent = draw.choice(found)
    at, how = draw.randrange(len(parent.children)), draw.randrange(6)
    if how == 0:
        del parent.children[at]
    elif how == 1:
        parent.children.insert(draw.randrange(len(parent.children)), copy.deepcopy(parent.children[at]))
    elif how == 2:
        draw.shuffle(parent.children)
    elif how == 3:
        parent.children[at].tag_name = draw.choice(NAMES)
    elif how == 4:
        texts = [each for each in root.walk() if each.text]
        if texts:
            draw.choice(texts).text = draw.choice(VALUES)
    else:
        parent.children.append(Element(draw.choice(NAMES), None, draw.choice(VALUES)))


@quick
@given(st.randoms(use_true_random=False))
def test_what_a_stranger_says_changes_nothing(draw):
    """Messages of all peers without good credentials, mixed into the session of a device that goes on with a MAC."""
    mine = next(peer for peer in PEERS if peer.name == "aosp")
    client, server, books = begin(mine)
    client.start()
    for _ in range(2):
        for _ in range(draw.randrange(6)):
            peer = replace(draw.choice(PEERS), session_id=draw.choice((client.session_id, "5")))
            thief = Strange(server, peer, secret="guess")
            thief.number, thief.answer = client.number, client.answer
            before, sessions = records(server), len(books.sessions)
            thief.send(thief.report(), *thief.answers({}), alert_abort(thief))
            assert {code for _, code in thief.codes()} <= {400, 401, 407} and thief.commands() == []
            assert records(server) == before and len(books.sessions) == sessions
        client.send(client.header_status(200, b"m" * 16), *client.answers({"./a": "1"}))
        assert client.codes()[0] == ("SyncHdr", 200)
    assert books.reports == [] and books.sessions[0].over and books.sessions[0].failure == ""
    assert [command.status for package in books.todo for command in package] == [200, 200, 202]


def alert_abort(client):
    """Make the Alert that ends a session."""
    return Element("Alert", [Element("CmdID", None, b"7"), Element("Data", None, b"1223")])


def test_it_is_reproducible_and_covers_both_encodings():
    """The recorded sessions are whole: three messages of each peer, in both encodings."""
    assert all(len(recorded(peer)) == 3 for peer in PEERS)
    assert {is_wbxml(peer.content_type) for peer in PEERS} == {True, False}
    assert _spoil(b"a" * 50, random.Random(1)) == _spoil(b"a" * 50, random.Random(1))
