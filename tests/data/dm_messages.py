"""OMA DM messages for the codec's tests, all written for this project: (name, direction, note, XML).

Directions: "c" from a client (strict, in DTD order), "s" from a server (often sloppy on purpose), "t" a management tree
(TNDS or DDF document). ILL_FORMED has (name, reason, bytes). Data holds no line feeds: xml2wbxml would change them.
"""

NS, MI, DDF = "SYNCML:SYNCML1.2", "syncml:metinf", "syncml:dmddf1.2"
NONCE = "c2VydmVyLW5vbmNlLTAwMQ=="


def _m(name, value=None):
    return '<%s xmlns="%s"/>' % (name, MI) if value is None else '<%s xmlns="%s">%s</%s>' % (name, MI, value, name)


def _meta(form=None, kind=None, **more):
    inner = "".join(_m(n, v) for n, v in (("Format", form), ("Type", kind), *more.items()) if v is not None)
    return "<Meta>%s</Meta>" % inner


def _message(body, session, number, target, source, header):
    return (
        '<SyncML xmlns="%s"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>%s</SessionID>'
        "<MsgID>%s</MsgID><Target><LocURI>%s</LocURI></Target><Source>%s</Source>%s</SyncHdr><SyncBody>%s</SyncBody></SyncML>"
    ) % (NS, session, number, target, source, header, body)


def _c(body, number=1, header="", session="1F", final=True, user="unit-7"):
    source = "<LocURI>urn:uuid:8d2c-0007</LocURI>" + ("<LocName>%s</LocName>" % user if user else "")
    return _message(body + "<Final/>" * final, session, number, "https://dm.example.org/dm", source, header)


def _s(body, number=1, header="", session="1F", final=True):
    source = "<LocURI>https://dm.example.org/dm</LocURI>"
    return _message(body + "<Final/>" * final, session, number, "urn:uuid:8d2c-0007", source, header)


def _st(number, message, ref, cmd, code, target="", chal="", rest=""):
    target = "<TargetRef>%s</TargetRef>" % target if target else ""
    text = "<Status><CmdID>%s</CmdID><MsgRef>%s</MsgRef><CmdRef>%s</CmdRef><Cmd>%s</Cmd>%s%s<Data>%s</Data>%s</Status>"
    return text % (number, message, ref, cmd, target, chal, code, rest)


def _hdr(code=200, message=1, chal=""):
    return _st(1, message, 0, "SyncHdr", code, chal=chal)


def _cmd(name, number, *items, before=""):
    inner = "".join("<Item><Target><LocURI>%s</LocURI></Target>%s</Item>" % item for item in items)
    return "<%s><CmdID>%s</CmdID>%s%s</%s>" % (name, number, before, inner, name)


def _res(number, ref, *items, message=1):
    inner = "".join("<Item><Source><LocURI>%s</LocURI></Source>%s</Item>" % item for item in items)
    text = "<Results><CmdID>%s</CmdID><MsgRef>%s</MsgRef><CmdRef>%s</CmdRef>%s</Results>"
    return text % (number, message, ref, inner)


def _alert(number, code, *items, correlator=""):
    correlator = "<Correlator>%s</Correlator>" % correlator if correlator else ""
    items = "".join("<Item>%s</Item>" % item for item in items)
    return "<Alert><CmdID>%s</CmdID><Data>%s</Data>%s%s</Alert>" % (number, code, correlator, items)


def _d(value):
    return "<Data>%s</Data>" % value


def _fumo(number, kind, code, correlator="", mark=None, source="./FwUpdate/Main"):
    meta = _meta("int", "org.openmobilealliance.dm.firmwareupdate." + kind, Mark=mark)
    source = "<Source><LocURI>%s</LocURI></Source>" % source if source else ""
    return _alert(number, 1226, source + meta + _d(code), correlator=correlator)


def _cred(kind, data):
    return "<Cred>%s<Data>%s</Data></Cred>" % (_meta("b64", "syncml:auth-" + kind), data)


def _chal(kind, nonce=NONCE):
    return "<Chal>%s</Chal>" % _meta("b64", "syncml:auth-" + kind, NextNonce=nonce)


def _devinfo(number):
    leaves = (("DevId", "urn:uuid:8d2c-0007"), ("Man", "Acme"), ("Mod", "Valve 3"), ("DmV", "0.1"), ("Lang", "en-GB"))
    leaf = "<Item><Source><LocURI>./DevInfo/%s</LocURI></Source><Data>%s</Data></Item>"
    return "<Replace><CmdID>%s</CmdID>%s</Replace>" % (number, "".join(leaf % value for value in leaves))


_OPEN = _alert(1, 1201) + _devinfo(2)
_OPENED = _st(2, 1, 1, "Alert", 200) + _st(3, 1, 2, "Replace", 200)
_LIMITS = "<Meta>%s%s</Meta>" % (_m("MaxMsgSize", 4096), _m("MaxObjSize", 1048576))
X = "./FwUpdate/Main"
URL = "https://fw.example.org/v3.dd?a=1&amp;b=2"
_TNDS = "application/vnd.syncml.dmtnds+xml"
_NODE = "<Node><NodeName>%s</NodeName>%s</Node>"
TREE = '<MgmtTree xmlns="%s"><VerDTD>1.2</VerDTD>%%s</MgmtTree>' % DDF


def _node(name, rest, form="node", kind="<MIME>text/plain</MIME>"):
    properties = "<RTProperties><Format><%s/></Format><Type>%s</Type></RTProperties>" % (form, kind)
    return _NODE % (name, properties + rest)


