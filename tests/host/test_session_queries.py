"""Properties, lists and device descriptions in whole sessions, judged by the validator and played again on MicroPython."""

import pytest

from flash_tools.server.dm.commands import Add, Get, Item, Replace
from flash_tools.server.dm.element import leaf, location, meta, node
from tests.dm.hold import KINDS, Raw, hold

_TNDS = "application/vnd.syncml.dmtnds"
_NODE = (
    '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>n</NodeName><Node><NodeName>chr</NodeName>'
    "<Value>a &amp; b</Value></Node></Node></MgmtTree>"
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_server_reads(kind):
    properties = Get(("./DevInfo?prop=Type", "./DevInfo?prop=Size", "./x?prop=ACL", "./DevInfo?list=Tree"))
    lists, described = Get("./DevInfo?list=StructData"), Get("./DevInfo?list=TNDS+Value")
    every = Get(".?list=TNDS")
    out = hold([properties], [lists, described], [every], kind=kind)
    assert out.failure is None
    assert list(properties.statuses.values()) == [200, 406, 404, 406]
    assert [(r[0], r[3]) for r in properties.results] == [("./DevInfo?prop=Type", b"urn:oma:mo:oma-dm-devinfo:1.0")]
    assert [r[0] for r in lists.results[:3]] == ["./DevInfo", "./DevInfo/DevId", "./DevInfo/Man"]
    uri, form, mime, data = described.results[0]
    assert uri == "./DevInfo" and mime == _TNDS + "+" + kind and form == ("xml" if kind == "xml" else "bin")
    assert b"M&amp;M" in data or b"M&M" in data
    assert len(every.results) == 1 and len(every.results[0][3]) > 2000
    assert b"secret" not in every.results[0][3].lower().replace(b"aauthsecret", b"")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [2000, 3000])
def test_a_description_in_chunks(kind, limit):
    every = Get(".?list=TNDS")
    out = hold([every], kind=kind, server={"message_max": limit})
    assert out.failure is None and len(every.results) == 1 and len(out.sent) > 2
    assert every.results[0][3].endswith(b"</MgmtTree>" if kind == "xml" else b"\x01\x01")


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_server_hands_in(kind):
    names = {"MgmtTree": "2:20", "VerDTD": "2:37", "Node": "2:24", "NodeName": "2:26", "Value": "2:36"}

    def name(text):
        return text if kind == "xml" else names[text]

    def inline(number):
        child = node(name("Node"), leaf(name("NodeName"), "chr"), leaf(name("Value"), "c"))
        top = node(name("Node"), leaf(name("NodeName"), "m"), child)
        tree = node(name("MgmtTree"), leaf(name("VerDTD"), "1.2"), top)
        item = node("Item", location("Target", "./Area/m"), meta(Format="xml", Type=_TNDS + "+xml"), node("Data", tree))
        return node("Add", leaf("CmdID", number), item)

    good = Add(Item("./Area/n", _NODE, "xml", _TNDS + "+xml"))
    bad = Add(Item("./Area/o", _NODE[:-3], "xml", _TNDS + "+xml"))
    title = Replace(Item("./Area/n?prop=Title", "Tank"))
    read = Get("./Area/n?prop=Title")
    out = hold([good, bad, title, Raw(inline)], [read], kind=kind, validate=kind == "xml")  # the judge knows no page 2
    assert out.failure is None
    assert (good.status, bad.status, title.status) == (200, 415, 200)
    assert out.device.value("n/chr") == b"a & b" and read.results[0][3] == b"Tank"
    assert out.device.value("m/chr") == b"c" and out.device.value("o/chr") is None
