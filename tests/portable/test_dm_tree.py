"""The tree: every command on every kind of node, who may do it, all or nothing, and what is left after a restart."""

from agent.dm_commit import commit, roll_back, snapshot
from agent.dm_edit import execute, replace
from agent.dm_edit_nodes import add, copy, delete, rename
from agent.dm_value import Value
from agent.errors import ProtocolError
from tests.portable.check import raises
from tests.portable.dm_trees import CHR, GET, INT, NODE, DictJournal, dump, filled, leaf, make_tree, node, status

_MAN = "DevInfo/Man"


def _get(tree, path, server):
    return tree.may(GET, path, server) and 200


def _add(tree, path, server):
    return add(tree, path, Value(b"x", 0, "", server))


def _add_node(tree, path, server):
    return add(tree, path, Value(b"", NODE, "", server))


def _replace(tree, path, server):
    return replace(tree, path, Value(b"7", 0, "", server))


def _delete(tree, path, server):
    return delete(tree, path, Value(b"", 0, "", server))


def _execute(tree, path, server):
    return execute(tree, path, Value(b"", 0, "", server))


def _copy(tree, path, server):
    return copy(tree, _MAN, path, Value(b"", 0, "", server))


COMMANDS = (_get, _add, _add_node, _replace, _delete, _execute, _copy)
TABLE = (  # for boss, who may do everything below App, and for somebody who may do nothing but Add and Get
    ("", (200, 418, 418, 405, 405, 405, 405), (200, 418, 418, 405, 405, 405, 405)),
    ("App/Box", (200, 418, 418, 405, 405, 405, 405), (200, 418, 418, 425, 405, 405, 425)),
    ("App/Level", (200, 418, 418, 200, 405, 405, 415), (200, 418, 418, 425, 405, 405, 425)),
    ("App/Box/a", (200, 418, 418, 405, 200, 405, 405), (200, 418, 418, 425, 425, 405, 425)),
    ("App/Box/a/Text", (200, 418, 418, 200, 200, 405, 200), (200, 418, 418, 425, 425, 405, 425)),
    ("App/Box/zz", (404, 405, 200, 404, 404, 404, 405), (404, 405, 200, 404, 404, 404, 405)),
    ("App/Box/zz/Text", (404, 200, 405, 404, 404, 404, 200), (404, 200, 405, 404, 404, 404, 200)),
    ("App/Box/zz/No", (404, 405, 405, 404, 404, 404, 405), (404, 405, 405, 404, 404, 404, 405)),
    ("App/Box/a/Pin", (405, 418, 418, 200, 200, 405, 200), (405, 418, 418, 425, 425, 405, 425)),
    ("App/Level/x", (404, 405, 405, 404, 404, 404, 405), (404, 405, 405, 404, 404, 404, 405)),
    ("App/Box/a/Text/x", (404, 405, 405, 404, 404, 404, 405), (404, 405, 405, 404, 404, 404, 405)),
    ("App/Strange", (404, 405, 405, 404, 404, 404, 405), (404, 405, 405, 404, 404, 404, 405)),
    ("Strange/x", (404, 405, 405, 404, 404, 404, 405), (404, 405, 405, 404, 404, 404, 405)),
    (_MAN, (200, 418, 418, 405, 405, 405, 403), (200, 418, 418, 405, 405, 405, 403)),
    ("DevInfo/x", (404, 405, 405, 404, 404, 404, 405), (404, 405, 405, 404, 404, 404, 405)),
    ("Inbox", (405, 418, 418, 405, 405, 405, 405), (405, 418, 418, 405, 405, 405, 405)),
    ("Inbox/x", (404, 405, 405, 404, 404, 404, 405), (404, 425, 425, 404, 404, 404, 425)),
)


def test_every_command_on_every_kind_of_node():
    for path, boss, other in TABLE:
        for server, expected in (("boss", boss), ("other", other)):
            for i in range(len(COMMANDS)):
                tree = filled()
                before = dump(tree)
                found = status(COMMANDS[i], tree, path, server)
                assert found == expected[i], (path, server, i, found)
                assert (dump(tree) == before) == (found != 200 or i == 0), (path, server, i)


def test_nothing_below_a_mount_that_is_deeper_than_the_root():
    tree = make_tree()
    tree.objects.append(("Vendor/Deep/Thing", tree.find("DevInfo")[0]))
    assert list(tree.children("Vendor")) == ["Deep"] and "Vendor" in tree.children("")
    assert tree.kind("Vendor/Deep") >> 8 & 15 == NODE and tree.type_of("Vendor/Deep") == ""
    assert status(_add, tree, "Vendor/x", "boss") == 405
    assert status(_delete, tree, "Vendor", "boss") == 405


def test_an_add_that_fails_leaves_no_nodes_on_the_way():
    tree = filled()
    before = dump(tree)
    assert status(_add, tree, "App/Box/new/Strange", "boss") == 405
    assert dump(tree) == before
    tree = make_tree(quota=64)
    assert status(add, tree, "App/Box/b/Text", leaf(bytes(60))) == 420
    assert not tree.kind("App/Box/b")


def test_a_stranger_owns_what_he_creates():
    tree = make_tree()
    add(tree, "App/Box/x/Text", leaf(b"1", 0, "guest"))  # the interior node is implied
    add(tree, "App/Box/y", leaf(b"", 0, "guest"))  # says no format
    add(tree, "App/Box/mine", node("boss"))
    for name in ("x", "y"):
        assert tree.own_acl("App/Box/" + name) == "Add=guest&Delete=guest&Get=*&Replace=guest"
    assert tree.own_acl("App/Box/x/Text") == "" == tree.own_acl("App/Box/mine")
    assert replace(tree, "App/Box/x/Text", leaf(b"2", 0, "guest")) == 200
    assert status(replace, tree, "App/Box/x/Text", leaf(b"2", 0, "boss")) == 425
    assert delete(tree, "App/Box/x", leaf(b"", 0, "guest")) == 200
    assert tree.own_acl("App/Box/x") == ""