_FORMATS = "b64 bin bool chr date float int node null time xml".split()
_ACCOUNT = TREE % (
    "<Node><NodeName>Acc1</NodeName><Path>./DMAcc</Path><RTProperties><ACL>Get=*&amp;Replace=dm.example.org</ACL>"
    "<Format><node/></Format><Name>Acc1</Name><Title>An account</Title><TStamp>20250102T030405Z</TStamp>"
    "<Type><DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName></Type><VerNo>3</VerNo></RTProperties>"
    + _node("AppID", "<Value>w7</Value>", "chr")
    + _node("ServerID", "<Value>dm.example.org</Value>", "chr")
    + "</Node>"
)
_FLAT = TREE % "".join(
    "<Node><NodeName>%s</NodeName><Path>%s</Path>%s</Node>" % leaf
    for leaf in (("A", ".", ""), ("B", "./A", "<Value>one</Value>"), ("C", "./A", "<Value/>"))
)
_EVERY_FORMAT = TREE % (
    "<Man>Acme</Man><Mod>Valve 3</Mod>"
    + "".join(_node("f-" + f, "" if f == "node" else "<Value>1</Value>", f) for f in _FORMATS)
)


def _described(name, occurrence, scope, rest=""):
    return (
        "<Node><NodeName>%s</NodeName><DFProperties><AccessType><Add/><Copy/><Delete/><Exec/><Get/><Replace/></AccessType>"
        "<DefaultValue>0</DefaultValue><Description>What it is for</Description><DFFormat><int/></DFFormat>"
        "<Occurrence>%s</Occurrence><Scope><%s/></Scope><DFTitle>Title</DFTitle><DFType><MIME>text/plain</MIME></DFType>"
        "%s</DFProperties></Node>"
    ) % (name, occurrence, scope, rest)


_DESCRIPTION = TREE % (
    "<Man>Acme</Man><Mod>Valve 3</Mod>"
    + _described("a", "<One/>", "Permanent", "<CaseSense><CS/></CaseSense>")
    + _described("b", "<ZeroOrOne/>", "Dynamic", "<CaseSense><CIS/></CaseSense>")
    + _described("c", "<ZeroOrMore/>", "Dynamic")
    + _described("d", "<OneOrMore/>", "Dynamic")
    + _described("e", "<ZeroOrN>4</ZeroOrN>", "Dynamic")
    + _described("", "<OneOrN>2</OneOrN>", "Dynamic")
    + "<Node><NodeName>f</NodeName><RTProperties><Size>7</Size><Type><MIME>text/plain</MIME></Type></RTProperties></Node>"
)

OPENING = (
    ("open by the client", "c", "package 1 without credentials", _c(_OPEN)),
    (
        "open by the server",
        "c",
        "package 1 after a notification, limits announced",
        _c(_alert(1, 1200) + _devinfo(2), header=_LIMITS, session="A"),
    ),
    (
        "open with basic",
        "c",
        "user and password in the clear",
        _c(_OPEN, header=_cred("basic", "dW5pdC03OnNlY3JldA==")),
    ),
    (
        "open with md5",
        "c",
        "digest over the last nonce known",
        _c(_OPEN, header=_cred("md5", "Zz6EivR3yeaaENcRN6lpAQ==") + _LIMITS),
    ),
    (
        "open with MAC",
        "c",
        "nothing in the message: the MAC is in the HTTP header",
        _c(_OPEN, header=_LIMITS, session="FFFF"),
    ),
    (
        "open with Meta on DevInfo",
        "c",
        "Format and Type given although they are the defaults",
        _c(
            _alert(1, 1201)
            + _devinfo(2).replace("</Source><Data>", "</Source>" + _meta("chr", "text/plain") + "<Data>")
        ),
    ),
    ("user request", "c", "Data empty, Source given", _c(_OPEN + _fumo(3, "userrequest", ""))),
    (
        "device request",
        "c",
        "no Source: all firmware of the device",
        _c(_OPEN + _fumo(3, "devicerequest", "0", source="")),
    ),
    (
        "client event",
        "c",
        "Alert 1224 with two events",
        _c(
            _OPEN
            + _alert(3, 1224, _meta("chr", "x-acme/battery") + _d("low"), _meta("int", "x-acme/starts") + _d("17"))
        ),
    ),
    (
        "result of a download",
        "c",
        "flow B1, first half",
        _c(_OPEN + _fumo(3, "download", 200, "job 77", "informational")),
    ),
    ("result of an update", "c", "flow A and B1, failure", _c(_OPEN + _fumo(3, "update", 410, mark="critical"))),
    (
        "result of both",
        "c",
        "flow B2 and the end of the worked example",
        _c(_OPEN + _fumo(3, "downloadandupdate", 200, "c9"), session="3B"),
    ),
    (
        "two results at once",
        "c",
        "odd characters in the correlators",
        _c(_OPEN + _fumo(3, "download", 503, "a&lt;b&amp;c", "minor") + _fumo(4, "update", 250, "\u00e9\u4e2d")),
    ),
    (
        "result from the Exec node",
        "c",
        "the other reading of the alert's Source",
        _c(_OPEN + _fumo(3, "update", 200, "k", source=X + "/Update")),
    ),
    (
        "package 1 again",
        "c",
        "after a challenge: Status, then Alert and DevInfo once more",
        _c(_hdr(200) + _alert(2, 1201) + _devinfo(3), 2, _cred("md5", "Zz6EivR3yeaaENcRN6lpAQ==")),
    ),
)

