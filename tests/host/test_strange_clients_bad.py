"""Bad input from clients: forged, replayed, taken over, downgraded, malformed, too long.

A clear refusal on the wire, the reason in `Session.refusal` and for `policy.refused`, and not one thing changed: neither
the record of the device, nor what was reported, nor the session of who was there first. Facts section 3.
"""

import base64
import hashlib
import hmac

import pytest

from flash_tools.server.dm.codec import XML
from flash_tools.server.dm.commands import Get
from tests.host.strange_clients import PEERS, Peer
from tests.host.strange_session import (
    BASIC,
    BINARY,
    MAC,
    OURS,
    SERVER_SECRET,
    USER,
    Strange,
    account,
    meet,
    records,
    shop,
)

# -- who it is not -----------------------------------------------------------------------------------------------------

WRONG = {
    "no credentials": ({}, {"wants_cred": False}, 407),
    "wrong secret": ({"secret": "pass"}, {}, 401),
    "wrong user": ({"user": "DM"}, {}, 401),
    "the other's secret": ({"user": "user 2", "secret": "secret 2"}, {}, 401),
    "an old nonce": ({"nonce": b"zeroth"}, {}, 401),
    "no nonce": ({"nonce": b""}, {}, 401),
    "the zero nonce": ({"nonce": bytes(4)}, {}, 401),
    "unknown device": ({"device_id": "stranger"}, {}, 401),
    "another letter case": ({"device_id": "DEV"}, {}, 401),
    "blanks in the device id": ({"device_id": "d ev"}, {}, 401),
}


EACH = [(peer, how) for peer in (OURS, BINARY, MAC, BASIC, *PEERS) for how in WRONG]
EACH = [(peer, how) for peer, how in EACH if peer is not BASIC or "nonce" not in how]  # it has none


@pytest.mark.parametrize(("peer", "how"), EACH, ids=lambda each: getattr(each, "name", each))
def test_who_is_not_let_in(peer, how):
    """Everything gets 401 or 407, nothing is reported, nothing is remembered, no account has another nonce."""
    options, attributes, code = WRONG[how]
    server, books = shop([Get("./a")], auth=peer.auth)
    before, client = records(server), Strange(server, peer, **options)
    for name, value in attributes.items():
        setattr(client, name, value)
    client.start(client.report())
    names = ["SyncHdr", "Alert", "Replace", "Alert"]
    assert sorted(client.codes()) == sorted((name, code) for name in names) and client.commands() == []
    assert records(server) == before and books.reports == books.sessions == []
    words = "missing" if code == 407 else "wrong"
    assert books.told == [(client.device_id, code, "credentials are " + words)]
    known = client.device_id in server.devices
    assert [each.find("Chal") is not None for each in client.statuses("SyncHdr")] == [known]


@pytest.mark.parametrize(
    ("wanted", "sent"), [("md5", "basic"), ("MAC", "basic"), ("MAC", "md5"), ("basic", "md5"), ("md5", "MAC")]
)
def test_other_credentials_than_were_agreed_on(wanted, sent):
    """Even where they are right: 401, and the challenge names what is wanted."""
    server, books = shop(auth=wanted)
    client = Strange(server, Peer("any", "", auth=sent))
    client.start(client.report())
    assert client.codes()[0] == ("SyncHdr", 401) and books.reports == []
    assert client.statuses("SyncHdr")[0].value("Chal", "Meta", "Type") == "syncml:auth-" + wanted


def test_a_true_hmac_is_none():
    """Disagreement D#8: what one server of other people takes for a MAC is refused."""
    server, books = shop(auth="MAC")
    client = Strange(server, MAC)

    def sign():
        key = base64.b64encode(hashlib.md5(("%s:%s" % (client.user, client.secret)).encode()).digest())
        return "username=%s, mac=%s" % (USER, base64.b64encode(hmac.new(key, client.body, "md5").digest()).decode())

    client._mac = sign
    client.start(client.report())
    assert client.codes()[0] == ("SyncHdr", 401) and books.reports == []


@pytest.mark.parametrize(
    "header",
    ["", "x", 'username="dm"', "mac=AAAA", 'algorithm=SHA1, username="dm", mac=%s', '"', ",,,", "mac=" + "A" * 9000],
)
def test_headers_that_are_no_mac(header):
    server, books = shop(auth="MAC")
    client = Strange(server, MAC)
    good = client._mac
    client._mac = lambda: header % good().rpartition("mac=")[2] if "%s" in header else header
    client.start(client.report())
    assert client.codes()[0] == ("SyncHdr", 401) and books.reports == []


def test_challenges_come_to_an_end():
    server, books = shop()
    client = Strange(server, OURS, secret="wrong")
    chals = []
    for _ in range(6):
        client.start(client.report())
        chals.append(client.statuses("SyncHdr")[0].find("Chal") is not None)
    assert chals == [True] * 3 + [False] * 3 and books.reports == []


