"""Clients that are not ours, each with the habits that facts/omadm.md reports of it (sections 1.7 to 1.9, 2.3, 6.1, 8).

PEERS is data, the habits taken from the facts; strange_session holds a session the way a peer does.
"""

import base64
from dataclasses import dataclass, field

from flash_tools.server.dm.codec import WBXML, XML
from flash_tools.server.dm.element import Element

FUMO = "org.openmobilealliance.dm.firmwareupdate."
_TEXTUAL = {"header": "textual", "pages": "eager"}


@dataclass(frozen=True)
class Peer:
    """One kind of client; `shape` changes a whole message, `wire` its bytes."""

    name: str
    habit: str
    content_type: str = XML
    style: dict = field(default_factory=dict)
    session_id: str = "3A"
    first: int = 1  # its first MsgID
    limits: tuple = (None, None)  # MaxMsgSize, MaxObjSize
    auth: str = "md5"
    mac: str = 'algorithm=MD5, username="%s", mac=%s'
    type: str = FUMO + "downloadandupdate"
    source: str | None = "./Fw/X"
    format: str | None = "int"
    data: str = "200"
    mark: str | None = None
    nonce: object = base64.b64encode  # how its NextNonce travels
    shape: object = None
    wire: object = None


def _each(name, change):
    def shape(root):
        for element in [each for each in root.walk() if each.tag_name == name]:
            change(element)

    return shape


def _no_header_ref(status):
    if status.value("Cmd") == "SyncHdr":
        _drop(status, "CmdRef")


def _drop(element, *names):
    element.children = [child for child in element.children if child.tag_name not in names]


def _late_refs(status):
    status.children.sort(key=lambda child: child.tag_name in ("TargetRef", "SourceRef"))
    _no_header_ref(status)


def _reversed(root):
    for element in root.walk():
        if element.tag_name in ("Status", "Item", "Meta", "Alert", "SyncHdr", "Results", "SyncBody"):
            element.children.reverse()


def _meta_up(results):
    """Put the Meta of the Item on the command, as the phones of one maker do."""
    for item in results.find_all("Item"):
        results.children[:0] = item.find_all("Meta")
        _drop(item, "Meta")


def _bare_uris(root):
    for element in root.walk():
        if element.tag_name in ("LocURI", "TargetRef", "SourceRef") and element.text:
            element.text = element.text.removeprefix(b"./")


def _blanks(root):
    for element in root.walk():
        if element.text and element.tag_name != "Data":
            element.text = b"\n\t " + element.text + b" \r\n"


def _no_references(status):
    if status.value("Cmd") == "SyncHdr":
        _drop(status, "CmdRef", "MsgRef")


def _uuids(root):
    for number, element in enumerate(root.walk()):
        if element.tag_name == "CmdID":
            element.text = b"6ba7b810-9dad-11d1-80b4-%012d" % number


def _one_status_an_item(root):
    body = root.children[1]
    out = []
    for element in body.children:
        refs = element.find_all("TargetRef") if element.tag_name == "Status" else []
        for ref in refs:
            rest = [child for child in element.children if child.tag_name != "TargetRef"]
            out.append(Element("Status", [*rest, ref]))
        out += [] if refs else [element]
    body.children = out


def _no_final_in_place(root):
    body = root.children[1]
    body.children.sort(key=lambda child: child.tag_name != "Final")


def _twice(nonce):
    return base64.b64encode(base64.b64encode(nonce))


def _public_id(old, new):
    return lambda body: new + body.removeprefix(old) if body.startswith(old) else body