ANSWERS = (
    (
        "challenge for basic",
        "s",
        "407 to everything",
        _s(
            _hdr(407, chal="<Chal>%s</Chal>" % _meta("b64", "syncml:auth-basic"))
            + _st(2, 1, 1, "Alert", 407)
            + _st(3, 1, 2, "Replace", 407)
        ),
    ),
    (
        "challenge for md5",
        "s",
        "401: the nonce was stale",
        _s(_hdr(401, chal=_chal("md5")) + _st(2, 1, 1, "Alert", 401) + _st(3, 1, 2, "Replace", 401)),
    ),
    (
        "challenge for MAC",
        "s",
        "with a place to go to",
        _s(_hdr(407, chal=_chal("MAC")), header="<RespURI>https://dm.example.org/dm?s=1F&amp;n=2</RespURI>"),
    ),
    ("refusal without challenge", "s", "a client has to give up", _s(_hdr(401))),
    ("closing", "s", "nothing asked: no answer", _s(_hdr(212, chal=_chal("md5")) + _OPENED)),
    ("closing later", "s", "Status and Final only", _s(_hdr(200, 3), 3)),
    (
        "accepted for one message",
        "s",
        "200 with a nonce, and the server's own credentials",
        _s(
            _hdr(200, chal=_chal("md5")) + _OPENED + _cmd("Get", 4, (X + "/State", "")),
            header=_cred("md5", "AAECAwQFBgcICQoLDA0ODw=="),
        ),
    ),
    ("server too busy", "s", "503: retry later", _s(_hdr(503))),
    (
        "wrong version",
        "s",
        "513 with what is supported",
        _s(_st(1, 1, 0, "SyncHdr", 513, rest="<Item>%s</Item>" % _d("DM/1.2"))),
    ),
    (
        "target and source of the Status",
        "s",
        "SourceRef and TargetRef in the header's Status",
        _s(
            "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><TargetRef>https://dm.example.org/dm"
            "</TargetRef><SourceRef>urn:uuid:8d2c-0007</SourceRef><Data>212</Data></Status>"
        ),
    ),
    (
        "next message, please",
        "s",
        "reference flow: no command, no Final",
        _s(_hdr(200, 2) + _alert(2, 1222), 2, final=False),
    ),
    ("server gives up", "s", "1223 from the server", _s(_hdr(200, 2) + _alert(2, 1223), 2)),
    ("alert accepted", "s", "202 for a request", _s(_hdr(212) + _OPENED + _st(4, 1, 3, "Alert", 202))),
)

