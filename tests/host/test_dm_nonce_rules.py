"""docs/protocol.md on nonces, session ids, RespURI, DOCTYPE and secrets; each test names its line."""

import base64
import binascii

import pytest

from agent.url import follow
from flash_tools.server.dm.codec import Style
from flash_tools.server.dm.commands import Get, Item, Replace
from flash_tools.server.dm.server import Faults
from tests.dm.device import CLIENT_NONCE, SERVER_NONCE
from tests.dm.hold import KINDS, hold, statuses
from tests.dm.pair import Pair, known, next_nonces, set_text

both = pytest.mark.parametrize("kind", KINDS)
SESSION, NONCES = 5, 16  # journal keys


def act():
    """Return a command that leaves a trace."""
    return Replace(Item("./Area/here/chr", "new"))


def acted(device):
    """Tell whether it was executed."""
    return device.value("here/chr") == b"new"


# -- "Server nonces are derived"; "SessionID"; "the client nonce is noted once" ------------------------------------------


@both
def test_server_nonces_never_repeat(kind):
    pair = Pair(kind=kind)
    for number in range(12):
        pair.hold([Get("./DevInfo/Man")], [act()], cut=(None, 2.0, 2.5, 3.0)[number % 4])
    given = next_nonces(pair.sent)
    assert (
        len(given) > 12 and len(set(given)) == len(given) and all(len(base64.b64decode(each)) == 16 for each in given)
    )


@both
@pytest.mark.parametrize("cut", [1.0, 1.5, 2.0, 2.5, 3.0, 3.5])
def test_a_cut_session_costs_no_challenge(kind, cut):
    """ "tried against the last number known and the next 8": whatever message the power failed at.

    Only a server that proved itself, and never heard of the next nonce, has to be challenged.
    """
    pair, change = Pair(kind=kind), act()
    pair.hold([Get("./DevInfo/Man")], [Get("./DevInfo/Mod")], cut=cut)
    pair.record.client_nonce = CLIENT_NONCE
    first = len(pair.sent)
    assert pair.hold([change]).failure is None and change.status == 200
    assert [statuses(tree)[0][2] for tree, _, _ in pair.sent[first + 1 :]] == [401] * (cut == 2.0) + [200]


@both
def test_only_the_counter_is_persisted_before_the_first_message(kind):
    """And the client nonce once, at the end."""
    pair = Pair(kind=kind)
    for _ in range(3):
        pair.log.clear()
        pair.hold([Get("./DevInfo/Man")], [act()])
        sent = pair.log.index(("sent", 1))
        assert [key for _, key in pair.log[:sent]] == [SESSION]
        last = pair.log.index(("sent", 3))
        assert [key for _, key in pair.log[last + 1 :] if key >= NONCES] == [NONCES]
        assert all(key == SESSION for what, key in pair.log[:last] if what != "sent")


@both
def test_the_nonce_of_an_unauthentic_message_is_not_noted(kind):
    pair = Pair(kind=kind)
    pair.server.faults.bad_digest = True
    pair.hold([act()])
    assert all(key == SESSION for what, key in pair.log if what != "sent") and NONCES not in pair.journal.values


@both
def test_a_forged_nonce_does_not_survive_the_session(kind):
    """md5 for the session: the first message is a forger's, the second the server's, which has no nonce to give."""
    pair = Pair(kind=kind, auth="md5", secure=False, insecure=True)
    pair.server.faults.bad_digest = 1
    pair.server.faults.tree = lambda session, root: set_text(
        "NextNonce", base64.b64encode(b"forged nonce"), "SyncBody"
    )(root)
    assert pair.hold([act()]).failure is None and acted(pair.device)
    client = pair.device.client
    assert client.nonces.client_nonce(client.accounts.account("a")) != b"forged nonce"


@pytest.mark.parametrize("period", [1, 3, 9, 1000])
def test_session_ids(period):
    """ "random 16 bit, not among the last 8", also where the random numbers repeat."""
    pair, drawn = Pair(), [0]

    def random(size):
        drawn[0] += 1
        return (drawn[0] % period * 7919 + 500 & 0xFFFF).to_bytes(size, "little")

    pair.device.client.random, ids = random, []
    for _ in range(40):
        ids.append(pair.device.session().session_id)
        assert ids[-1] not in ids[-9:-1] and 0 < int(ids[-1], 16) < 1 << 16


# -- "RespURI and redirects" ---------------------------------------------------------------------------------------------

RESPONDS = [  # url, RespURI, where the next message goes
    ("http://a.example/dm", "http://a.example/dm?s=1", "http://a.example/dm?s=1"),
    ("http://a.example/dm", "https://a.example/dm", "https://a.example/dm"),
    ("http://a.example/dm", "http://b.example/dm", None),
    ("http://a.example/dm", "http://a.example:81/dm", None),
    ("http://a.example/dm", "https://b.example/dm", "https://b.example/dm"),
    ("https://a.example/dm", "https://b.example/dm", "https://b.example/dm"),
    ("https://a.example/dm", "http://a.example/dm", None),
    ("https://a.example/dm", "HTTP://a.example/dm", None),
    ("https://a.example/dm", "//b.example/x", "https://b.example/x"),
    ("http://a.example/dm/x?y", "z?s=2", "http://a.example/dm/z?s=2"),
    ("http://a.example/dm/x", "/z", "http://a.example/z"),
    ("http://a.example/dm/x", "?s=3", "http://a.example/dm/x?s=3"),
    ("http://a.example/dm", "ftp://a.example/dm", None),
    ("http://a.example/dm", "http://u:p@a.example/dm", None),
    ("http://a.example/dm", "http://a.example/a b", None),
    ("http://a.example/dm", "http://a.example/\u00e4", None),
    ("http://a.example/dm", "http:///dm", None),
]