# -- what the server must not give away --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agreed", "asked", "proves"),
    [
        ("md5", "basic", False),
        ("MAC", "basic", False),
        ("MAC", "md5", False),
        ("md5", "MAC", True),
        ("basic", "basic", True),
    ],
)
def test_a_challenge_below_what_was_agreed_on(agreed, asked, proves):
    """The server never names its secret to who asks for it: it gives up."""
    client, policy, server = meet(OURS, [Get("./a")], device=account(server_auth=agreed))
    client.start()
    client.send(client.header_status(401, b"fresh", asked))
    assert (client.commands()[0].tag_name == "Get") == proves
    if not proves:
        assert client.commands()[0].value("Data") == "1223" and policy.session.over
        assert base64.b64encode(("srv:" + SERVER_SECRET).encode()) not in client.reply.body
        assert (client.answer.find("SyncHdr", "Cred") is None) == (agreed == "MAC")


@pytest.mark.parametrize(
    ("tls", "auth", "proves"), [(True, "md5", True), (False, "md5", False), (False, "basic", True)]
)
def test_basic_where_nothing_was_agreed_on(tls, auth, proves):
    """The secret goes out as it is only inside of TLS, or where the device does the same."""
    peer = Peer("any", "", auth=auth)
    client, policy, server = meet(peer, [Get("./a")], device=account(auth, server_auth=None))
    handle = server.handle
    server.handle = lambda body, kind, headers, tls: handle(body, kind, headers, tls=secure)
    secure = tls
    client.start()
    client.send(client.header_status(407, b"fresh", "basic"))
    assert (client.answer.value("SyncHdr", "Cred", "Meta", "Type") == "syncml:auth-basic") == proves
    assert policy.session.over != proves


# -- bytes that are no message -----------------------------------------------------------------------------------------

HEAD = b"\x02\xa4\x01\x6a\x00"
BROKEN = {
    "an entity": (XML, b'<!DOCTYPE a [<!ENTITY b "c">]><SyncML>&b;</SyncML>'),
    "entities of entities": (
        XML,
        b'<!DOCTYPE a [<!ENTITY b "%s"><!ENTITY c "%s">]><a>&c;</a>' % (b"x" * 99, b"&b;" * 99),
    ),
    "a file": (XML, b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    "a parameter entity": (XML, b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:1/">%b;]><a/>'),
    "an undefined entity": (XML, b"<SyncML>&nbsp;</SyncML>"),
    "too deep": (XML, b"<a>" * 70 + b"</a>" * 70),
    "too many": (BINARY.content_type, HEAD + b"\x6d" + b"\x12" * 16400 + b"\x01"),
    "no UTF-8": (XML, b"<SyncML>\xff\xfe</SyncML>"),
    "half of UTF-16": (XML, "<SyncML/>".encode("utf-16")[:-1]),
    "an encoding that nobody has": (XML, b'<?xml version="1.0" encoding="klingon"?><SyncML/>'),
    "HTML": (XML, b"<html><body>"),
    "an attribute": (BINARY.content_type, HEAD + b"\xed\x01"),
    "a literal": (BINARY.content_type, HEAD + b"\x6d\x04\x00\x01"),
    "a text outside of the table": (BINARY.content_type, HEAD + b"\x6d\x6c\x83\x05\x01\x01"),
    "a table that is longer than the message": (BINARY.content_type, b"\x02\xa4\x01\x6a\xff\x7f\x6d"),
    "an endless number": (BINARY.content_type, b"\x02" + b"\xff" * 9),
    "an opaque beyond the end": (BINARY.content_type, HEAD + b"\x6d\xc3\x8f\xff\xff\xff\x7f"),
    "END too early": (BINARY.content_type, HEAD + b"\x01\x6d"),
    "bytes behind": (BINARY.content_type, HEAD + b"\x2d\x2d"),
    "WBXML 2.0": (BINARY.content_type, b"\x10\xa4\x01\x6a\x00\x2d"),
    "another charset": (BINARY.content_type, b"\x02\xa4\x01\x04\x00\x2d"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_malformed(name):
    """HTTP 400 with one line of text; nothing of what it names is opened."""
    server, books = shop()
    kind, body = BROKEN[name]
    before, reply = records(server), server.handle(body, kind)
    assert reply.status == 400 and reply.body.count(b"\n") == 1 and reply.body.endswith(b"\n")
    assert b"root:" not in reply.body and records(server) == before and books.told == []


@pytest.mark.parametrize("spare", [0, 1])
def test_too_long(spare):
    """The limit is announced, and the byte behind it is refused."""
    server, books = shop()
    client = Strange(server, OURS)
    client._bytes = lambda root: Strange._bytes(client, root).ljust(server.message_max + spare)
    client.start(client.report())
    assert client.reply.status == (413 if spare else 200) and len(books.reports) == 1 - spare


def test_utf_16():
    """An XML reader must know it; the answer is in UTF-8."""
    server, books = shop()
    client = Strange(server, OURS)
    client._bytes = lambda root: Strange._bytes(client, root).decode().replace("UTF-8", "UTF-16").encode("utf-16")
    client.start(client.report())
    assert client.codes()[0] == ("SyncHdr", 212) and len(books.reports) == 1