PEERS = [
    Peer("samsung", "FPI without NUL; hex minute and second; Format chr; the Exec node; 5120", WBXML, _TEXTUAL, "2A1F",
         limits=(5120, 1 << 20), source="./FUMO/DownloadAndUpdate", format="chr"),
    Peer("samsung-network", "result 417, which is none of the standard's; no Format", WBXML, _TEXTUAL, "3B3B",
         limits=(5120, 1 << 20), source="./FUMO/DownloadAndUpdate", format=None, data="417"),
    Peer("samsung-policy", "result 461, a code of the vendor's range", WBXML, _TEXTUAL, "0", data="461"),
    Peer("kgm", "XML of the same family; userrequest with data 0", type=FUMO + "userrequest", data="0", format="chr",
         source="./FUMO/DownloadAndUpdate"),
    Peer("netcomm", "the type of data synchronisation; the root of the object; 200 with int", "application/vnd.syncml+xml",
         type=FUMO + "devicerequest", source="./FwUpdate/Flash"),
    Peer("netcomm-mac", "MAC as the standard writes it", auth="MAC", content_type="application/vnd.syncml+wbxml"),
    Peer("windows", "Reversed-Domain-Name without blank; charset parameter", XML + "; charset=UTF-8; verproto=DM/1.2",
         type="Reversed-Domain-Name:com.microsoft.mdm.unenrollment", source=None, data="1"),
    Peer("windows-mobile", "blanks round everything; Target in the Alert", style={"blanks": True}, shape=_blanks,
         source="./FwUpdate/DownloadAndUpdate"),
    Peer("hostap", "TargetRef after Data; no CmdRef for SyncHdr; prefix with a blank", shape=_each("Status", _late_refs),
         type="Reversed-Domain-Name: " + FUMO + "downloadandupdate"),
    Peer("libdmclient", "a Status an Item; content of an empty string", WBXML, {"long_empty": True, "version": 3},
         shape=_one_status_an_item),
    Peer("symbian", "Format text/plain; type without .dm.; 10000", format="text/plain", limits=(10000, 786432),
         type="org.openmobilealliance.firmwareupdate.downloadandupdate"),
    Peer("koneki", "the Exec node; Mark critical; upper case", source="./FUMO/DownloadAndUpdate", mark="critical",
         data="410", type=FUMO.upper() + "DownloadAndUpdate", format="INT"),
    Peer("aosp", "string table; quotes round mac; 3500", WBXML, {"header": "table"}, auth="MAC",
         mac='algorithm="MD5",username="%s",mac="%s"', limits=(3500, None)),
    Peer("aosp-1.1-id", "public id of SyncML 1.1 over a message of 1.2", WBXML,
         wire=_public_id(b"\x02\xa4\x01", b"\x02\x9f\x53")),
    Peer("no-charset", "charset 0 and WBXML 1.1", WBXML, wire=_public_id(b"\x02\xa4\x01\x6a", b"\x01\xa4\x01\x00")),
    Peer("webos", "order algorithm, mac, username, without quotes", auth="MAC", mac="%s"),
    Peer("hex-mac", "base64 of the hexadecimal digest, unpadded", auth="MAC", mac="hex"),
    Peer("sony-ericsson", "nonce in base64 twice; Meta on Results", nonce=_twice, shape=_each("Results", _meta_up)),
    Peer("plain-nonce", "nonce that is no base64", nonce=lambda nonce: b"!" + nonce[1:]),
    Peer("npower", "no namespaces; comments", style={"namespaces": "absent", "comments": True}),
    Peer("prefixes", "prefixed names, DOCTYPE, CDATA", style={"namespaces": "prefixed", "doctype": True, "cdata": True}),
    Peer("funambol", "FPI; opaque everywhere; 20000", WBXML, {"header": "textual", "opaque": "always"},
         limits=(20000, None)),
    Peer("reversed", "every order turned round, Final first", shape=_reversed),
    Peer("final-first", "Final in the wrong place", shape=_no_final_in_place),
    Peer("bare", "LocURI without ./", shape=_bare_uris),
    Peer("sloppy-refs", "no CmdRef and no MsgRef for SyncHdr", shape=_each("Status", _no_references)),
    Peer("uuid", "UUIDs as CmdID; MsgID from 7; a long SessionID", shape=_uuids, first=7, session_id="00DEADBEEF-7"),
    Peer("huge", "limits beyond all reason", limits=("99999999999999", "4294967296")),
    Peer("zero", "MaxMsgSize 0, MaxObjSize 0: no limits", limits=(0, 0)),
]  # fmt: skip
