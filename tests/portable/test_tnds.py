"""Device descriptions: what is written, what is taken in, and that it is all or nothing."""

from agent.dm_edit import add, replace
from agent.dm_queries import check_query, sources
from agent.dm_tree import Value
from agent.mo_dmacc import MOI
from agent.tnds_reader import merge
from agent.wbxml_writer import WbxmlWriter
from agent.window import Out
from agent.xml_writer import XmlWriter
from tests.portable.dm_trees import ACLS, INT, NODE, DictJournal, dump, filled, leaf, make_tree, node, status

_ADD, _REPLACE = 0x05, 0x20
_XML = "application/vnd.syncml.dmtnds+xml"
_BOTH = (XmlWriter, WbxmlWriter)
_HEAD = '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>'
_PERMANENT = "<Node><NodeName>Level</NodeName><RTProperties><Format><int/></Format></RTProperties><Value>5</Value></Node>"


def _source(tree, path, writer, argument="TNDS", server="boss"):
    assert check_query(tree, path, "list", argument, server) == 200
    found = list(sources(tree, path, "list", argument, server, writer))
    assert len(found) == 1 and found[0][0] is None
    return found[0][1]


def _read(source):
    data = bytearray(source.size)
    assert source.read(0, memoryview(data)) == source.size
    return bytes(data)


def _merge(tree, kind, path, document, server="boss"):
    if isinstance(document, str):
        document = document.encode()
    return status(merge, tree, kind, path, Value(document, 0, _XML, server))


def _node(name, inner="", **properties):
    """Return a Node; properties are acl, title, form, mime, moi, path."""
    text = ""
    if "acl" in properties:
        text += "<ACL>%s</ACL>" % properties["acl"].replace("&", "&amp;")
    if "form" in properties:
        text += "<Format><%s/></Format>" % properties["form"]
    if "title" in properties:
        text += "<Title>%s</Title>" % properties["title"]
    if "mime" in properties:
        text += "<Type><MIME>%s</MIME></Type>" % properties["mime"]
    if "moi" in properties:
        text += "<Type><DDFName>%s</DDFName></Type>" % properties["moi"]
    path = "<Path>%s</Path>" % properties["path"] if "path" in properties else ""
    text = "<RTProperties>%s</RTProperties>" % text if text else ""
    return "<Node><NodeName>%s</NodeName>%s%s%s</Node>" % (name, path, text, inner)


def _leaf(name, value, **properties):
    return _node(name, "<Value>%s</Value>" % value, **properties)


def _document(*nodes):
    return _HEAD + "".join(nodes) + "</MgmtTree>"


# -- writing ----------------------------------------------------------------------------------------------------------


def test_what_is_written_makes_an_equal_tree():
    for writer in _BOTH:
        tree = filled()
        data = _read(_source(tree, "App", writer))
        again = make_tree()
        assert _merge(again, _REPLACE, "App", data, None) == 200
        assert dump(again, "App", False) == dump(tree, "App", False)
        data = _read(_source(tree, "App/Box/b", writer))
        other = filled()
        assert _merge(other, _REPLACE, "App/Box/b", data, None) == 200
        assert dump(other, "App", False) == dump(tree, "App", False)
        assert _merge(make_tree(), _ADD, "App/Box/b", data) == 200


def test_it_is_kept_over_a_restart():
    data = _read(_source(filled(), "App", WbxmlWriter))
    journal = DictJournal()
    tree = make_tree(journal)
    _merge(tree, _REPLACE, "App", data, None)
    tree.commit()
    assert dump(make_tree(journal)) == dump(tree)


def test_form_and_type():
    tree = filled()
    source = _source(tree, "App", XmlWriter)
    assert (source.form, source.kind, source.binary) == ("xml", _XML, False)
    source = _source(tree, "App", WbxmlWriter)
    assert (source.form, source.kind, source.binary) == ("bin", "application/vnd.syncml.dmtnds+wbxml", True)


def test_the_text():
    tree = make_tree()
    tree.properties.set_acl("DevInfo/Man", "Get=*&Replace=a")
    assert _read(_source(tree, "DevInfo/Man", XmlWriter, "TNDS-VerNo")) == (
        _HEAD + "<Node><NodeName>Man</NodeName><Path>./DevInfo</Path><RTProperties><ACL>Get=*&amp;Replace=a</ACL>"
        "<Format><chr/></Format><Name>Man</Name><Size>4</Size><Type><MIME>text/plain</MIME></Type></RTProperties>"
        "<Value>Acme</Value></Node></MgmtTree>"
    ).encode()
    assert _read(_source(tree, "DevInfo", XmlWriter, "TNDS+Value")) == (
        _HEAD + "<Node><NodeName>DevInfo</NodeName><Path>.</Path>"
        + "".join([_leaf(n, v) for n, v in (
            ("DevId", "urn:x:1"), ("Man", "Acme"), ("Mod", "Valve"), ("DmV", "1.2"), ("Lang", "en"),
        )]) + "</Node></MgmtTree>"
    ).encode()  # fmt: skip


