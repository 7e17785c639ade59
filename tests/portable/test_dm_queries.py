"""Properties and lists: which there are, who may, and what comes out."""

from agent.dm_commit import commit, loaded
from agent.dm_edit_nodes import change_property
from agent.dm_property import check_query
from agent.dm_queries import sources
from agent.xml_writer import XmlWriter
from tests.portable.dm_trees import DictJournal, dump, filled, leaf, make_tree, node, status

_ADD, _REPLACE, _DELETE, _COPY, _EXEC = 0x05, 0x20, 0x10, 0x0D, 0x11
_BOX = "App/Box/a"
_TEXT = _BOX + "/Text"
_PIN = _BOX + "/Pin"


def _change(tree, path, argument, text, server="boss", kind=_REPLACE):
    return status(change_property, tree, kind, path, "prop", argument, text, server)


def _get(tree, path, argument, server="boss", query="prop"):
    """Return what a Get gives: a status, or a list of (URI, value, format, Type)."""
    code = status(check_query, tree, path, query, argument, server)
    if code != 200:
        return code
    found = []
    for uri, source in sources(tree, path, query, argument, server, XmlWriter):
        data = bytearray(source.size)
        assert source.read(0, memoryview(data)) == source.size
        found.append((uri, bytes(data), source.form, source.kind))
    return found


def _text(tree, path, argument, server="boss"):
    found = _get(tree, path, argument, server)
    return found if isinstance(found, int) else str(found[0][1], "utf-8")


def test_every_property_is_read():
    tree = filled(now=lambda: "20261121T093000Z")
    for path, texts in (
        ("", ("Add=*&Get=*", "node", "", 406, "", "", "", "0")),
        ("App", ("Add=*&Delete=boss&Get=*&Replace=boss", "node", "App", 406, "", "", "urn:x:app", "0")),
        (_BOX, ("", "node", "a", 406, "A <title>", "20261121T093000Z", "", "1")),
        (_TEXT, ("", "chr", "Text", "3", "", "20261121T093000Z", "text/plain", "1")),
        ("App/Level", ("", "int", "Level", "2", "", "20261121T093000Z", "text/plain", "1")),
        ("DevInfo", ("", "node", "DevInfo", 406, "", "", "urn:oma:mo:oma-dm-devinfo:1.0", "0")),
        ("App/no", (404,) * 8),
        (_PIN, ("", 405, 405, 405, 405, 405, 405, 405)),
        ("Inbox", ("Add=boss",) + (405,) * 2 + (406,) + (405,) * 4),
    ):
        for i, name in enumerate(("ACL", "Format", "NAME", "size", "Title", "TStamp", "Type", "VerNo")):
            server = None if path == "Inbox" else "boss"
            assert _text(tree, path, name, server) == texts[i], (path, name, _text(tree, path, name, server))
        assert _text(tree, path, "Colour") == 406
        assert _get(tree, path, "Value") == 406


def test_who_may_read_properties():
    tree = filled()
    tree.properties.set_acl(_BOX, "Get=boss&Replace=boss")
    for name in ("ACL", "Format", "VerNo"):
        assert _text(tree, _TEXT, name, "other") == 425 and not isinstance(_text(tree, _TEXT, name), int)


def test_only_replace_and_only_of_three_properties():
    tree = filled()
    before = dump(tree)
    for kind in (_ADD, _DELETE, _COPY, _EXEC):
        for name in ("ACL", "Format", "Name", "Size", "Title", "TStamp", "Type", "VerNo"):
            assert _change(tree, _BOX, name, "Get=*", "boss", kind) == 405
    for name in ("Format", "Size", "TStamp", "Type", "VerNo"):
        assert _change(tree, _BOX, name, "x") == 405
    for path in ("", _BOX, _TEXT):
        assert _change(tree, path, "Colour", "x") == 406
        for kind in (_ADD, _REPLACE, _DELETE, _COPY, _EXEC):
            assert status(change_property, tree, kind, path, "list", "Struct", "", "boss") == 405
    assert _change(tree, "App/no", "ACL", "Get=*") == 404
    assert dump(tree) == before


def test_replace_of_an_acl():
    """An interior node: by right on it or on its parent. A leaf: by right on its parent only."""
    tree = filled()
    assert _change(tree, _BOX, "ACL", "Get=*&Replace=own") == 200
    assert tree.own_acl(_BOX) == "Get=*&Replace=own" and tree.properties.load(_BOX)[0] == 2
    for path, server, code in (
        (_BOX, "own", 200),  # on the node itself
        (_BOX, "boss", 200),  # on its parent
        (_BOX, "other", 425),
        (_TEXT, "own", 200),
        (_TEXT, "boss", 425),
        ("App/Box", "boss", 200),  # permanent or not
        ("App/Level", "boss", 200),
        ("App", "boss", 200),
        ("DevInfo", "boss", 425),
        ("DevInfo/Man", "boss", 425),
        ("", "boss", 425),
    ):
        assert _change(tree, path, "ACL", tree.own_acl(path), server) == code, (path, server)
    tree.properties.set_acl(_TEXT, "Get=*&Replace=leafowner")
    assert _change(tree, _TEXT, "ACL", "Get=*", "leafowner") == 425  # it may change the value, not the list
    assert _change(tree, _TEXT, "ACL", "", "own") == 200 and tree.own_acl(_TEXT) == ""
    for text, code in (("Get=", 400), ("Get=" + "a" * 300, 420)):
        assert _change(tree, _BOX, "ACL", text) == code and tree.own_acl(_BOX) == "Get=*&Replace=own"


