"""Device descriptions that are taken in: where their nodes go, who may, and that it is all or nothing."""

from agent.dm_edit import replace
from agent.dm_edit_nodes import add
from agent.mo_inbox import ACCOUNT as MOI
from agent.wbxml_writer import WbxmlWriter
from agent.window import Out
from agent.xml_writer import XmlWriter
from tests.portable.dm_trees import ACLS, INT, dump, filled, leaf, make_tree, node, status
from tests.portable.tnds_texts import document, leaf_text, merge_tnds, node_text, read_all, source_of

_ADD, _REPLACE = 0x05, 0x20
_PERMANENT = (
    "<Node><NodeName>Level</NodeName><RTProperties><Format><int/></Format></RTProperties><Value>5</Value></Node>"
)


# -- where the nodes go -----------------------------------------------------------------------------------------------


def test_places():
    for target, nodes, leafs in (
        ("App/Box/n", (node_text("", leaf_text("Text", "1")),), ("App/Box/n/Text",)),
        ("App/Box/n", (node_text("n", leaf_text("Text", "1")),), ("App/Box/n/Text",)),
        ("App/Box", (node_text("n", leaf_text("Text", "1")),), ("App/Box/n/Text",)),
        (
            "App/Box",
            (node_text("n", leaf_text("Text", "1")), node_text("m", leaf_text("Text", "1"))),
            ("App/Box/n/Text", "App/Box/m/Text"),
        ),
        (
            "App/Box/n",
            (node_text("n", path="./App/Box"), leaf_text("Text", "1", path="./App/Box/n")),
            ("App/Box/n/Text",),
        ),
        ("App/Box", (node_text("n", path="."), leaf_text("Text", "1", path="./n")), ("App/Box/n/Text",)),
        ("App/Box", (leaf_text("Text", "1", path="n"),), ("App/Box/n/Text",)),  # what is on the way is implied
        ("App/Box/n/Text", (leaf_text("", "1"),), ("App/Box/n/Text",)),
    ):
        tree = make_tree()
        assert merge_tnds(tree, _ADD, target, document(*nodes)) == 200, (target, nodes)
        for path in leafs:
            assert tree.value(path) == b"1", path
    for nodes, code in (
        ((node_text("a/b"),), 415),
        ((node_text("n", node_text("")),), 415),
        ((node_text("n", path="../x"),), 404),
        ((node_text("n" * 33),), 414),
        ((node_text("n?prop=ACL"),), 415),
        ((node_text("n", path="n" * 300),), 414),
    ):
        assert merge_tnds(make_tree(), _ADD, "App/Box", document(*nodes)) == code, nodes


def test_names_may_stand_among_the_properties():
    tree = make_tree()
    text = (
        "<Node><RTProperties><Name>n</Name></RTProperties><Node><NodeName>Text</NodeName><Value>1</Value></Node></Node>"
    )
    assert merge_tnds(tree, _ADD, "App/Box", document(text)) == 200 and tree.value("App/Box/n/Text") == b"1"


# -- what may be done -------------------------------------------------------------------------------------------------


def test_add():
    tree = filled()
    for target, nodes, server, code in (
        ("App/Box/a", node_text("", leaf_text("Text", "2")), "boss", 418),
        ("App/Box", node_text("a", leaf_text("Text", "2")), "boss", 418),
        ("App/Box/n", node_text("", leaf_text("Strange", "2")), "boss", 405),
        ("App/Box/n", node_text("", leaf_text("Text", "2", form="int")), "boss", 415),
        ("App/Box/n", node_text("", leaf_text("Text", "x" * 1025)), "boss", 413),
        ("App/Box/n", node_text("", leaf_text("On", "maybe", form="bool")), "boss", 415),
        ("App/Box/n", node_text("", leaf_text("Raw", "!!!!", form="bin")), "boss", 415),
        ("App/Box/n", node_text("", leaf_text("Text", "2"), form="chr"), "boss", 405),
        ("App/Level/n", node_text(""), "boss", 405),
        ("DevInfo/n", node_text("", form="node"), "boss", 405),
        ("DMAcc/n", node_text("", form="node"), "other", 425),
        ("App/Box/n", node_text("", leaf_text("Text", "2"), acl="Get=a&Get=b"), "boss", 415),
        ("App/Box/n", node_text("", leaf_text("Text", "2"), title="t" * 256), "boss", 413),
        ("App/Box/n", node_text("", leaf_text("Text", "2", mime="t" * 256)), "boss", 414),
        ("App/Box/n", node_text("", leaf_text("Text", "2", acl="Get=a")), "boss", 200),
    ):
        before = dump(tree)
        assert merge_tnds(tree, _ADD, target, document(nodes), server) == code, (target, nodes)
        assert (dump(tree) == before) == (code != 200)


