"""The first account by push: only with the right key, only at the right moment, whole or not at all."""

import binascii
import hashlib

from agent import bootstrap
from agent.dm_arena import Arena
from agent.mo_inbox import ACCOUNT as MOI
from agent.wbxml_writer import WbxmlWriter
from agent.window import Out
from tests.portable.check import Skip
from tests.portable.dm_trees import ACLS, DictJournal, dump, make_tree

_TYPE = "application/vnd.syncml.dm+wbxml"
_TNDS = "application/vnd.syncml.dmtnds+xml"
_KEY = b"1234"
ACCOUNT = (
    '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>Acc</NodeName><RTProperties>%s'
    "<Format><node/></Format><Type><DDFName>%s</DDFName></Type></RTProperties><Node><NodeName>ServerID</NodeName>"
    "<Value>%s</Value></Node><Node><NodeName>AppAddr</NodeName><Node><NodeName>x</NodeName><Node><NodeName>Addr</NodeName>"
    "<Value>http://dm.example.org</Value></Node></Node></Node></Node></MgmtTree>"
)


class Client:
    """As much of a dm_client.Client as it takes."""

    def __init__(self, journal=None, size=4096):
        acls = ACLS[:2] + (("DMAcc", "Get=*"), ("Inbox", "Get=*"))  # nobody may, before there is an account
        self.tree = make_tree(journal, acls=acls)
        self.accounts, self.arena = self.tree.accounts, Arena(size)


def account(server="srv", moi=MOI, acl=""):
    """Return the description of an account."""
    return ACCOUNT % (acl and "<ACL>%s</ACL>" % acl, moi, server)


def message(*commands):
    """Return a message of (command's tag, target, format, type, data)."""
    out = Out(8192)
    writer = WbxmlWriter(out)
    writer.begin()
    for tag in (0x2D, 0x2C):
        writer.start(tag)
    for tag, text in ((0x31, "1.2"), (0x32, "DM/1.2"), (0x25, "0"), (0x1B, "0")):
        writer.leaf(tag, text)
    writer.end()
    writer.start(0x2B)
    for number, (tag, target, form, kind, data) in enumerate(commands):
        writer.start(tag)
        writer.leaf(0x0B, str(number + 1))
        writer.start(0x14)
        if target:
            writer.start(0x2E)
            writer.leaf(0x17, target)
            writer.end()
        writer.start(0x1A)
        for meta, text in ((0x107, form), (0x113, kind)):
            if text:
                writer.leaf(meta, text)
        writer.end()
        writer.leaf(0x0F, data)
        writer.end()
        writer.end()
    writer.empty(0x12)
    writer.end()
    writer.end()
    return bytes(out.view[: out.size])


def add(document, target="./Inbox"):
    """Return the command that hands in a description."""
    return 0x05, target, "xml", _TNDS, document


def header(body, key=_KEY, sec="USERPIN", kind=_TYPE):
    """Return the Content-Type."""
    return "%s; SEC=%s; MAC=%s" % (kind, sec, str(binascii.hexlify(bootstrap._hmac(key, body)), "utf-8").upper())


def key(method):
    """Return the PIN; there is no key of a network."""
    return _KEY if method == 1 else b""


def accept(client, body, content_type=None, **options):
    """Hand the message in; after a refusal nothing must have changed."""
    before = dump(client.tree)
    found = bootstrap.accept(client, content_type or header(body), body, options.pop("key", key), **options)
    assert found[0] == 200 or dump(client.tree) == before and found[1] == ()
    return found