ORDERS = (
    (
        "worked example",
        "s",
        "the user confirms, then DownloadAndUpdate with a correlator",
        _s(
            _hdr(212)
            + _OPENED
            + "<Sequence><CmdID>4</CmdID>"
            + _alert(5, 1101, "", _d("Install 2.1?"))
            + _cmd("Replace", 6, (X + "/DownloadAndUpdate/PkgURL", _d(URL)))
            + _cmd("Exec", 7, (X + "/DownloadAndUpdate", ""), before="<Correlator>c9</Correlator>")
            + "</Sequence>",
            session="3A",
        ),
    ),
    (
        "download",
        "s",
        "flow B1: PkgURL, Exec",
        _s(
            _hdr(212)
            + _cmd("Replace", 4, (X + "/Download/PkgURL", _meta("chr") + _d(URL)))
            + _cmd("Exec", 5, (X + "/Download", ""), before="<Correlator>a b</Correlator>")
        ),
    ),
    (
        "update",
        "s",
        "flow A and B1: Exec without correlator",
        _s(_hdr(200, 2) + _cmd("Exec", 2, (X + "/Update", "")), 2),
    ),
    (
        "Exec with argument",
        "s",
        "FUMO defines none",
        _s(_hdr(200) + _cmd("Exec", 2, (X + "/Update", _meta("chr", "text/plain") + _d("now")))),
    ),
    (
        "read the device",
        "s",
        "flow A: many targets in one Get",
        _s(
            _hdr(212)
            + _cmd("Get", 4, *((uri, "") for uri in ("./DevDetail/FwV", X + "/PkgVersion", X + "/State", ".")))
        ),
    ),
    (
        "read properties",
        "s",
        "?prop= and ?list=",
        _s(
            _hdr(212)
            + _cmd(
                "Get",
                4,
                *(
                    (X + q, "")
                    for q in (
                        "?prop=ACL",
                        "?prop=Type",
                        "?list=Struct",
                        "?list=StructData",
                        "?list=TNDS+Value+ACL",
                        "?list=TNDS-Format",
                    )
                ),
            )
        ),
    ),
    (
        "write properties",
        "s",
        "ACL, Name and Title by Replace",
        _s(
            _hdr(212)
            + _cmd(
                "Replace",
                4,
                (X + "?prop=ACL", _d("Get=*&amp;Replace=dm.example.org+b")),
                (X + "?prop=Name", _d("Other")),
                (X + "?prop=Title", _d("")),
            )
        ),
    ),
    (
        "make nodes",
        "s",
        "Add of an interior node and of leaves of every format",
        _s(
            _hdr(212)
            + _cmd("Add", 4, ("./T", _meta("node")))
            + "".join(
                _cmd("Add", 5 + i, ("./T/" + f, _meta(f, "text/plain") + _d(v)))
                for i, (f, v) in enumerate(
                    (
                        ("chr", "x"),
                        ("int", "-5"),
                        ("bool", "true"),
                        ("b64", "AAH/"),
                        ("date", "2025-01-02"),
                        ("time", "12:13:14Z"),
                        ("float", "-1.23e+01"),
                        ("null", ""),
                        ("xml", "&lt;a&gt;&amp;amp;&lt;/a&gt;"),
                    )
                )
            )
        ),
    ),
    (
        "Copy and Delete",
        "s",
        "Copy has Target and Source",
        _s(
            _hdr(212) + "<Copy><CmdID>4</CmdID><Item><Target><LocURI>./T/b</LocURI></Target>"
            "<Source><LocURI>./T/a</LocURI></Source></Item></Copy>" + _cmd("Delete", 5, ("./T/a", ""))
        ),
    ),
    (
        "Atomic",
        "s",
        "all or nothing, with a question inside",
        _s(
            _hdr(212)
            + "<Atomic><CmdID>4</CmdID>"
            + _alert(5, 1101, _d("MINDT=5&amp;DR=1"), _d("Sure?"))
            + _cmd("Add", 6, ("./T/a", _d("1")))
            + _cmd("Replace", 7, ("./T/b", _d("2")), ("./T/c", _d("3")))
            + _cmd("Delete", 8, ("./T/d", ""))
            + "</Atomic>"
        ),
    ),
    (
        "Atomic in Sequence",
        "s",
        "legal by SyncML",
        _s(
            _hdr(212)
            + "<Sequence><CmdID>4</CmdID>"
            + _cmd("Get", 5, ("./T/a", ""))
            + "<Atomic><CmdID>6</CmdID>"
            + _cmd("Replace", 7, ("./T/a", _d("1")))
            + "</Atomic>"
            + _cmd("Get", 8, ("./T/a", ""))
            + "</Sequence>"
        ),
    ),
    (
        "Get and Atomic in Atomic",
        "s",
        "both forbidden: 500 and 507",
        _s(
            _hdr(212)
            + "<Atomic><CmdID>4</CmdID>"
            + _cmd("Get", 5, ("./T/a", ""))
            + "<Atomic><CmdID>6</CmdID>"
            + _cmd("Delete", 7, ("./T/a", ""))
            + "</Atomic></Atomic>"
        ),
    ),
    (
        "Sequences in a Sequence",
        "s",
        "nested three deep",
        _s(
            _hdr(212)
            + "<Sequence><CmdID>4</CmdID><Sequence><CmdID>5</CmdID><Sequence><CmdID>6</CmdID>"
            + _cmd("Get", 7, (".", ""))
            + "</Sequence></Sequence></Sequence>"
        ),
    ),
    ("display", "s", "1100, and no options", _s(_hdr(212) + _alert(4, 1100, "", _d("Update at night")))),
    (
        "text input",
        "s",
        "1102 with all its options",
        _s(
            _hdr(212)
            + _alert(4, 1102, _d("MINDT=1&amp;MAXDT=20&amp;DR=a+b&amp;MAXLEN=4&amp;IT=N&amp;ET=P"), _d("PIN?"))
        ),
    ),
    ("single choice", "s", "1103", _s(_hdr(212) + _alert(4, 1103, _d("DR=2"), _d("When?"), _d("Now"), _d("Later")))),
    (
        "multiple choice",
        "s",
        "1104",
        _s(_hdr(212) + _alert(4, 1104, _d("DR=1-3"), _d("What?"), _d("A"), _d("B"), _d("C"))),
    ),
    ("unknown alerts", "s", "reserved codes: 406", _s(_hdr(212) + _alert(4, 1105) + _alert(5, 1221) + _alert(6, 1299))),
    (
        "first piece",
        "s",
        "flow A: Size and MoreData, no Final",
        _s(
            _hdr(212)
            + _OPENED
            + _cmd(
                "Replace",
                4,
                (X + "/Update/PkgData", _meta("b64", "application/octet-stream", Size=12) + _d("AAEC") + "<MoreData/>"),
            ),
            final=False,
        ),
    ),
    (
        "middle piece",
        "s",
        "no Size any more",
        _s(
            _hdr(200, 2)
            + _st(2, 2, 3, "Alert", 200)
            + _cmd("Replace", 3, (X + "/Update/PkgData", _meta("b64") + _d("AwQF") + "<MoreData/>")),
            2,
            final=False,
        ),
    ),
    (
        "last piece",
        "s",
        "no MoreData; 200 or 424 is due",
        _s(
            _hdr(200, 3)
            + _st(2, 3, 3, "Alert", 200)
            + _cmd("Replace", 3, (X + "/Update/PkgData", _meta("b64") + _d("BgcI"))),
            3,
        ),
    ),
    (
        "broken object",
        "s",
        "another command before the last piece",
        _s(_hdr(200, 2) + _cmd("Delete", 2, ("./T/a", "")), 2),
    ),
    (
        "Inbox",
        "s",
        "a TNDS object, escaped",
        _s(
            _hdr(212)
            + _cmd("Add", 4, ("./Inbox", _meta("xml", _TNDS) + _d(_ACCOUNT.replace("&", "&amp;").replace("<", "&lt;"))))
        ),
    ),
    (
        "TNDS in CDATA",
        "s",
        "a flat list with paths",
        _s(_hdr(212) + _cmd("Replace", 4, ("./T", _meta("xml", _TNDS) + _d("<![CDATA[%s]]>" % _FLAT)))),
    ),
    (
        "provisioning",
        "s",
        "an account leaf by leaf, secrets included",
        _s(
            _hdr(212)
            + _cmd("Add", 4, ("./DMAcc/A", _meta("node")))
            + "".join(
                _cmd("Add", 5 + i, ("./DMAcc/A/" + leaf, _meta(form) + _d(value)))
                for i, (leaf, form, value) in enumerate(
                    (
                        ("AppID", "chr", "w7"),
                        ("ServerID", "chr", "dm.example.org"),
                        ("AppAddr/1/Addr", "chr", "https://dm.example.org/dm"),
                        ("AppAddr/1/Port/1/PortNbr", "chr", "443"),
                        ("AppAuth/c/AAuthSecret", "chr", "s3cret"),
                        ("AppAuth/c/AAuthData", "b64", NONCE),
                    )
                )
            )
        ),
    ),
)