def test_a_stranger_owns_what_he_adds():
    tree = make_tree()
    assert (
        merge_tnds(tree, _ADD, "App/Box", document(node_text("n", leaf_text("Text", "1"), title="Mine")), "guest")
        == 200
    )
    assert tree.own_acl("App/Box/n") == "Add=guest&Delete=guest&Get=*&Replace=guest"
    assert tree.properties.load("App/Box/n")[4] == "Mine"


def test_a_list_that_locks_its_sender_out_is_set_last():
    tree = make_tree()
    assert merge_tnds(tree, _ADD, "App/Box/n", document(node_text("", leaf_text("Text", "1"), acl="Get=other"))) == 200
    assert tree.own_acl("App/Box/n") == "Get=other" and tree.value("App/Box/n/Text") == b"1"


def test_replace():
    tree = filled()
    assert merge_tnds(tree, _REPLACE, "App/Box/a", document(node_text("a", leaf_text("Text", "new")))) == 200
    assert list(tree.children("App/Box/a")) == ["Text"] and tree.value("App/Box/a/Text") == b"new"
    assert tree.properties.load("App/Box/a")[4] == "A <title>"
    assert (
        merge_tnds(tree, _REPLACE, "App", document(node_text("App", _PERMANENT))) == 425
    )  # one box is not his to delete
    tree.properties.set_acl("App/Box/b", "")
    assert merge_tnds(tree, _REPLACE, "App", document(node_text("App", _PERMANENT))) == 200
    assert list(tree.children("App/Box")) == [] and tree.value("App/Level") == b"5"
    assert merge_tnds(tree, _REPLACE, "App/Level", document(leaf_text("", "6", form="int"))) == 200
    assert tree.value("App/Level") == b"6"
    for target, nodes, server, code in (
        ("App/Box/no", node_text("", leaf_text("Text", "2")), "boss", 404),
        ("App/Box", node_text(""), "other", 425),
        ("DevInfo", node_text("", leaf_text("Man", "Other")), "boss", 425),
        ("DevInfo", node_text("", leaf_text("Man", "Other")), None, 405),
        ("App/Level", leaf_text("", "six", form="int"), "boss", 415),
        ("App/Level", node_text("", leaf_text("x", "1")), "boss", 405),
        ("Inbox", node_text("", moi=MOI), None, 405),
    ):
        before = dump(tree)
        assert merge_tnds(tree, _REPLACE, target, document(nodes), server) == code, (target, nodes)
        assert dump(tree) == before


def test_other_commands():
    for kind in (0x10, 0x0D, 0x11):
        assert merge_tnds(filled(), kind, "App/Box/a", document(node_text("a"))) == 405


def test_a_full_store_takes_nothing():
    tree = make_tree(quota=300)
    nodes = node_text("", leaf_text("Text", "x" * 100) + leaf_text("On", "true")) + node_text(
        "m", leaf_text("Text", "x" * 250)
    )
    before = dump(tree)
    assert (
        merge_tnds(tree, _ADD, "App/Box", document(nodes.replace("<NodeName></NodeName>", "<NodeName>n</NodeName>", 1)))
        == 420
    )
    assert dump(tree) == before


# -- the Inbox --------------------------------------------------------------------------------------------------------


def test_the_inbox_places_by_type():
    account = node_text(
        "Acc1", leaf_text("AppID", "w7") + leaf_text("ServerID", "srv"), moi=MOI, path="./DMAcc", form="node"
    )
    tree = make_tree()
    for name in ("Acc1", "x1", "x2"):
        assert merge_tnds(tree, _ADD, "Inbox", document(account)) == 200
        assert tree.value("DMAcc/%s/ServerID" % name) == b"srv"
        assert tree.own_acl("DMAcc/" + name) == "Add=boss&Delete=boss&Get=*&Replace=boss"
    tree = make_tree()
    assert merge_tnds(tree, _ADD, "Inbox", document(account.replace("Acc1", "") * 2), None) == 200
    assert tree.accounts.names() == ["x1", "x2"] and tree.own_acl("DMAcc/x1") == ""
    for text, server, code in (
        (document(account), "other", 425),
        (document(account.replace(MOI, "urn:x:unknown")), "boss", 415),
        (document(node_text("Acc1", leaf_text("AppID", "w7"))), "boss", 415),
        (document(account, leaf_text("Name", "x", path="./DMAcc/x1")), "boss", 415),  # no way round the list of DMAcc
        (document(account.replace("AppID", "Strange")), "boss", 405),
        (document(account, account, account), "boss", 420),
    ):
        before = dump(tree)
        assert merge_tnds(tree, _ADD, "Inbox", text, server) == code
        assert dump(tree) == before
    assert merge_tnds(tree, _ADD, "Inbox/x", document(account), "boss") == 404
    assert status(add, tree, "Inbox/x", leaf()) == 405


# -- documents --------------------------------------------------------------------------------------------------------