def test_hmac_of_rfc_2202():
    if not hasattr(hashlib, "sha1"):
        return Skip("no SHA-1")
    for secret, data, code in (
        (b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        (b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (
            b"\xaa" * 80,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112",
        ),
    ):
        assert binascii.hexlify(bootstrap._hmac(secret, data)) == code.encode()


def test_the_first_account():
    journal = DictJournal()
    client = Client(journal)
    assert accept(client, message(add(account()))) == (200, ["Acc"])
    for tree in (client.tree, make_tree(journal)):
        found = tree.accounts.by_server("srv")
        assert found.name == "Acc" and found.url == "http://dm.example.org"
        assert tree.own_acl("DMAcc/Acc") == "Get=srv&Replace=srv&Delete=srv"


def test_node_by_node():
    client = Client()
    body = message(
        (0x05, "./DMAcc/a", "node", "", ""),
        (0x05, "./DMAcc/a/ServerID", "chr", "text/plain", "srv"),
        (0x05, "./DMAcc/a/AppAuth/c/AAuthData", "b64", "", "AAEC/w=="),
        (0x05, "./DMAcc/a/AppAuth/c/AAuthLevel", "chr", "", "CLCRED"),
        (0x20, "./App/Level", "int", "", "3"),
    )
    assert accept(client, body) == (200, ["a"])
    assert client.tree.value("App/Level") == b"3"
    assert client.accounts.by_server("srv").client.nonce == b"\x00\x01\x02\xff"


def test_the_header():
    body = message(add(account()))
    good = header(body)
    for text, code in (
        (good, 200),
        (good.lower(), 200),
        (good.replace(" ", ""), 200),
        (good.replace("SEC=USERPIN", 'SEC="1"'), 200),
        (good.replace("USERPIN", "NETWORKID"), 401),  # there is no such key
        (good.replace("USERPIN", "USERPIN_NETWORKID"), 406),
        (good.replace("SEC=USERPIN", "SEC=2"), 406),
        (good.replace("SEC=USERPIN;", ""), 406),
        (good[:-1], 401),
        (good[:-2], 401),
        (good + "00", 401),
        (good[:-1] + "x", 401),
        (good[:-1] + ("0" if good[-1] != "0" else "1"), 401),
        (good.split("; MAC")[0], 401),
        (header(body, b"4321"), 401),
        (header(body + b"x"), 401),
        (header(body, kind="application/vnd.wap.connectivity-wbxml"), 415),
        ("text/plain", 415),
    ):
        assert accept(Client(), body, text)[0] == code, text
    assert (
        accept(Client(), body, header(body, b"imsi", "NETWORKID"), key=lambda method: (b"imsi", b"")[method])[0] == 200
    )


def test_the_moment():
    client, body = Client(), message(add(account()))
    assert accept(client, body, tries=3)[0] == 403
    assert accept(client, body, tries=2)[0] == 200
    second = message(add(account("other")))
    assert accept(client, second)[0] == 403
    assert accept(client, second, tries=3, button=True)[0] == 403
    assert accept(client, second, button=True) == (200, ["x1"])


def test_a_server_that_comes_again_has_one_account():
    client = Client()
    accept(client, message(add(account())))
    assert accept(client, message(add(account())), button=True) == (200, ["x1"])
    assert client.accounts.names() == ["x1"] and client.accounts.by_server("srv").name == "x1"


def test_what_it_says_is_whole_or_not_at_all():
    good = add(account())
    for commands, code in (
        ((), 404),
        ((good, add(account("b"))), 200),
        ((add(account(moi="urn:x:unknown")), good), 200),  # may be ignored
        ((add(account(moi="urn:x:unknown")),), 404),
        ((add(account("")),), 400),
        ((good, (0x05, "./App/Strange", "chr", "", "x")), 405),
        ((good, (0x20, "./App/no", "chr", "", "x")), 404),
        ((good, (0x20, "./DevInfo/Man", "chr", "", "x")), 405),
        ((good, (0x10, "./App/Level", "", "", "")), 200),  # only Add and Replace are looked at
        ((good, (0x11, "./App/Level", "", "", "")), 200),
        ((good, (0x05, "./a/" + "n" * 300, "", "", "")), 414),
        ((good, (0x05, "", "", "", "")), 404),
        ((good, good, good, good, good), 420),
    ):
        assert accept(Client(), message(*commands))[0] == code, commands
    assert accept(Client(size=1200), message(good, (0x05, "./App/Box/b/Text", "", "", "x" * 900)))[0] == 413


def test_a_list_of_its_own_is_kept():
    client = Client()
    assert accept(client, message(add(account(acl="Get=*&amp;Replace=srv"))))[0] == 200
    assert client.tree.own_acl("DMAcc/Acc") == "Get=*&Replace=srv"


def test_every_cut_of_a_genuine_message():
    body = message(add(account()))
    for size in range(len(body)):
        assert accept(Client(), body[:size])[0] >= 400, size
    seed = 1
    for _ in range(300):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        broken = bytearray(body)
        broken[(seed >> 8) % len(body)] = seed >> 4 & 255
        accept(Client(), bytes(broken))