def test_the_root_has_no_name_and_what_is_not_readable_is_left_out():
    tree = filled()
    tree.properties.set_acl("App/Box/b", "Get=other")
    text = str(_read(_source(tree, "", XmlWriter, "TNDS+Value")), "utf-8")
    assert text.startswith(_HEAD + "<Node><NodeName/><Node>")
    assert "Pin" not in text and "Inbox" not in text and "zwei" not in text and "one" in text


def test_pieces_of_any_size_and_in_any_order():
    tree = filled()
    for writer in _BOTH:
        source = _source(tree, "App", writer)
        whole = _read(source)
        for size in (1, 7, 96, 1000):
            piece, found = memoryview(bytearray(size)), b""
            while len(found) < source.size:
                found += bytes(piece[: source.read(len(found), piece)])
            assert found == whole
        piece = memoryview(bytearray(50))
        for offset in (500, 480, 20, 900, 0):
            assert source.read(offset, piece) == 50 and bytes(piece) == whole[offset : offset + 50]
        assert source.read(source.size, piece) == 0
        assert source.read(source.size - 3, piece) == 3


def test_no_chunk_tears_a_character():
    tree = filled()
    source = _source(tree, "App/Box/b", XmlWriter)
    whole = _read(source)
    at = whole.find("\u20ac".encode())
    assert at > 0 and source.cut(0, at + 1) == at == source.cut(0, at + 2) and source.cut(0, at + 3) == at + 3


def test_long_texts_pass_through_a_small_buffer():
    tree = make_tree()
    replace(tree, "App/Level", leaf(b"1"))
    tree.properties.set_title("App/Level", "&" * 255)
    tree.properties.set_acl("App/Level", "Get=*&Replace=" + "<" * 200)
    add(tree, "App/Box/%s/Text" % ("&" * 32), leaf(b"&" * 1024, 0, None))
    for writer in _BOTH:
        data = _read(_source(tree, "App", writer))
        again = make_tree()
        assert _merge(again, _REPLACE, "App", data, None) == 200
        assert dump(again, "App") == dump(tree, "App")


# -- where the nodes go -----------------------------------------------------------------------------------------------


def test_places():
    for target, nodes, leafs in (
        ("App/Box/n", (_node("", _leaf("Text", "1")),), ("App/Box/n/Text",)),
        ("App/Box/n", (_node("n", _leaf("Text", "1")),), ("App/Box/n/Text",)),
        ("App/Box", (_node("n", _leaf("Text", "1")),), ("App/Box/n/Text",)),
        ("App/Box", (_node("n", _leaf("Text", "1")), _node("m", _leaf("Text", "1"))), ("App/Box/n/Text", "App/Box/m/Text")),
        ("App/Box/n", (_node("n", path="./App/Box"), _leaf("Text", "1", path="./App/Box/n")), ("App/Box/n/Text",)),
        ("App/Box", (_node("n", path="."), _leaf("Text", "1", path="./n")), ("App/Box/n/Text",)),
        ("App/Box", (_leaf("Text", "1", path="n"),), ("App/Box/n/Text",)),  # what is on the way is implied
        ("App/Box/n/Text", (_leaf("", "1"),), ("App/Box/n/Text",)),
    ):
        tree = make_tree()
        assert _merge(tree, _ADD, target, _document(*nodes)) == 200, (target, nodes)
        for path in leafs:
            assert tree.value(path) == b"1", path
    for nodes, code in (
        ((_node("a/b"),), 415),
        ((_node("n", _node("")),), 415),
        ((_node("n", path="../x"),), 404),
        ((_node("n" * 33),), 414),
        ((_node("n?prop=ACL"),), 415),
        ((_node("n", path="n" * 300),), 414),
    ):
        assert _merge(make_tree(), _ADD, "App/Box", _document(*nodes)) == code, nodes


def test_names_may_stand_among_the_properties():
    tree = make_tree()
    text = "<Node><RTProperties><Name>n</Name></RTProperties><Node><NodeName>Text</NodeName><Value>1</Value></Node></Node>"
    assert _merge(tree, _ADD, "App/Box", _document(text)) == 200 and tree.value("App/Box/n/Text") == b"1"


# -- what may be done -------------------------------------------------------------------------------------------------


