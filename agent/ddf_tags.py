"""The element names of the device description, which serialised trees use; see syncml_tags for the form of the table."""

DDF = (
    b"Node\xa4Name\xa3NodeName\xa6Path\xacRTProperties\xafValue\xb6Format\x9cType\xb5AccessType\x85ACL\x86Add\x87"
    b"b64\x88bin\x89bool\x8achr\x8bCaseSense\x8cCIS\x8dCopy\x8eCS\x8fdate\x90DDFName\x91DefaultValue\x92Delete\x93"
    b"Description\x94DFFormat\x95DFProperties\x96Title\xb3DFTitle\x97DFType\x98Dynamic\x99Exec\x9afloat\x9bGet\x9d"
    b"int\x9eMan\x9fMgmtTree\xa0MIME\xa1Mod\xa2node\xa5null\xa7Occurrence\xa8One\xa9OneOrMore\xaaOneOrN\xab"
    b"Permanent\xadReplace\xaeScope\xb0Size\xb1time\xb2TStamp\xb4VerDTD\xb7VerNo\xb8xml\xb9ZeroOrMore\xbaZeroOrN\xbb"
    b"ZeroOrOne\xbc"
)
