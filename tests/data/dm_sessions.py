"""Correct sessions, written by hand, for the test of the validator: lists of (side, XML, headers)."""

_HEAD = (
    '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>'
    "<SessionID>3A</SessionID><MsgID>%d</MsgID><Target><LocURI>%s</LocURI></Target><Source><LocURI>%s</LocURI>%s"
    "</Source>%s</SyncHdr><SyncBody>"
)
_TAIL = "</SyncBody></SyncML>"
_URL, _DEVICE, _USER = "https://dm.example/x", "urn:x:0001", "<LocName>dev1</LocName>"
_NONCE = "AAECAwQFBgcICQoLDA0ODw=="
_CRED = (
    '<Cred><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta>'
    "<Data>%s</Data></Cred>"
)
_CHAL = (
    '<Chal><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-%s</Type>'
    '<NextNonce xmlns="syncml:metinf">' + _NONCE + "</NextNonce></Meta></Chal>"
)
_META = '<Meta><Format xmlns="syncml:metinf">%s</Format>%s</Meta>'
_SIZE = '<Size xmlns="syncml:metinf">%d</Size>'
_MAX = '<Meta><MaxMsgSize xmlns="syncml:metinf">4096</MaxMsgSize><MaxObjSize xmlns="syncml:metinf">9000</MaxObjSize></Meta>'
_MORE, _FINAL = "<MoreData/>", "<Final/>"
HMAC = {"x-syncml-hmac": 'algorithm=MD5, username="dev1", mac=' + _NONCE}


def c(number, body, header="", headers=None):
    """Write a message of the client."""
    return "c", _HEAD % (number, _URL, _DEVICE, _USER, header) + body + _TAIL, headers or {}


def s(number, body, header=""):
    """Write a message of the server."""
    return "s", _HEAD % (number, _DEVICE, _URL, "", header) + body + _TAIL, {}


def status(number, message, command, name, code, target="", chal="", items=""):
    """Write a Status."""
    ref = "<TargetRef>%s</TargetRef>" % target if target else ""
    text = "<Status><CmdID>%s</CmdID><MsgRef>%s</MsgRef><CmdRef>%s</CmdRef><Cmd>%s</Cmd>%s%s<Data>%s</Data>%s</Status>"
    return text % (number, message, command, name, ref, chal, code, items)


def alert(number, code, rest=""):
    """Write an Alert."""
    return "<Alert><CmdID>%s</CmdID><Data>%s</Data>%s</Alert>" % (number, code, rest)


def command(name, number, *items, before=""):
    """Write a command with Items given as (URI, rest)."""
    inner = "".join("<Item><Target><LocURI>%s</LocURI></Target>%s</Item>" % item for item in items)
    return "<%s><CmdID>%s</CmdID>%s%s</%s>" % (name, number, before, inner, name)


def results(number, message, ref, *items):
    """Write Results with Items given as (URI, rest)."""
    inner = "".join("<Item><Source><LocURI>%s</LocURI></Source>%s</Item>" % item for item in items)
    text = "<Results><CmdID>%s</CmdID><MsgRef>%s</MsgRef><CmdRef>%s</CmdRef>%s</Results>"
    return text % (number, message, ref, inner)


def data(value, form="", size=0, more=False):
    """Write Meta, Data and MoreData of an Item."""
    meta = _META % (form or "chr", _SIZE % size if size else "") if form or size else ""
    return "%s<Data>%s</Data>%s" % (meta, value, _MORE if more else "")


def devinfo(number):
    """Write the Replace of package 1."""
    leaf = "<Item><Source><LocURI>./DevInfo/%s</LocURI></Source><Data>%s</Data></Item>"
    values = (("DevId", _DEVICE), ("Man", "Acme"), ("Mod", "M1"), ("DmV", "1.0"), ("Lang", "en"))
    return "<Replace><CmdID>%s</CmdID>%s</Replace>" % (number, "".join(leaf % value for value in values))