def test_add():
    tree = filled()
    for target, nodes, server, code in (
        ("App/Box/a", _node("", _leaf("Text", "2")), "boss", 418),
        ("App/Box", _node("a", _leaf("Text", "2")), "boss", 418),
        ("App/Box/n", _node("", _leaf("Strange", "2")), "boss", 405),
        ("App/Box/n", _node("", _leaf("Text", "2", form="int")), "boss", 415),
        ("App/Box/n", _node("", _leaf("Text", "x" * 1025)), "boss", 413),
        ("App/Box/n", _node("", _leaf("On", "maybe", form="bool")), "boss", 415),
        ("App/Box/n", _node("", _leaf("Raw", "!!!!", form="bin")), "boss", 415),
        ("App/Box/n", _node("", _leaf("Text", "2"), form="chr"), "boss", 405),
        ("App/Level/n", _node(""), "boss", 405),
        ("DevInfo/n", _node("", form="node"), "boss", 405),
        ("DMAcc/n", _node("", form="node"), "other", 425),
        ("App/Box/n", _node("", _leaf("Text", "2"), acl="Get=a&Get=b"), "boss", 415),
        ("App/Box/n", _node("", _leaf("Text", "2"), title="t" * 256), "boss", 413),
        ("App/Box/n", _node("", _leaf("Text", "2", mime="t" * 256)), "boss", 414),
        ("App/Box/n", _node("", _leaf("Text", "2", acl="Get=a")), "boss", 200),
    ):
        before = dump(tree)
        assert _merge(tree, _ADD, target, _document(nodes), server) == code, (target, nodes)
        assert (dump(tree) == before) == (code != 200)


def test_a_stranger_owns_what_he_adds():
    tree = make_tree()
    assert _merge(tree, _ADD, "App/Box", _document(_node("n", _leaf("Text", "1"), title="Mine")), "guest") == 200
    assert tree.own_acl("App/Box/n") == "Add=guest&Delete=guest&Get=*&Replace=guest"
    assert tree.properties.title("App/Box/n") == "Mine"


def test_a_list_that_locks_its_sender_out_is_set_last():
    tree = make_tree()
    assert _merge(tree, _ADD, "App/Box/n", _document(_node("", _leaf("Text", "1"), acl="Get=other"))) == 200
    assert tree.own_acl("App/Box/n") == "Get=other" and tree.value("App/Box/n/Text") == b"1"


def test_replace():
    tree = filled()
    assert _merge(tree, _REPLACE, "App/Box/a", _document(_node("a", _leaf("Text", "new")))) == 200
    assert tree.children("App/Box/a") == ["Text"] and tree.value("App/Box/a/Text") == b"new"
    assert tree.properties.title("App/Box/a") == "A <title>"
    assert _merge(tree, _REPLACE, "App", _document(_node("App", _PERMANENT))) == 425  # one box is not his to delete
    tree.properties.set_acl("App/Box/b", "")
    assert _merge(tree, _REPLACE, "App", _document(_node("App", _PERMANENT))) == 200
    assert tree.children("App/Box") == [] and tree.value("App/Level") == b"5"
    assert _merge(tree, _REPLACE, "App/Level", _document(_leaf("", "6", form="int"))) == 200
    assert tree.value("App/Level") == b"6"
    for target, nodes, server, code in (
        ("App/Box/no", _node("", _leaf("Text", "2")), "boss", 404),
        ("App/Box", _node(""), "other", 425),
        ("DevInfo", _node("", _leaf("Man", "Other")), "boss", 425),
        ("DevInfo", _node("", _leaf("Man", "Other")), None, 405),
        ("App/Level", _leaf("", "six", form="int"), "boss", 415),
        ("App/Level", _node("", _leaf("x", "1")), "boss", 405),
        ("Inbox", _node("", moi=MOI), None, 405),
    ):
        before = dump(tree)
        assert _merge(tree, _REPLACE, target, _document(nodes), server) == code, (target, nodes)
        assert dump(tree) == before


def test_other_commands():
    for kind in (0x10, 0x0D, 0x11):
        assert _merge(filled(), kind, "App/Box/a", _document(_node("a"))) == 405


def test_a_full_store_takes_nothing():
    tree = make_tree(quota=300)
    nodes = _node("", _leaf("Text", "x" * 100) + _leaf("On", "true")) + _node("m", _leaf("Text", "x" * 250))
    before = dump(tree)
    assert _merge(tree, _ADD, "App/Box", _document(nodes.replace("<NodeName></NodeName>", "<NodeName>n</NodeName>", 1))) == 420
    assert dump(tree) == before


# -- the Inbox --------------------------------------------------------------------------------------------------------


