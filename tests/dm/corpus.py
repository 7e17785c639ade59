"""A corpus of messages for the codec's tests in both directions; the texts are in tests/data/dm_messages.py.

MESSAGES: (name, direction, XML) with direction "c" client, "s" server, "t" tree document. ILL_FORMED and REFUSED:
(name, reason, bytes). `wbxml(name)` is libwbxml's WBXML of a message. PAGES are the code pages' names (omadm.md 6.2 to 6.4).
"""

from lxml import etree

from tests.data import dm_messages
from tests.dm.to_xml import to_wbxml

MESSAGES = [(name, direction, xml) for name, direction, _, xml in dm_messages.MESSAGES]
NOTES = {name: note for name, _, note, _ in dm_messages.MESSAGES}
ILL_FORMED, REFUSED = dm_messages.ILL_FORMED, dm_messages.REFUSED
XML = {name: xml for name, _, xml in MESSAGES}

PAGES = (
    "Add Alert Archive Atomic Chal Cmd CmdID CmdRef Copy Cred Data Delete Exec Final Get Item Lang LocName LocURI Map MapItem "
    "Meta MsgID MsgRef NoResp NoResults Put Replace RespURI Results Search Sequence SessionID SftDel Source SourceRef Status "
    "Sync SyncBody SyncHdr SyncML Target TargetRef VerDTD VerProto NumberOfChanges MoreData Field Filter Record FilterType "
    "SourceParent TargetParent Move Correlator",
    "Anchor EMI Format FreeID FreeMem Last Mark MaxMsgSize Mem MetInf Next NextNonce SharedMem Size Type Version MaxObjSize "
    "FieldLevel",
    "AccessType ACL Add b64 bin bool chr CaseSense CIS Copy CS date DDFName DefaultValue Delete Description DFFormat "
    "DFProperties DFTitle DFType Dynamic Exec float Format Get int Man MgmtTree MIME Mod Name Node node NodeName null "
    "Occurrence One OneOrMore OneOrN Path Permanent Replace RTProperties Scope Size time Title TStamp Type Value VerDTD VerNo "
    "xml ZeroOrMore ZeroOrN ZeroOrOne",
)
PAGES = tuple(frozenset(names.split()) for names in PAGES)
_SPACES = (dm_messages.NS, dm_messages.MI, dm_messages.DDF)


def wbxml(name, version="1.2", table=False):
    """Return the message as WBXML; `table` puts repeated texts into a string table. Sloppy XML is put right first.

    ValueError where libwbxml cannot; Unavailable where it is not installed.
    """
    made = to_wbxml(etree.tostring(tidy(XML[name])), version, table)
    if b"+wbxml" not in XML[name].encode():  # it renames the type, though the text stays XML
        made = made.replace(b"dmtnds+wbxml\0", b"dmtnds+xml\0")
    return made


def tidy(xml):
    """Return the tree of a message by the book: namespaces in place, no comments, no blanks round the texts but Data's."""
    parser = etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False)
    return _tidy(etree.fromstring(xml.encode(), parser), 0)


def page_of(name, page):
    """Return the code page of an element inside of one of `page`."""
    if name == "MgmtTree":
        return 2
    return page if page == 2 or name in PAGES[page] else 1 - page


def _tidy(node, page):
    name = etree.QName(node).localname
    page = page_of(name, page)
    made = etree.Element("{%s}%s" % (_SPACES[page], name), nsmap={None: _SPACES[page]})
    value = node.text or ""
    made.text = value if name in ("Data", "Value", "Correlator") else value.strip()
    for inner in node:
        made.append(_tidy(inner, page))
    return made