def generic(number, kind, value, correlator="<Correlator>job-77</Correlator>", source="./FwUpdate/Main"):
    """Write a firmware alert."""
    source = "<Source><LocURI>%s</LocURI></Source>" % source if source else ""
    meta = (
        '<Meta><Format xmlns="syncml:metinf">int</Format><Type xmlns="syncml:metinf">'
        'org.openmobilealliance.dm.firmwareupdate.%s</Type><Mark xmlns="syncml:metinf">critical</Mark></Meta>'
    )
    item = "<Item>%s%s<Data>%s</Data></Item>" % (source, meta % kind, value)
    return alert(number, 1226, correlator + item)


_OPEN = alert(1, 1201) + devinfo(2)
_OPENED = status(2, 1, 1, "Alert", 200) + status(3, 1, 2, "Replace", 200)
_URLS = ("./FwUpdate/Main/DownloadAndUpdate/PkgURL", "./FwUpdate/Main/DownloadAndUpdate")
_UPDATE = (
    "<Sequence><CmdID>4</CmdID>"
    + alert(5, 1101, "<Item/><Item><Data>Install 2.1?</Data></Item>")
    + command("Replace", 6, (_URLS[0], data("https://dm.example/p")))
    + command("Exec", 7, (_URLS[1], ""), before="<Correlator>c9</Correlator>")
    + "</Sequence>"
)
_GETS = (
    command("Get", 4, ("./DevDetail/FwV", ""), ("./DevDetail/Gone", ""))
    + "<Atomic><CmdID>5</CmdID>"
    + command("Replace", 6, ("./A", data("1")), ("./B", data("2")))
    + "</Atomic>"
    + alert(7, 1100, "<Item/><Item><Data>Hello</Data></Item>")
)
_GOT = (
    status(2, 1, 4, "Get", 200, "./DevDetail/FwV")
    + status(3, 1, 4, "Get", 404, "./DevDetail/Gone")
    + status(4, 1, 5, "Atomic", 200)
    + status(5, 1, 6, "Replace", 200, "./A")
    + status(6, 1, 6, "Replace", 200, "./B")
)

