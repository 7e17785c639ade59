"""Accounts: what servers may do with them, what never comes out, and what a session reads out of them."""

from agent.dm_commit import commit
from agent.dm_edit import replace
from agent.dm_edit_nodes import add, delete
from agent.dm_queries import readable
from agent.mo_inbox import ACCOUNT as MOI
from tests.portable.dm_trees import BIN, GET, DictJournal, dump, leaf, make_tree, node, status

FIELDS = (
    ("AppID", b"w7"),
    ("ServerID", b"srv"),
    ("Name", b"A server"),
    ("AppAddr/x/Addr", b"https://dm.example.org/dm?id=1"),
    ("AppAddr/x/AddrType", b"URI"),
    ("AppAddr/x/Port/y/PortNbr", b"8443"),
    ("AAuthPref", b"HMAC"),
    ("AppAuth/c/AAuthLevel", b"CLCRED"),
    ("AppAuth/c/AAuthType", b"DIGEST"),
    ("AppAuth/c/AAuthName", b"device"),
    ("AppAuth/c/AAuthSecret", b"secret1"),
    ("AppAuth/s/AAuthLevel", b"SRVCRED"),
    ("AppAuth/s/AAuthType", b"HMAC"),
    ("AppAuth/s/AAuthName", b"server"),
    ("AppAuth/s/AAuthSecret", b"secret2"),
    ("Ext/AlertSource", b"exec"),
    ("Ext/RequestData", b"x"),
)
SECRET = "DMAcc/one/AppAuth/c/AAuthSecret"


def with_account(name="one", **options):
    """Return a tree with an account that a server has added."""
    tree = make_tree(**options)
    for path, value in FIELDS:
        add(tree, "DMAcc/%s/%s" % (name, path), leaf(value))
    add(tree, "DMAcc/%s/AppAuth/s/AAuthData" % name, leaf(b"\x00\xffnonce", BIN))
    return tree


def test_a_session_reads_the_account():
    for tree in (with_account(), _after_restart()):
        account = tree.accounts.by_server("srv")
        assert tree.accounts.by_server("other") is None and tree.accounts.names() == ["one"]
        assert account.name == "one" and account.server_id == "srv"
        assert account.url == "https://dm.example.org:8443/dm?id=1"
        assert account.preferred == 3 and account.alert_source == "exec" and account.request_data == "x"
        assert (account.client.user, account.client.secret, account.client.kind) == ("device", "secret1", 2)
        assert (account.server.user, account.server.secret, account.server.kind) == ("server", "secret2", 3)
        assert account.server.nonce == b"\x00\xffnonce" and account.client.nonce == b""
        assert tree.type_of("DMAcc/one") == MOI


def _after_restart():
    journal = DictJournal()
    commit(with_account(journal=journal))
    return make_tree(journal)


def test_secrets_never_come_out():
    tree = with_account()
    for path in (SECRET, "DMAcc/one/AppAuth/s/AAuthData"):
        assert status(tree.may, GET, path, "boss") == 405 == status(tree.may, GET, path, None)
        assert path not in list(readable(tree, "", None))
    assert replace(tree, SECRET, leaf(b"new")) == 200
    assert tree.accounts.account("one").client.secret == "new"


def test_the_shape_is_kept():
    tree = with_account()
    for path, value, code in (
        ("DMAcc/one/Strange", b"x", 405),
        ("DMAcc/one/AppAddr/x/Addr", b"x", 418),
        ("DMAcc/one/AppAddr/z/Addr/x", b"x", 405),
        ("DMAcc/one/AppAddr/z/Port/1/PortNbr", b"123456", 413),
        ("DMAcc/one/PrefConRef", b"x" * 64, 200),
        ("DMAcc/one/ToConRef/1/ConRef", b"x", 200),
        ("DMAcc/one/Ext/Own", b"x", 405),
    ):
        before = dump(tree)
        assert status(add, tree, path, leaf(value)) == code, path
        assert code == 200 or dump(tree) == before
    assert status(add, tree, "DMAcc/two", leaf(b"x")) == 405
    assert status(add, tree, "DMAcc/two", node("stranger")) == 425
    assert status(delete, tree, "DMAcc", leaf(b"")) == 405


def test_at_most_four():
    tree = make_tree()
    for name in "abcd":
        assert add(tree, "DMAcc/" + name, node()) == 200
    assert status(add, tree, "DMAcc/e", node()) == 420
    assert status(add, tree, "DMAcc/e/AppID", leaf(b"w7")) == 420
    assert delete(tree, "DMAcc/b", node()) == 200
    assert add(tree, "DMAcc/e", node()) == 200


def test_addresses():
    for address, port, expected in (
        (b"http://h/p", b"81", "http://h:81/p"),
        (b"http://h", b"81", "http://h:81"),
        (b"http://h:1/p", b"81", "http://h:1/p"),
        (b"http://[::1]/p", b"81", "http://[::1]:81/p"),
        (b"http://[::1]:2/p", b"81", "http://[::1]:2/p"),
        (b"http://h/p", b"", "http://h/p"),
    ):
        tree = make_tree()
        add(tree, "DMAcc/a/AppAddr/x/Addr", leaf(address))
        if port:
            add(tree, "DMAcc/a/AppAddr/x/Port/1/PortNbr", leaf(port))
        assert tree.accounts.account("a").url == expected
    assert make_tree().accounts.account("none").url == ""


def test_a_server_that_goes_is_in_no_list_any_more():
    tree = with_account()
    tree.properties.set_acl("App", "Get=*&Replace=srv+boss&Exec=srv")
    delete(tree, "DMAcc/one/Name", leaf(server=None))
    assert tree.own_acl("App") == "Get=*&Replace=srv+boss&Exec=srv"
    delete(tree, "DMAcc/one", leaf(server=None))
    assert tree.own_acl("App") == "Get=*&Replace=boss"