@both
@pytest.mark.parametrize(("url", "uri", "target"), RESPONDS)
def test_where_a_respuri_leads(kind, url, uri, target):
    """ "http(s) only, never https to http, another host only over TLS, dropped at session end"."""
    secure = url.startswith("https")
    out = hold([act()], kind=kind, url=url, secure=secure, server={"resp_uri": uri}, validate=False)
    expected = target or url
    if target is None and "://" not in uri:
        expected = out.session.url
        assert expected.startswith("http://a.example/")
    assert out.session.url == out.sent[1].value("SyncHdr", "Target", "LocURI") == expected and acted(out.device)
    assert out.device.session().url == url and (follow(url, uri) or url) == expected


# -- "XML: DOCTYPE without `[` skipped, with `[` refused" ----------------------------------------------------------------

SUBSETS = (
    b"<!DOCTYPE SyncML [",
    b'<!DOCTYPE SyncML [<!ENTITY a "x">]>',
    b'<!DOCTYPE SyncML PUBLIC "-//SYNCML//DTD SyncML 1.2//EN" "x" [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    b'<!DOCTYPE SyncML[<!ENTITY a "xx"><!ENTITY b "&a;&a;">]>',
)


@both
def test_a_doctype_is_skipped(kind):
    out = hold([act()], kind=kind, server={"style": Style(doctype=True)})
    assert acted(out.device) and out.failure is None


@pytest.mark.parametrize("subset", SUBSETS)
@pytest.mark.parametrize("number", [1, 2])
def test_a_doctype_with_a_subset_is_refused(subset, number):
    def body(session, body):
        return body.replace(b"<SyncML", subset + b"<SyncML", 1) if session.msg_id == number else body

    out = hold(
        [Get("./DevInfo/Man")] if number == 2 else [act()], [act()], auth="basic", server={"faults": Faults(body=body)}
    )
    assert out.session.failure is not None and not acted(out.device) and len(out.sent) == number


# -- "secrets never in Get, ?list, TNDS, trace or dump" ------------------------------------------------------------------

C_SECRET, S_SECRET = "the client's secret!", "and the server's one!"
LISTS = (
    "",
    "?list=Struct",
    "?list=StructData",
    "?list=TNDS",
    "?list=TNDS+Value",
    "?list=TNDS+ACL+Format+Name+Title+Type+Value",
)


def _forms(secret):
    """Return a secret in every form in which it might be written."""
    yield secret
    yield binascii.hexlify(secret)
    yield binascii.hexlify(secret).upper()
    for shift in range(3):  # base64, wherever it begins
        text = base64.b64encode(bytes(shift) + secret + bytes(3))
        yield text[4 if shift else 0 : (shift + len(secret)) // 3 * 4 - 1]


@both
@pytest.mark.parametrize("auth", ["md5", "MAC"])
def test_secrets_stay_inside(kind, auth):
    account = [["/AppAuth/c/AAuthSecret", 2, C_SECRET], ["/AppAuth/s/AAuthSecret", 2, S_SECRET]]
    devices = known(auth, client_secret=C_SECRET, server_secret=S_SECRET)
    levels = ["./DMAcc/a/AppAuth/%s" % level for level in "cs"]
    uris = ["./", ".", "./DMAcc", "./DMAcc/a", "./DMAcc/a/AppAuth", "./Area", *levels]
    uris += ["%s/%s" % (level, name) for level in levels for name in ("AAuthSecret", "AAuthData", "AAuthName")]
    gets = [Get(uri + what) for uri in uris for what in LISTS]
    gets += [
        Get(level + "/AAuthSecret?prop=" + name)
        for level in levels
        for name in ("ACL", "Size", "Type", "Format", "Name")
    ]
    copies = [Replace(Item("./Area/here/chr", "x", source=levels[0] + "/AAuthSecret"))]
    pair = Pair(kind=kind, auth=auth, server={"devices": devices}, account=account)
    packages = [gets[at : at + 12] for at in range(0, len(gets), 12)]
    assert pair.hold(*packages, copies).failure is None and all(get.status for get in gets)
    everything = b"".join(body + repr(mac).encode() for _, body, mac in pair.sent)
    said = repr(pair.device.said).encode()
    assert any(get.results for get in gets) and len(everything) > 10000
    for secret in (C_SECRET.encode(), S_SECRET.encode(), CLIENT_NONCE, SERVER_NONCE, b"k" * 16):
        for form in _forms(secret):
            assert form not in everything and form not in said


# -- resynchronisation -----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("asked", [True, False])
def test_the_zero_nonce_is_for_resynchronisation(kind, asked):
    """Facts 3.6: both prove themselves with it, both give new nonces; at no other time."""
    pair, change = Pair(kind=kind, resync=asked), act()
    pair.record.resync, pair.record.server_nonce, pair.record.client_nonce = (
        asked,
        bytes(4),
        CLIENT_NONCE if not asked else b"lost",
    )
    pair.hold([change])
    first = [statuses(tree)[0][2] for tree, _, _ in pair.sent[1:2]]
    assert first == [200 if asked else 401] and acted(pair.device) and len(pair.sent) == (2 if asked else 3)
    pair.device.config["resync"], again = False, Get("./DevInfo/Man")
    assert pair.hold([again]).failure is None and again.status == 200 and len(next_nonces(pair.sent[-2:])) == 1