SESSIONS = {
    "worked example": [
        c(1, alert(1, 1200) + devinfo(2) + _FINAL, _CRED % _NONCE + _MAX),
        s(1, status(1, 1, 0, "SyncHdr", 212, chal=_CHAL % "md5") + _OPENED + _UPDATE + _FINAL, _CRED % _NONCE),
        c(
            2,
            status(1, 1, 0, "SyncHdr", 212, chal=_CHAL % "md5")
            + status(2, 1, 4, "Sequence", 200)
            + status(3, 1, 5, "Alert", 200)
            + status(4, 1, 6, "Replace", 200, _URLS[0])
            + status(5, 1, 7, "Exec", 202, _URLS[1])
            + _FINAL,
        ),
        s(2, status(1, 2, 0, "SyncHdr", 200) + _FINAL),
    ],
    "challenge": [
        c(1, _OPEN + generic(3, "downloadandupdate", 200) + _FINAL),
        s(1, status(1, 1, 0, "SyncHdr", 407, chal=_CHAL % "md5") + _FINAL),
        c(2, status(1, 1, 0, "SyncHdr", 200) + alert(2, 1201) + devinfo(3) + generic(4, "downloadandupdate", 200) + _FINAL,
          _CRED % _NONCE),
        s(2, status(1, 2, 0, "SyncHdr", 200) + command("Get", 2, ("./DevDetail?list=StructData", "")) + _FINAL),
        c(3, status(1, 2, 0, "SyncHdr", 200) + status(2, 2, 2, "Get", 200, "./DevDetail?list=StructData")
          + results(3, 2, 2, ("./DevDetail", data("", "node")), ("./DevDetail/FwV", data("1.2"))) + _FINAL, _CRED % _NONCE),
        s(3, status(1, 3, 0, "SyncHdr", 200) + _FINAL),
    ],
    "request": [
        c(1, alert(1, 1201) + generic(3, "userrequest", "", "") + devinfo(2) + _FINAL),
        s(1, status(1, 1, 0, "SyncHdr", 212) + _OPENED + _FINAL),
    ],
    "server refused": [
        c(1, _OPEN + _FINAL, _CRED % _NONCE),
        s(1, status(1, 1, 0, "SyncHdr", 212) + _OPENED + _GETS + _FINAL),
        c(2, status(1, 1, 0, "SyncHdr", 407, chal=_CHAL % "md5") + status(2, 1, 4, "Get", 407)
          + status(3, 1, 5, "Atomic", 407) + status(4, 1, 6, "Replace", 407) + status(5, 1, 7, "Alert", 407) + _FINAL),
        s(2, status(1, 2, 0, "SyncHdr", 200) + _GETS + _FINAL, _CRED % _NONCE),
        c(3, status(1, 2, 0, "SyncHdr", 212) + _GOT.replace("<MsgRef>1<", "<MsgRef>2<") + status(7, 2, 7, "Alert", 200)
          + results(8, 2, 4, ("./DevDetail/FwV", data("1.0"))) + _FINAL),
        s(3, status(1, 3, 0, "SyncHdr", 200) + _FINAL),
    ],
    "MAC": [
        c(1, _OPEN + _FINAL, headers=HMAC),
        s(1, status(1, 1, 0, "SyncHdr", 200, chal=_CHAL % "MAC") + _OPENED + command("Get", 4, ("./A", "")) + _FINAL),
        c(2, status(1, 1, 0, "SyncHdr", 200, chal=_CHAL % "MAC") + status(2, 1, 4, "Get", 200, "./A")
          + results(3, 1, 4, ("./A", data("12", "int"))) + _FINAL, headers=HMAC),
        s(2, status(1, 2, 0, "SyncHdr", 200, chal=_CHAL % "MAC") + _FINAL),
    ],
    "packages": [
        c(1, _OPEN + _FINAL, _CRED % _NONCE),
        s(1, status(1, 1, 0, "SyncHdr", 212) + _OPENED + _GETS + _FINAL, _MAX),
        c(2, status(1, 1, 0, "SyncHdr", 200) + _GOT + results(7, 1, 4, ("./DevDetail/FwV", data("1.0", "", 8, True)))),
        s(2, status(1, 2, 0, "SyncHdr", 200) + status(2, 2, 7, "Results", 213) + alert(3, 1222)),
        c(3, status(1, 2, 0, "SyncHdr", 200) + status(2, 2, 3, "Alert", 200) + status(3, 1, 7, "Alert", 200)
          + results(4, 1, 4, ("./DevDetail/FwV", data("-beta"))) + _FINAL),
        s(3, status(1, 3, 0, "SyncHdr", 200)
          + command("Replace", 2, ("./Pkg", data("QUJD", "b64", 8, True)))),
        c(4, status(1, 3, 0, "SyncHdr", 200) + status(2, 3, 2, "Replace", 213, "./Pkg") + alert(3, 1222)),
        s(4, status(1, 4, 0, "SyncHdr", 200) + status(2, 4, 3, "Alert", 200)
          + command("Replace", 3, ("./Pkg", data("REVG", "b64"))) + _FINAL),
        c(5, status(1, 4, 0, "SyncHdr", 200) + status(2, 4, 3, "Replace", 200, "./Pkg") + _FINAL),
        s(5, status(1, 5, 0, "SyncHdr", 200) + _FINAL),
    ],
    "broken object": [
        c(1, _OPEN + _FINAL),
        s(1, status(1, 1, 0, "SyncHdr", 212) + command("Replace", 4, ("./Pkg", data("QUJD", "b64", 8, True)))),
        c(2, status(1, 1, 0, "SyncHdr", 200) + status(2, 1, 4, "Replace", 213, "./Pkg") + alert(3, 1222)),
        s(2, status(1, 2, 0, "SyncHdr", 200) + command("Delete", 3, ("./A", "")) + _FINAL),
        c(3, status(1, 2, 0, "SyncHdr", 200) + status(2, 2, 3, "Delete", 200, "./A")
          + alert(3, 1225, "<Item><Target><LocURI>./Pkg</LocURI></Target></Item>") + _FINAL),
        s(3, status(1, 3, 0, "SyncHdr", 200) + status(2, 3, 3, "Alert", 200) + _FINAL),
    ],
    "abort": [
        c(1, _OPEN + _FINAL),
        s(1, status(1, 1, 0, "SyncHdr", 212) + _GETS),
        c(2, status(1, 1, 0, "SyncHdr", 200) + alert(2, 1223) + _FINAL),
        s(2, status(1, 2, 0, "SyncHdr", 200) + status(2, 2, 2, "Alert", 200) + _FINAL),
    ],
}  # fmt: skip