REPLIES = (
    (
        "worked example, yes",
        "c",
        "202 for the Exec",
        _c(
            _hdr(212, chal=_chal("md5"))
            + _st(2, 1, 4, "Sequence", 200)
            + _st(3, 1, 5, "Alert", 200)
            + _st(4, 1, 6, "Replace", 200, X + "/DownloadAndUpdate/PkgURL")
            + _st(5, 1, 7, "Exec", 202, X + "/DownloadAndUpdate"),
            2,
        ),
    ),
    (
        "worked example, no",
        "c",
        "304, and the rest is skipped",
        _c(
            _hdr(200)
            + _st(2, 1, 4, "Sequence", 200)
            + _st(3, 1, 5, "Alert", 304)
            + _st(4, 1, 6, "Replace", 215)
            + _st(5, 1, 7, "Exec", 215),
            2,
        ),
    ),
    (
        "server not known",
        "c",
        "407 to all, with a challenge",
        _c(_hdr(407, chal=_chal("md5")) + _st(2, 1, 4, "Get", 407), 2),
    ),
    ("server wrong", "c", "401 to all", _c(_hdr(401, chal=_chal("MAC")) + _st(2, 1, 4, "Get", 401), 2)),
    (
        "values",
        "c",
        "one Status per Item, then the Results",
        _c(
            _hdr(200)
            + _st(2, 1, 4, "Get", 200, "./DevDetail/FwV")
            + _st(3, 1, 4, "Get", 404, X + "/PkgVersion")
            + _st(4, 1, 4, "Get", 200, X + "/State")
            + _st(5, 1, 4, "Get", 200, ".")
            + _res(6, 4, ("./DevDetail/FwV", _d("2.0")))
            + _res(7, 4, (X + "/State", _meta("int") + _d("10")))
            + _res(8, 4, (".", _meta("node", "text/plain") + _d("DevInfo/DevDetail/DMAcc/FwUpdate"))),
            2,
        ),
    ),
    (
        "an empty value",
        "c",
        "Data without text",
        _c(_hdr(200) + _st(2, 1, 4, "Get", 200, "./T/a") + _res(3, 4, ("./T/a", _d(""))), 2),
    ),
    (
        "binary value",
        "c",
        "base64 over XML",
        _c(
            _hdr(200)
            + _st(2, 1, 4, "Get", 200, "./T/a")
            + _res(3, 4, ("./T/a", _meta("b64", "application/octet-stream") + _d("AAECAwQFBgc="))),
            2,
        ),
    ),
    (
        "awkward characters",
        "c",
        "escapes, other scripts, blanks at both ends, the end of CDATA",
        _c(
            _hdr(200)
            + _st(2, 1, 4, "Get", 200, "./T/a")
            + _res(3, 4, ("./T/a", _d(" &lt;&amp;&gt;&quot;&apos; \u00fc\u4e2d\U0001f600 ]]&gt; "))),
            2,
        ),
    ),
    (
        "structure",
        "c",
        "?list=StructData: many Items",
        _c(
            _hdr(200)
            + _st(2, 1, 4, "Get", 200, X + "?list=StructData")
            + _res(3, 4, (X, _meta("node")), (X + "/State", _meta("int") + _d("10")), (X + "/Update", _meta("node"))),
            2,
        ),
    ),
    (
        "tree",
        "c",
        "?list=TNDS: a document as text",
        _c(
            _hdr(200)
            + _st(2, 1, 4, "Get", 200, "./A?list=TNDS")
            + _res(3, 4, ("./A", _meta("xml", _TNDS) + _d(_FLAT.replace("&", "&amp;").replace("<", "&lt;")))),
            2,
        ),
    ),
    (
        "every refusal",
        "c",
        "the codes of the commands",
        _c(
            _hdr(200)
            + "".join(
                _st(2 + i, 1, 4 + i, cmd, code, "./T/%d" % i)
                for i, (cmd, code) in enumerate(
                    (
                        ("Add", 201),
                        ("Add", 418),
                        ("Replace", 404),
                        ("Delete", 405),
                        ("Get", 406),
                        ("Get", 413),
                        ("Get", 414),
                        ("Add", 415),
                        ("Add", 420),
                        ("Replace", 424),
                        ("Delete", 425),
                        ("Exec", 403),
                        ("Exec", 500),
                        ("Copy", 510),
                        ("Exec", 400),
                        ("Get", 412),
                    )
                )
            ),
            2,
        ),
    ),
    (
        "Atomic rolled back",
        "c",
        "507, 216, the failing one's own code, 215",
        _c(
            _hdr(200)
            + _st(2, 1, 4, "Atomic", 507)
            + _st(3, 1, 5, "Alert", 200)
            + _st(4, 1, 6, "Add", 216, "./T/a")
            + _st(5, 1, 7, "Replace", 404, "./T/b")
            + _st(6, 1, 7, "Replace", 215, "./T/c")
            + _st(7, 1, 8, "Delete", 215),
            2,
        ),
    ),
    (
        "text entered",
        "c",
        "the user's text in the Status",
        _c(_hdr(200) + _st(2, 1, 4, "Alert", 200, rest="<Item>%s</Item>" % _d("1234")), 2),
    ),
    (
        "choices made",
        "c",
        "one Item each",
        _c(_hdr(200) + _st(2, 1, 4, "Alert", 200, rest="<Item>%s</Item><Item>%s</Item>" % (_d(1), _d(3))), 2),
    ),
    (
        "piece taken",
        "c",
        "213 and 1222",
        _c(_hdr(200) + _st(2, 1, 4, "Replace", 213, X + "/Update/PkgData") + _alert(3, 1222), 2, final=False),
    ),
    (
        "piece refused",
        "c",
        "too large: 413",
        _c(_hdr(200) + _st(2, 1, 4, "Replace", 413, X + "/Update/PkgData") + _alert(3, 1222), 2, final=False),
    ),
    (
        "object broken",
        "c",
        "1225 names the command",
        _c(
            _hdr(200, 2)
            + _st(2, 2, 2, "Delete", 200, "./T/a")
            + _alert(3, 1225, "<Target><LocURI>%s/Update/PkgData</LocURI></Target>" % X),
            3,
        ),
    ),
    ("client gives up", "c", "1223 with Final", _c(_hdr(200) + _alert(2, 1223), 2)),
    (
        "results in two messages",
        "c",
        "reference flow: the first, without Final",
        _c(
            _hdr(200)
            + _st(2, 1, 4, "Get", 200, "./T/a")
            + _st(3, 1, 4, "Get", 200, "./T/b")
            + _res(4, 4, ("./T/a", _d("1"))),
            2,
            final=False,
        ),
    ),
    (
        "results, the rest",
        "c",
        "Results without Status: it was in the message before",
        _c(_hdr(200, 2) + _st(2, 2, 2, "Alert", 200) + _res(3, 4, ("./T/b", _d("2"))), 3),
    ),
    (
        "first piece up",
        "c",
        "an object for the server",
        _c(
            _hdr(200)
            + _st(2, 1, 4, "Get", 200, "./Log")
            + _res(3, 4, ("./Log", _meta("chr", "text/plain", Size=9) + _d("abcde") + "<MoreData/>")),
            2,
            final=False,
        ),
    ),
    (
        "last piece up",
        "c",
        "no Size, no MoreData",
        _c(_hdr(200, 2) + _res(2, 4, ("./Log", _meta("chr") + _d("fghi"))), 3),
    ),
    (
        "many extra informations",
        "c",
        "EMI in the header's Meta",
        _c(
            _hdr(200) + _st(2, 1, 4, "Get", 404, "./A"),
            2,
            "<Meta>%s%s%s</Meta>" % (_m("MaxMsgSize", 900), _m("EMI", "x-acme"), _m("EMI", "y")),
        ),
    ),
)

