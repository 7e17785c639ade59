"""The element names of SyncML, MetInf and the device description, each with its WBXML token, in two compact tables.

A tag is a number: code page << 8 | token. Whoever needs one declares it as a `_NAME = const(...)` of its own: 130 exported
names would cost more memory than the agent's whole parser. So would a dict: these are `bytes`, searched with `find`.

A name is followed by its token + 0x80, on page 1 by its token + 0xC0. What a search finds is the whole name if such a byte
stands on both sides of it; a name that is part of another stands before that one, and what is frequent near the front.
"""

from agent.compat import const

_MGMT_TREE = const(0x220)

PLAIN = (
    b"Item\x94Target\xaeLocURI\x97Cmd\x8aCmdID\x8bData\x8fSource\xa7Status\xa9MsgRef\x9cCmdRef\x8cMeta\x9aType\xd3"
    b"Format\xc7Replace\xa0Get\x93TargetRef\xafResults\xa2Add\x85Exec\x91Alert\x86Sequence\xa4Archive\x87Atomic\x88"
    b"Chal\x89Copy\x8dCred\x8eDelete\x90Final\x92Lang\x95LocName\x96Map\x98MapItem\x99MsgID\x9bNoResp\x9d"
    b"NoResults\x9ePut\x9fRespURI\xa1Search\xa3SessionID\xa5SftDel\xa6SourceRef\xa8Sync\xaaSyncBody\xabSyncHdr\xac"
    b"SyncML\xadVerDTD\xb1VerProto\xb2NumberOfChanges\xb3MoreData\xb4Field\xb5Filter\xb6Record\xb7FilterType\xb8"
    b"SourceParent\xb9TargetParent\xbaMove\xbbCorrelator\xbcAnchor\xc5EMI\xc6FreeID\xc8Mem\xcdFreeMem\xc9Last\xca"
    b"Mark\xcbSize\xd2MaxMsgSize\xccMetInf\xceNext\xcfNextNonce\xd0SharedMem\xd1Version\xd4MaxObjSize\xd5"
    b"FieldLevel\xd6"
)
DDF = (
    b"Node\xa4Name\xa3NodeName\xa6Path\xacRTProperties\xafValue\xb6Format\x9cType\xb5AccessType\x85ACL\x86Add\x87"
    b"b64\x88bin\x89bool\x8achr\x8bCaseSense\x8cCIS\x8dCopy\x8eCS\x8fdate\x90DDFName\x91DefaultValue\x92Delete\x93"
    b"Description\x94DFFormat\x95DFProperties\x96Title\xb3DFTitle\x97DFType\x98Dynamic\x99Exec\x9afloat\x9bGet\x9d"
    b"int\x9eMan\x9fMgmtTree\xa0MIME\xa1Mod\xa2node\xa5null\xa7Occurrence\xa8One\xa9OneOrMore\xaaOneOrN\xab"
    b"Permanent\xadReplace\xaeScope\xb0Size\xb1time\xb2TStamp\xb4VerDTD\xb7VerNo\xb8xml\xb9ZeroOrMore\xbaZeroOrN\xbb"
    b"ZeroOrOne\xbc"
)


def number(name, ddf):
    """Return the tag of an element below a MgmtTree (`ddf`) or elsewhere; -1 where there is none."""
    if name == b"MgmtTree":
        return _MGMT_TREE
    table = DDF if ddf else PLAIN
    at = table.find(name)
    token = table[at + len(name)]
    if at < 0 or token < 0x80 or table[at - 1] < 0x80:
        return -1
    if ddf:
        return token + 0x180
    return token - 0x80 if token < 0xC0 else token + 0x40


def name(tag):
    """Return the name of a tag that has one, as bytes."""
    table = DDF if tag > 0x1FF else PLAIN
    start = end = table.find(bytes((tag & 0x3F | (0xC0 if tag >> 8 == 1 else 0x80),)))
    while start and table[start - 1] < 0x80:
        start -= 1
    return table[start:end]