def test_the_root_lets_everybody_add():
    tree = make_tree(acls=(("", "Add=*&Get=*&Replace=boss"),))
    for text, code in (("", 405), ("Get=*", 405), ("Add=boss&Get=*", 405), ("Add=*&Get=*", 200)):
        assert _change(tree, "", "ACL", text) == code, text


def test_rename():
    tree = filled()
    assert _change(tree, _BOX, "Name", "fresh") == 200
    assert tree.kind("App/Box/fresh/Text") and not tree.kind(_BOX)
    assert tree.properties.load("App/Box/fresh")[4] == "A <title>" and tree.properties.load("App/Box/fresh")[0] == 2
    for path, name, server, code in (
        ("App/Box/fresh", "b", "boss", 418),
        ("App/Box/fresh", "c", "other", 425),
        ("App/Box", "c", "boss", 405),
        ("App/Box/fresh/Text", "On", "boss", 418),
        ("App/Box/fresh/Text", "Strange", "boss", 405),
        ("App/Box/fresh", "c/d", "boss", 400),
    ):
        assert _change(tree, path, "Name", name, server) == code, (path, name)


def test_a_rename_that_does_not_fit_changes_nothing():
    tree = make_tree()
    tree.properties.set_title("App/Box/a", "t" * 250)
    from agent.dm_edit_nodes import add

    add(tree, "App/Box/a/Text", leaf(b"x"))
    for thing in loaded(tree) + [tree.properties.store]:
        store = getattr(thing, "store", thing)
        if hasattr(store, "blob") and store.blob:
            store._quota = len(store.blob) + 4
    before = dump(tree)
    assert _change(tree, "App/Box/a", "Name", "longer-than-before") == 420
    assert dump(tree) == before


def test_title():
    tree = filled()
    assert _change(tree, "App/Level", "Title", "Water \u20ac") == 200
    assert _text(tree, "App/Level", "Title") == "Water \u20ac"
    assert _change(tree, "App/Level", "Title", "t" * 255) == 200
    assert _change(tree, "App/Level", "Title", "t" * 256) == 413
    assert _change(tree, "App/Level", "Title", "x", "other") == 425
    assert _text(tree, "App/Level", "Title") == "t" * 255


def test_properties_survive_a_restart():
    journal = DictJournal()
    tree = filled(journal=journal)
    _change(tree, _BOX, "ACL", "Get=*")
    _change(tree, "App/Level", "Title", "Water")
    _change(tree, "App/Box/b", "Name", "c")
    commit(tree)
    assert dump(make_tree(journal)) == dump(tree)


def test_lists_that_there_are_not():
    tree = filled()
    for argument in (
        "", "Tree", "Structure", "Struct+ACL", "TNDS+", "TNDS-", "TNDS+Colour", "TNDS+ACL-Value", "TNDS-ACL+Value",
        "TNDSACL", "+ACL", "TNDS ACL",
    ):  # fmt: skip
        assert _get(tree, "App", argument, "boss", "list") == 406, argument
    for argument in ("Struct", "structdata", "TNDS", "tnds+value+ACL", "TNDS-Format"):
        assert _get(tree, "App/no", argument, "boss", "list") == 404
        assert _get(tree, _PIN, argument, "boss", "list") == 405
        assert len(_get(tree, _TEXT, argument, "boss", "list")) == 1


def test_struct_and_struct_data():
    tree = filled()
    tree.properties.set_acl("App/Box/b", "Get=boss")
    found = _get(tree, "App", "Struct", "other", "list")
    assert found == [
        ("./App", b"", "node", "urn:x:app"),
        ("./App/Level", b"", "int", ""),
        ("./App/Box", b"", "node", None),
        ("./App/Box/a", b"", "node", None),
        ("./App/Box/a/Text", b"", None, ""),
        ("./App/Box/a/On", b"", "bool", ""),
        ("./App/Box/a/Raw", b"", "bin", ""),
    ]
    found = _get(tree, "App", "StructData", "boss", "list")
    values = [(uri, value) for uri, value, form, _ in found if form != "node"]
    assert [uri for uri, _ in values if uri.endswith("Pin")] == [] and len(found) == 11
    for uri, value in values:
        assert value == tree.value(uri[2:]) and value
    assert _get(tree, "", "Struct", "boss", "list")[0][0] == "."


def test_a_node_that_is_gone_before_the_answer():
    tree = filled()
    from agent.dm_edit_nodes import delete

    delete(tree, _BOX, node())
    for query, argument in (("prop", "ACL"), ("prop", "Size"), ("list", "StructData"), ("list", "TNDS")):
        for _, source in sources(tree, _TEXT, query, argument, "boss", XmlWriter):
            assert source.size < 100