_LOOSE = """<?xml version="1.0" encoding="UTF-8"?>
<!-- a server's log -->
<SyncML xmlns="SYNCML:SYNCML1.2">
  <SyncHdr>
    <VerDTD> 1.2 </VerDTD> <VerProto> DM/1.2 </VerProto>
    <SessionID>
      1F
    </SessionID>
    <MsgID> 1 </MsgID>
    <Target> <LocURI> urn:uuid:8d2c-0007 </LocURI> </Target>
    <Source> <LocURI> https://dm.example.org/dm </LocURI> </Source>
  </SyncHdr>
  <SyncBody>
    <Get>
      <CmdID> 4 </CmdID>
      <Item> <Target> <LocURI>
        ./DevInfo/Man
      </LocURI> </Target> </Item>
    </Get>
    <Final> </Final>
  </SyncBody>
</SyncML>
"""
_TYPED = _cmd("Add", 4, ("./T/a", _meta("chr", "text/plain") + _d("1")))

VARIANTS = (
    (
        "no namespaces",
        "s",
        "matched by local name",
        _s(_hdr(212) + _TYPED).replace(' xmlns="%s"' % NS, "").replace(' xmlns="%s"' % MI, ""),
    ),
    (
        "metinf on the parent",
        "s",
        "declared once, on Meta",
        _s(_hdr(212) + _TYPED).replace(' xmlns="%s"' % MI, "").replace("<Meta>", '<Meta xmlns="%s">' % MI),
    ),
    (
        "prefixes",
        "s",
        "every element prefixed",
        '<s:SyncML xmlns:s="%s" xmlns:m="%s">'
        % (NS, MI)
        + "<s:SyncHdr><s:VerDTD>1.2</s:VerDTD><s:VerProto>DM/1.2</s:VerProto><s:SessionID>1F</s:SessionID><s:MsgID>1</s:MsgID>"
        "<s:Target><s:LocURI>a</s:LocURI></s:Target><s:Source><s:LocURI>b</s:LocURI></s:Source></s:SyncHdr><s:SyncBody><s:Add><s:CmdID>4</s:CmdID>"
        "<s:Item><s:Target><s:LocURI>./T</s:LocURI></s:Target><s:Meta><m:Format>int</m:Format></s:Meta><s:Data>5</s:Data></s:Item></s:Add>"
        "<s:Final/></s:SyncBody></s:SyncML>",
    ),
    (
        "MetInf inside Meta",
        "s",
        "the wrapper of the DTD",
        _s(
            _hdr(212)
            + _cmd(
                "Add",
                4,
                ("./T", "<Meta>%s</Meta>" % _m("MetInf", "<Format>int</Format><Type>text/plain</Type>") + _d("5")),
            )
        ),
    ),
    ("SyncML 1.1 namespace", "s", "seen with DM 1.2 bodies", _s(_hdr(212) + _TYPED).replace(NS, "SYNCML:SYNCML1.1")),
    (
        "odd order",
        "s",
        "MsgRef before CmdID, TargetRef after Data, Meta before Target",
        _s(
            "<Status><MsgRef>1</MsgRef><CmdID>1</CmdID><Cmd>SyncHdr</Cmd><CmdRef>0</CmdRef><Data>212</Data><TargetRef>x</TargetRef></Status>"
            "<Replace><Item>%s<Data>1</Data><Target><LocURI>./T/a</LocURI></Target></Item><CmdID>4</CmdID></Replace>"
            % _meta(kind="text/plain", Format="chr")
        ),
    ),
    (
        "CDATA",
        "s",
        "options and URL unescaped",
        _s(
            _hdr(212)
            + _alert(4, 1101, "<Data><![CDATA[MINDT=10&DR=1]]></Data>", "<Data><![CDATA[A < B?]]></Data>")
            + _cmd("Replace", 5, (X + "/Download/PkgURL", "<Data><![CDATA[https://fw.example.org/?a=1&b=2]]></Data>"))
        ),
    ),
    (
        "comments in Data",
        "s",
        "they are no part of it",
        _s(_hdr(212) + _cmd("Replace", 4, ("./T/a", "<Data>on<!-- off -->e<!----></Data>"))),
    ),
    (
        "CDATA in pieces",
        "s",
        "text and CDATA mixed",
        _s(_hdr(212) + _cmd("Replace", 4, ("./T/a", "<Data>a<![CDATA[<b>]]>c<![CDATA[]]>&#100;&#x65;</Data>"))),
    ),
    (
        "no CmdRef",
        "s",
        "means the header",
        _s("<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><Cmd>SyncHdr</Cmd><Data>212</Data></Status>" + _TYPED),
    ),
    (
        "no MsgRef",
        "s",
        "means 1",
        _s("<Status><CmdID>1</CmdID><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>212</Data></Status>" + _TYPED),
    ),
    (
        "UUID CmdIDs",
        "s",
        "opaque text",
        _s(_hdr(212) + _cmd("Get", "0b6f3f5e-51f5-4a1c-9d5c-1d3c6a2f7e90", ("./DevInfo/Man", ""))),
    ),
    (
        "CmdID twice",
        "s",
        "a child has its parent's",
        _s(_hdr(212) + "<Sequence><CmdID>4</CmdID>" + _cmd("Get", 4, (".", "")) + "</Sequence>"),
    ),
    ("MsgID from 7", "s", "does not start at 1", _s(_hdr(212) + _TYPED, 7)),
    (
        "open empty elements",
        "s",
        "Final and MoreData as a pair of tags",
        _s(
            _hdr(212) + _cmd("Replace", 4, ("./P", _meta("b64", Size=8) + _d("AAEC") + "<MoreData></MoreData>"))
        ).replace("<Final/>", "<Final></Final>"),
    ),
    (
        "upper case Format",
        "s",
        "CHR, Int, NODE",
        _s(
            _hdr(212)
            + _cmd("Add", 4, ("./T", _meta("NODE")))
            + _cmd("Add", 5, ("./T/a", _meta("CHR") + _d("1")))
            + _cmd("Add", 6, ("./T/b", _meta("Int", "Text/Plain; charset=UTF-8") + _d("2")))
        ),
    ),
    ("white space", "s", "round every text, DOCTYPE-less prologue and comment", _LOOSE),
    (
        "DOCTYPE",
        "s",
        "libwbxml writes one",
        '<?xml version="1.0"?><!DOCTYPE SyncML PUBLIC "-//SYNCML//DTD SyncML 1.2//EN" "http://dm.example.org/syncml.dtd">'
        + _s(_hdr(212) + _TYPED),
    ),
    (
        "single quotes",
        "s",
        "attributes and an encoding in single quotes",
        "<?xml version='1.0' encoding='utf-8' standalone='yes'?>" + _s(_hdr(212) + _TYPED).replace('"', "'"),
    ),
    (
        "Meta on the command",
        "s",
        "it counts for its Items, Size too",
        _s(
            _hdr(212)
            + _cmd(
                "Replace",
                4,
                ("./P", _d("AAEC") + "<MoreData/>"),
                before=_meta("b64", "application/octet-stream", Size=8),
            )
        ),
    ),
    (
        "LocURIs",
        "s",
        "without ./, with a slash at the end, with case",
        _s(_hdr(212) + _cmd("Get", 4, ("DevInfo/Man", ""), ("./DevInfo/", ""), ("./T?PROP=acl", ""))),
    ),
    (
        "unknown elements",
        "s",
        "in the header, the body and an Item",
        _s(
            "<Odd><CmdID>3</CmdID><Deep>x</Deep></Odd>" + _cmd("Get", 4, (".", "<Odder/>")),
            header="<Vendor><A>1</A></Vendor>",
        ),
    ),
    ("double base64 nonce", "s", "base64 of base64", _s(_hdr(407, chal=_chal("md5", "WXpKV2VXUm5QVDA9")))),
    (
        "empty nonce",
        "s",
        "NextNonce without text",
        _s(
            _hdr(
                407,
                chal="<Chal>%s</Chal>"
                % (_meta("b64", "syncml:auth-md5").replace("</Meta>", _m("NextNonce") + "</Meta>")),
            )
        ),
    ),
    (
        "relative RespURI",
        "s",
        "resolved against the request",
        _s(_hdr(212) + _TYPED, header="<RespURI>/dm?s=9</RespURI>"),
    ),
    (
        "data synchronisation",
        "s",
        "elements of the tables that DM does not use",
        _s(
            "<Put><CmdID>1</CmdID><NoResp/><Lang>en</Lang><Item><SourceParent><LocURI>p</LocURI></SourceParent><TargetParent><LocURI>q</LocURI></TargetParent>"
            "</Item></Put><Search><CmdID>2</CmdID><NoResults/></Search><Delete><CmdID>3</CmdID><Archive/><SftDel/></Delete><Map><CmdID>4</CmdID><MapItem/></Map>"
            "<Sync><CmdID>5</CmdID><NumberOfChanges>0</NumberOfChanges><Move><CmdID>6</CmdID></Move></Sync><Get><CmdID>7</CmdID><Item><Target><LocURI>a</LocURI>"
            "<Filter><Field/><Record/><FilterType>INCLUSIVE</FilterType></Filter></Target></Item></Get>"
        ),
    ),
    (
        "all of MetInf",
        "s",
        "page 1 complete",
        _s(
            _cmd(
                "Replace",
                4,
                (
                    "./T",
                    "<Meta>%s</Meta>"
                    % _m(
                        "MetInf",
                        "<FieldLevel/><Format>chr</Format><Type>text/plain</Type><Mark>fatal"
                        "</Mark><Size>1</Size><Anchor><Last>1</Last><Next>2</Next></Anchor><Version>1</Version><NextNonce>AA==</NextNonce><MaxMsgSize>1</MaxMsgSize>"
                        "<MaxObjSize>1</MaxObjSize><EMI>e</EMI><Mem><SharedMem/><FreeMem>1</FreeMem><FreeID>2</FreeID></Mem>",
                    )
                    + _d("x"),
                ),
            )
        ),
    ),
)

