"""Device descriptions that are written: what is in them, in pieces of any size, and that they make an equal tree."""

from agent.dm_commit import commit
from agent.dm_edit import replace
from agent.dm_edit_nodes import add
from agent.wbxml_writer import WbxmlWriter
from agent.xml_writer import XmlWriter
from tests.portable.dm_trees import DictJournal, dump, filled, leaf, make_tree
from tests.portable.tnds_texts import HEAD, XML, leaf_text, merge_tnds, read_all, source_of

_ADD, _REPLACE = 0x05, 0x20
BOTH = (XmlWriter, WbxmlWriter)


def test_what_is_written_makes_an_equal_tree():
    for writer in BOTH:
        tree = filled()
        data = read_all(source_of(tree, "App", writer))
        again = make_tree()
        assert merge_tnds(again, _REPLACE, "App", data, None) == 200
        assert dump(again, "App", False) == dump(tree, "App", False)
        data = read_all(source_of(tree, "App/Box/b", writer))
        other = filled()
        assert merge_tnds(other, _REPLACE, "App/Box/b", data, None) == 200
        assert dump(other, "App", False) == dump(tree, "App", False)
        assert merge_tnds(make_tree(), _ADD, "App/Box/b", data) == 200


def test_it_is_kept_over_a_restart():
    data = read_all(source_of(filled(), "App", WbxmlWriter))
    journal = DictJournal()
    tree = make_tree(journal)
    merge_tnds(tree, _REPLACE, "App", data, None)
    commit(tree)
    assert dump(make_tree(journal)) == dump(tree)


def test_form_and_type():
    tree = filled()
    source = source_of(tree, "App", XmlWriter)
    assert (source.form, source.kind, source.binary) == ("xml", XML, False)
    source = source_of(tree, "App", WbxmlWriter)
    assert (source.form, source.kind, source.binary) == ("bin", "application/vnd.syncml.dmtnds+wbxml", True)


def test_the_text():
    tree = make_tree()
    tree.properties.set_acl("DevInfo/Man", "Get=*&Replace=a")
    assert (
        read_all(source_of(tree, "DevInfo/Man", XmlWriter, "TNDS-VerNo"))
        == (
            HEAD + "<Node><NodeName>Man</NodeName><Path>./DevInfo</Path><RTProperties><ACL>Get=*&amp;Replace=a</ACL>"
            "<Format><chr/></Format><Name>Man</Name><Size>4</Size><Type><MIME>text/plain</MIME></Type></RTProperties>"
            "<Value>Acme</Value></Node></MgmtTree>"
        ).encode()
    )
    assert read_all(source_of(tree, "DevInfo", XmlWriter, "TNDS+Value")) == (
        HEAD + "<Node><NodeName>DevInfo</NodeName><Path>.</Path>"
        + "".join([leaf_text(n, v) for n, v in (
            ("DevId", "urn:x:1"), ("Man", "Acme"), ("Mod", "Valve"), ("DmV", "1.2"), ("Lang", "en"),
        )]) + "</Node></MgmtTree>"
    ).encode()  # fmt: skip


def test_the_root_has_no_name_and_what_is_not_readable_is_left_out():
    tree = filled()
    tree.properties.set_acl("App/Box/b", "Get=other")
    text = str(read_all(source_of(tree, "", XmlWriter, "TNDS+Value")), "utf-8")
    assert text.startswith(HEAD + "<Node><NodeName/><Node>")
    assert "Pin" not in text and "Inbox" not in text and "zwei" not in text and "one" in text


def test_pieces_of_any_size_and_in_any_order():
    tree = filled()
    for writer in BOTH:
        source = source_of(tree, "App", writer)
        whole = read_all(source)
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


def test_going_back_out_of_the_middle_of_a_binary_value():
    source = source_of(filled(), "App", XmlWriter)
    whole, piece = read_all(source), memoryview(bytearray(100))
    for offset in range(0, source.size, 61):
        source.read(offset, piece)
        source.read(0, piece)
        assert bytes(piece) == whole[:100]
        assert source.read(offset, piece[:40]) and bytes(piece[:1]) == whole[offset : offset + 1]


def test_no_chunk_tears_a_character():
    tree = filled()
    source = source_of(tree, "App/Box/b", XmlWriter)
    whole = read_all(source)
    at = whole.find("\u20ac".encode())
    assert at > 0 and source.cut(0, at + 1) == at == source.cut(0, at + 2) and source.cut(0, at + 3) == at + 3


def test_long_texts_pass_through_a_small_buffer():
    tree = make_tree()
    replace(tree, "App/Level", leaf(b"1"))
    tree.properties.set_title("App/Level", "&" * 255)
    tree.properties.set_acl("App/Level", "Get=*&Replace=" + "<" * 200)
    add(tree, "App/Box/%s/Text" % ("&" * 32), leaf(b"&" * 1024, 0, None))
    for writer in BOTH:
        data = read_all(source_of(tree, "App", writer))
        again = make_tree()
        assert merge_tnds(again, _REPLACE, "App", data, None) == 200
        assert dump(again, "App") == dump(tree, "App")