def test_the_inbox_places_by_type():
    account = _node("Acc1", _leaf("AppID", "w7") + _leaf("ServerID", "srv"), moi=MOI, path="./DMAcc", form="node")
    tree = make_tree()
    for name in ("Acc1", "x1", "x2"):
        assert _merge(tree, _ADD, "Inbox", _document(account)) == 200
        assert tree.value("DMAcc/%s/ServerID" % name) == b"srv"
        assert tree.own_acl("DMAcc/" + name) == "Add=boss&Delete=boss&Get=*&Replace=boss"
    tree = make_tree()
    assert _merge(tree, _ADD, "Inbox", _document(account.replace("Acc1", "") * 2), None) == 200
    assert tree.accounts.names() == ["x1", "x2"] and tree.own_acl("DMAcc/x1") == ""
    for document, server, code in (
        (_document(account), "other", 425),
        (_document(account.replace(MOI, "urn:x:unknown")), "boss", 415),
        (_document(_node("Acc1", _leaf("AppID", "w7"))), "boss", 415),
        (_document(account, _leaf("Name", "x", path="./DMAcc/x1")), "boss", 415),  # no way round the list of DMAcc
        (_document(account.replace("AppID", "Strange")), "boss", 405),
        (_document(account, account, account), "boss", 420),
    ):
        before = dump(tree)
        assert _merge(tree, _ADD, "Inbox", document, server) == code
        assert dump(tree) == before
    assert _merge(tree, _ADD, "Inbox/x", _document(account), "boss") == 404
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
    assert _merge(tree, _ADD, "App/Box/n", data) == 200
    assert tree.value("App/Box/n/Text") == b"one" and tree.value("App/Box/n/Raw") == b"\x00\x01\x02\xff"


def test_documents_that_are_none():
    good = _document(_node("n", _leaf("Text", "1")))
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
        assert _merge(tree, _ADD, "App/Box/n", text) == 415, text
        assert dump(tree) == before
    for data in (b"\x00", b"\x00\x02", b"\x02\x00", b"\x07", b"\xff\xff", b"\x00\x02\x60\x01\x01"):
        assert _merge(make_tree(), _ADD, "App/Box/n", data) == 415, data
    assert _merge(make_tree(), _ADD, "App/Box", good.replace(">n<", ">\u20ac<")) == 200
    assert _merge(make_tree(), _ADD, "App/Box", good.encode().replace(b">n<", b">\xff<")) == 415


def test_white_space_and_what_is_unknown_are_passed_over():
    text = _document(_node("n", _leaf("Text", " 1 "))).replace("><", ">\n\t<").replace(
        "</VerDTD>", " </VerDTD><Man>Acme</Man><Mod>x</Mod>"
    ).replace("<Value>", "<DFProperties><AccessType><Get/></AccessType></DFProperties><Strange>x</Strange><Value>")  # fmt: skip
    tree = make_tree()
    assert _merge(tree, _ADD, "App/Box/n", b"\xef\xbb\xbf" + text.encode()) == 200
    assert tree.value("App/Box/n/Text") == b" 1 "


def test_every_cut_and_a_thousand_changes():
    """Whatever comes, it is taken or refused, and what is refused has changed nothing."""
    source = filled()
    for writer in _BOTH:
        data = _read(_source(source, "App/Box/b", writer, "TNDS-Name-Size-VerNo"))
        tree = filled(acls=ACLS + (("App/Box/b", ""),))
        before = dump(tree)
        for size in range(len(data)):
            assert _merge(tree, _REPLACE, "App/Box/b", data[:size]) == 415, size
        assert dump(tree) == before
        seed = 1
        for _ in range(1000):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            broken = bytearray(data)
            broken[(seed >> 8) % len(data)] = seed >> 4 & 255
            code = _merge(tree, _REPLACE, "App/Box/b", bytes(broken))
            assert 200 <= code < 517
            if code == 200:
                tree = filled(acls=ACLS + (("App/Box/b", ""),))
            else:
                assert dump(tree) == before


def test_the_server_can_replace_what_it_may_add_and_delete():
    tree = make_tree()
    add(tree, "App/Box/g", node("guest"))
    add(tree, "App/Box/g/Text", leaf(b"1", 0, "guest"))
    document = _document(_node("g", _leaf("Text", "2") + _leaf("On", "true", form="bool")))
    assert _merge(tree, _REPLACE, "App/Box/g", document, "guest") == 200
    assert tree.value("App/Box/g/Text") == b"2" and tree.value("App/Box/g/On") == b"true"
    tree.properties.set_acl("App/Box/g", "Get=*&Replace=guest")
    assert _merge(tree, _REPLACE, "App/Box/g", document, "guest") == 425
    assert status(replace, tree, "App/Level", leaf(b"1", INT, None)) == 200 and NODE == 1