TREES = (
    ("an account", "t", "properties of every kind", _ACCOUNT),
    ("a flat list", "t", "Path instead of nesting, Value empty", _FLAT),
    ("every format", "t", "one leaf each", _EVERY_FORMAT),
    ("a description", "t", "DDF: every DFProperty", _DESCRIPTION),
)

MESSAGES = OPENING + ANSWERS + ORDERS + REPLIES + VARIANTS + TREES

_GOOD = _s(_hdr(212) + _TYPED)


def _bad(old, new):
    assert old in _GOOD, old
    return _GOOD.replace(old, new, 1).encode()


ILL_FORMED = (
    ("nothing", "no root", b""),
    ("blanks", "no root", b" \n "),
    ("no XML", "text outside of the root", b"HTTP/1.1 500"),
    ("cut", "ends inside an element", _GOOD[:-30].encode()),
    ("cut in a tag", "ends inside a tag", _GOOD[:-3].encode()),
    ("crossed tags", "end tags in the wrong order", _bad("</SyncHdr><SyncBody>", "<SyncBody></SyncHdr>")),
    ("wrong end tag", "names differ", _bad("</VerDTD>", "</VerProto>")),
    ("two roots", "something after the root", _GOOD.encode() + b"<SyncML/>"),
    ("text after the root", "something after the root", _GOOD.encode() + b"x"),
    ("bare ampersand", "& begins no reference", _bad("text/plain", "a&b")),
    ("unknown entity", "only five entities are known", _bad("text/plain", "&nbsp;")),
    ("NUL by number", "no character", _bad("text/plain", "&#0;")),
    ("surrogate by number", "no character", _bad("text/plain", "&#xD800;")),
    ("too large a number", "no character", _bad("text/plain", "&#x110000;")),
    ("NUL", "no character", _bad("text/plain", "a\0b")),
    ("bare <", "no tag begins with a blank", _bad("text/plain", "a < b")),
    ("open comment", "comment without end", _bad("<Final/>", "<!-- <Final/>")),
    ("open CDATA", "CDATA without end", _bad("text/plain", "<![CDATA[text")),
    ("end of CDATA in text", "]]> outside of CDATA", _bad("text/plain", "a]]>b")),
    ("attribute twice", "the same attribute twice", _bad(' xmlns="%s"' % NS, ' a="1" a="2"')),
    ("attribute without quotes", "the value must be quoted", _bad('xmlns="%s"' % NS, "xmlns=x")),
    ("name with a digit first", "no name", _bad("<Final/>", "<1Final/>")),
    ("not UTF-8", "0xFF is no UTF-8", _GOOD.encode().replace(b"text/plain", b"te\xffxt", 1)),
    ("overlong UTF-8", "C0 80 is no UTF-8", _GOOD.encode().replace(b"text/plain", b"te\xc0\x80xt", 1)),
)

# Well-formed, and refused all the same: an internal DTD.
REFUSED = (
    ("internal subset", "DOCTYPE with [", b'<!DOCTYPE SyncML [<!ENTITY a "x">]>' + _GOOD.encode()),
    (
        "entity bomb",
        "DOCTYPE with [",
        b'<!DOCTYPE SyncML [<!ENTITY a "xx"><!ENTITY b "&a;&a;">]>' + _bad("text/plain", "&b;"),
    ),
)