def _fragment(values):
    """Return what dm_incoming keeps of a tree that stands in a message without a document round it."""
    out = Out()
    writer = WbxmlWriter(out)
    writer.begin_fragment(0)
    writer.start(0x220)
    writer.leaf(0x237, "1.2")
    writer.start(0x224)
    writer.leaf(0x226, "n")
    for name, form, value in values:
        writer.start(0x224)
        writer.leaf(0x226, name)
        writer.start(0x22F)
        writer.start(0x21C)
        writer.empty(form)
        writer.end()
        writer.end()
        writer.leaf(0x236, value)
        writer.end()
    writer.end()
    writer.end()
    return bytes(out.view[: out.size])


def test_an_inline_tree():
    data = _fragment((("Text", 0x20B, "one"), ("Raw", 0x209, "AAEC/w==")))
    assert data[:2] == b"\x00\x02"
    tree = make_tree()
    assert merge_tnds(tree, _ADD, "App/Box/n", data) == 200
    assert tree.value("App/Box/n/Text") == b"one" and tree.value("App/Box/n/Raw") == b"\x00\x01\x02\xff"


def test_documents_that_are_none():
    good = document(node_text("n", leaf_text("Text", "1")))
    for text in (
        "",
        "x",
        "<Item/>",
        "<MgmtTree/",
        "<Node><NodeName>n</NodeName></Node>",
        good[:-5],
        good + "x",
        good.replace("1.2", "1.1"),
        good.replace("<Value>1</Value>", "<Value><xml/></Value>"),
        good.replace("<Value>1</Value>", "<Format><Node/></Format>"),
        good.replace("<Value>1</Value>", "<RTProperties><Format><Man/></Format></RTProperties>"),
        good.replace("<NodeName>n", "<NodeName><Node/>n"),
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + good,
    ):
        tree = filled()
        before = dump(tree)
        assert merge_tnds(tree, _ADD, "App/Box/n", text) == 415, text
        assert dump(tree) == before
    for data in (b"\x00", b"\x00\x02", b"\x02\x00", b"\x07", b"\xff\xff", b"\x00\x02\x60\x01\x01"):
        assert merge_tnds(make_tree(), _ADD, "App/Box/n", data) == 415, data
    assert merge_tnds(make_tree(), _ADD, "App/Box", good.replace(">n<", ">\u20ac<")) == 200
    assert merge_tnds(make_tree(), _ADD, "App/Box", good.encode().replace(b">n<", b">\xff<")) == 415


def test_white_space_and_what_is_unknown_are_passed_over():
    text = document(node_text("n", leaf_text("Text", " 1 "))).replace("><", ">\n\t<").replace(
        "</VerDTD>", " </VerDTD><Man>Acme</Man><Mod>x</Mod>"
    ).replace("<Value>", "<DFProperties><AccessType><Get/></AccessType></DFProperties><Strange>x</Strange><Value>")  # fmt: skip
    tree = make_tree()
    assert merge_tnds(tree, _ADD, "App/Box/n", b"\xef\xbb\xbf" + text.encode()) == 200
    assert tree.value("App/Box/n/Text") == b" 1 "


def test_every_cut_and_a_thousand_changes():
    """Whatever comes, it is taken or refused, and what is refused has changed nothing."""
    source = filled()
    for writer in (XmlWriter, WbxmlWriter):
        data = read_all(source_of(source, "App/Box/b", writer, "TNDS-Name-Size-VerNo"))
        tree = filled(acls=ACLS + (("App/Box/b", ""),))
        before = dump(tree)
        for size in range(len(data)):
            assert merge_tnds(tree, _REPLACE, "App/Box/b", data[:size]) == 415, size
        assert dump(tree) == before
        seed = 1
        for _ in range(1000):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            broken = bytearray(data)
            broken[(seed >> 8) % len(data)] = seed >> 4 & 255
            code = merge_tnds(tree, _REPLACE, "App/Box/b", bytes(broken))
            assert 200 <= code < 517
            if code == 200:
                tree = filled(acls=ACLS + (("App/Box/b", ""),))
            else:
                assert dump(tree) == before


def test_the_server_can_replace_what_it_may_add_and_delete():
    tree = make_tree()
    add(tree, "App/Box/g", node("guest"))
    add(tree, "App/Box/g/Text", leaf(b"1", 0, "guest"))
    text = document(node_text("g", leaf_text("Text", "2") + leaf_text("On", "true", form="bool")))
    assert merge_tnds(tree, _REPLACE, "App/Box/g", text, "guest") == 200
    assert tree.value("App/Box/g/Text") == b"2" and tree.value("App/Box/g/On") == b"true"
    tree.properties.set_acl("App/Box/g", "Get=*&Replace=guest")
    assert merge_tnds(tree, _REPLACE, "App/Box/g", text, "guest") == 425
    assert status(replace, tree, "App/Level", leaf(b"1", INT, None)) == 200
