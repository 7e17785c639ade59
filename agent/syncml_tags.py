"""The element names of SyncML, MetInf and the device description, each with its WBXML token, in two compact tables.

A tag is a number: code page << 8 | token. Whoever needs one declares it as a `_NAME = const(...)` of its own: 130 exported
names would cost more memory than the agent's whole parser. So would a dict: these are `bytes`, searched with `find`.

A name is followed by its token + 0x80, on page 1 by its token + 0xC0. What a search finds is the whole name if such a byte
stands on both sides of it; a name that is part of another stands before that one, and what is frequent near the front.
"""

from agent.compat import const

_PLAIN = const(
    b"Item\x94Target\xaeLocURI\x97Cmd\x8aCmdID\x8bData\x8fSource\xa7Status\xa9MsgRef\x9cCmdRef\x8cMeta\x9aType\xd3"
    b"Format\xc7Replace\xa0Get\x93TargetRef\xafResults\xa2Add\x85Exec\x91Alert\x86Sequence\xa4Archive\x87Atomic\x88"
    b"Chal\x89Copy\x8dCred\x8eDelete\x90Final\x92Lang\x95LocName\x96Map\x98MapItem\x99MsgID\x9bNoResp\x9d"
    b"NoResults\x9ePut\x9fRespURI\xa1Search\xa3SessionID\xa5SftDel\xa6SourceRef\xa8Sync\xaaSyncBody\xabSyncHdr\xac"
    b"SyncML\xadVerDTD\xb1VerProto\xb2NumberOfChanges\xb3MoreData\xb4Field\xb5Filter\xb6Record\xb7FilterType\xb8"
    b"SourceParent\xb9TargetParent\xbaMove\xbbCorrelator\xbcAnchor\xc5EMI\xc6FreeID\xc8Mem\xcdFreeMem\xc9Last\xca"
    b"Mark\xcbSize\xd2MaxMsgSize\xccMetInf\xceNext\xcfNextNonce\xd0SharedMem\xd1Version\xd4MaxObjSize\xd5"
    b"FieldLevel\xd6"
)


def names_of(ddf):
    """Return the table for elements below a MgmtTree or elsewhere; the former is seldom needed."""
    if not ddf:
        return _PLAIN
    from agent.ddf_tags import DDF

    return DDF


def number(name, ddf):
    """Return the tag of an element below a MgmtTree (`ddf`) or elsewhere; -1 where there is none."""
    ddf = ddf or name == b"MgmtTree"
    names = names_of(ddf)
    at = names.find(name)
    token = names[at + len(name)]
    if at < 0 or token < 0x80 or names[at - 1] < 0x80:
        return -1
    return token + (0x180 if ddf else -0x80 if token < 0xC0 else 0x40)


def name(tag):
    """Return the name of a tag that has one, as bytes."""
    names = names_of(tag > 0x1FF)
    start = end = names.find(bytes((tag & 0x3F | (0xC0 if tag >> 8 == 1 else 0x80),)))
    while start and names[start - 1] < 0x80:
        start -= 1
    return names[start:end]