def test_the_first_list_that_is_not_empty_decides():
    tree = filled()
    tree.properties.set_acl("App/Box/a", "Get=one")
    assert tree.allowed(GET, "App/Box/a/Text", "one") and not tree.allowed(GET, "App/Box/a/Text", "boss")
    assert not tree.allowed(32, "App/Box/a/Text", "boss")  # Replace is not inherited past it
    tree.properties.set_acl("App/Box/a/Text", "Replace=boss")
    assert tree.allowed(32, "App/Box/a/Text", "boss") and not tree.allowed(GET, "App/Box/a/Text", "one")
    tree.properties.set_acl("App/Box/a", "")
    assert tree.allowed(GET, "App/Box/a", "boss")
    assert tree.allowed(32, "App/Box/a", None) and tree.allowed(8, "", None)  # the device itself


def test_values_are_checked():
    tree = filled()
    for path, data, form, code in (
        ("App/Level", b"12", INT, 200),
        ("App/Level", b"+1", 0, 200),
        ("App/Level", b"", 0, 415),
        ("App/Level", b"one", 0, 415),
        ("App/Level", b"123456789012", 0, 413),
        ("App/Level", b"1", CHR, 415),
        ("App/Level", b"", NODE, 405),
        ("App/Box/a/On", b"yes", 0, 415),
        ("App/Box/a/On", b"false", 4, 200),
        ("App/Box/a/Text", b"\xff\xfe", 0, 415),
        ("App/Box/a/Text", bytes(1025), 0, 413),
        ("App/Box/a/Raw", b"\xff\xfe", 5, 200),
        ("App/Box/a/Raw", b"\xff\xfe", 6, 200),
        ("App/Box/a/Raw", b"\xff\xfe", 2, 415),
    ):
        assert status(replace, tree, path, leaf(data, form)) == code, (path, data)
    assert status(replace, tree, "App/Box/a/Text", leaf(b"x", 0, "boss", "t" * 300)) == 414


def test_copy():
    tree = filled()
    assert copy(tree, _MAN, "App/Box/a/Text", leaf()) == 200
    assert tree.value("App/Box/a/Text") == b"Acme" and tree.properties.load("App/Box/a/Text")[0] == 2
    assert copy(tree, "App/Box/a/Raw", "App/Box/c/Raw", leaf()) == 200
    assert tree.value("App/Box/c/Raw") == tree.value("App/Box/a/Raw")
    assert status(copy, tree, "App/Box", "App/Box/d", leaf()) == 403
    assert status(copy, tree, "App/Box/a/Pin", "App/Box/a/Text", leaf()) == 405
    assert status(copy, tree, "App/Box/no", "App/Box/a/Text", leaf()) == 404
    tree.properties.set_acl("App/Box/a", "Get=one")
    assert status(copy, tree, "App/Box/a/Text", "App/Box/b/Text", leaf()) == 425


def test_rename_takes_everything_along():
    tree = filled()
    before = dump(tree, "App/Box/a")
    assert rename(tree, "App/Box/a", "new") == 200
    after = dump(tree, "App/Box/new")
    assert [row[1:] for row in before] == [row[1:] for row in after] and not tree.kind("App/Box/a")
    for path, name, code in (
        ("App/Box/new", "b", 418),
        ("App/Box", "b", 405),
        ("", "b", 405),
        ("App/Box/new/Text", "Other", 405),  # its name is what it is
        ("App/Box/new", "x/y", 400),
        ("App/Box/new", "", 400),
        ("App/Box/new", "x?", 400),
        ("App/Box/new", "n" * 33, 414),
        ("App/Box/no", "n", 404),
    ):
        kept = dump(tree)
        assert status(rename, tree, path, name) == code, (path, name)
        assert dump(tree) == kept


def test_all_or_nothing():
    tree = filled()
    before, kept = dump(tree), snapshot(tree)
    delete(tree, "App/Box/a", node())
    replace(tree, "App/Level", leaf(b"9"))
    add(tree, "App/Box/c", node("guest"))
    tree.properties.set_title("App", "title")
    assert dump(tree) != before
    assert roll_back(tree, kept) is True and dump(tree) == before


def test_what_was_committed_is_there_after_a_restart():
    journal = DictJournal()
    tree = filled(journal=journal, now=lambda: "20261121T093000Z")
    commit(tree)
    assert journal.puts == 1
    kept = dump(tree)
    replace(tree, "App/Level", leaf(b"9"))
    again = make_tree(journal)
    assert dump(again) == kept
    assert again.properties.load("App/Level")[0] == 1
    assert again.properties.load("App/Box/a/Text")[3] == "20261121T093000Z"
    commit(again)
    assert journal.puts == 1  # nothing had changed


def test_volatile_leaves_keep_their_first_reading():
    tree, count = make_tree(), []

    def version():
        count.append(1)
        return "v%d" % len(count)

    from agent.mo_leaves import Leaves

    tree.objects.append(("Ext", Leaves("", (("Now", version),))))
    assert tree.size("Ext/Now") == 2 and tree.value("Ext/Now") == b"v1" == tree.value("Ext/Now")
    tree.samples.clear()
    assert tree.value("Ext/Now") == b"v2"


def test_a_full_store_says_so():
    tree = make_tree(quota=600)
    with raises(ProtocolError) as caught:
        for i in range(9):
            add(tree, "App/Box/b%d/Text" % i, leaf(bytes(100)))
    assert caught.error.code == 420
