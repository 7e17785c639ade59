"""Read one SyncML message for the validator: strictly when a client sent it, by local names when a server did.

Shares nothing with agent/: the rules are those of the OMA DM 1.2.1 DTDs as far as a client may use them.
`opaque="base64"` on Data is tests.dm.to_xml's way to show WBXML bytes that XML cannot hold.
"""

import base64
import re

from lxml import etree

SYNCML, METINF = "SYNCML:SYNCML1.2", "syncml:metinf"
COMMANDS = "Alert Atomic Copy Exec Get Map Put Search Sequence Sync Add Move Replace Delete".split()
_META = "Format? Type? Mark? Size? NextNonce? MaxMsgSize? MaxObjSize? EMI*"
_MODELS = {  # what a client may send, in DTD order
    "SyncML": "SyncHdr SyncBody",
    "SyncHdr": "VerDTD VerProto SessionID MsgID Target Source Cred? Meta?",
    "SyncBody": "(Alert|Replace|Results|Status)+ Final?",
    "Target": "LocURI LocName?",
    "Source": "LocURI LocName?",
    "Cred": "Meta? Data",
    "Chal": "Meta",
    "Status": "CmdID MsgRef CmdRef Cmd TargetRef* SourceRef* Chal? Data Item*",
    "Results": "CmdID MsgRef? CmdRef Meta? TargetRef? SourceRef? Item+",
    "Replace": "CmdID Meta? Item+",
    "Alert": "CmdID Data Correlator? Item*",
    "Item": "Target? Source? Meta? Data? MoreData?",
    "Meta": _META,
}
_EMPTY = ("Final", "MoreData")
_VERBATIM = ("Data", "Correlator")
_METINF = re.findall(r"\w+", _META)


class Violation(AssertionError):
    """Say what a client did against the protocol."""


def need(condition, text, *values):
    """Raise Violation unless the condition holds."""
    if not condition:
        raise Violation(text % values if values else text)


class Item:
    """One Item, or the part of a Status or Results that looks like one."""

    def __init__(self, node, outer):
        self.target, self.source = locuri(child(node, "Target")), locuri(child(node, "Source"))
        self.meta = {**outer, **_meta(child(node, "Meta"))}
        self.data = _bytes(child(node, "Data"))
        self.more = child(node, "MoreData") is not None


class Command:
    """One element of the SyncBody, Status and Results included, with its Items."""

    def __init__(self, node, parent=None):
        self.node, self.name, self.parent = node, local(node), parent
        self.cmd_id, self.msg_ref, self.cmd_ref = text(node, "CmdID"), text(node, "MsgRef"), text(node, "CmdRef")
        self.cmd, self.code = text(node, "Cmd"), text(node, "Data")
        self.target_refs, self.source_refs = texts(node, "TargetRef"), texts(node, "SourceRef")
        outer = _meta(child(node, "Meta"))
        self.items = [Item(item, outer) for item in node if local(item) == "Item"]
        self.more = any(item.more for item in self.items)
        chal = child(node, "Chal")
        self.challenge = None if chal is None else _meta(child(chal, "Meta"))
        correlator = child(node, "Correlator")
        self.correlator = None if correlator is None else correlator.text or ""


class Message:
    """One message: header fields, `all` elements of the body in order (nested ones too), and whether it is final."""

    def __init__(self, root):
        header, body = child(root, "SyncHdr"), child(root, "SyncBody")
        need(header is not None and body is not None, "there is no SyncHdr or no SyncBody")
        self.header = header
        self.session_id, self.msg_id = text(header, "SessionID"), text(header, "MsgID")
        self.target, self.source = locuri(child(header, "Target")), locuri(child(header, "Source"))
        self.user = None if child(header, "Source") is None else text(child(header, "Source"), "LocName")
        cred = child(header, "Cred")
        self.cred = None if cred is None else (_meta(child(cred, "Meta")), text(cred, "Data") or "")
        self.meta = _meta(child(header, "Meta"))
        self.all = list(_flat(body, None))
        self.final = child(body, "Final") is not None
        self.statuses = [c for c in self.all if c.name == "Status"]
        self.results = [c for c in self.all if c.name == "Results"]
        self.alerts = [c for c in self.all if c.name == "Alert"]
        self.commands = [c for c in self.all if c.name not in ("Status", "Results")]

    def header_status(self):
        """Return the Status for the peer's SyncHdr, or None."""
        return next((s for s in self.statuses if s.cmd == "SyncHdr" or s.cmd_ref in (None, "0")), None)

    def has_alert(self, *codes):
        """Tell whether there is an Alert with one of the codes."""
        return any(alert.code in codes for alert in self.alerts)


def parse(xml, comments=False):
    """Parse XML without entities and network; comments vanish unless asked for."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=not comments, strip_cdata=True)
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as e:
        raise Violation("not well-formed: %s" % e) from None


def check_structure(root):
    """Check that every element is one that a client may send, in its namespace, place and order."""
    need(root.tag == "{%s}SyncML" % SYNCML, "the root is %s", root.tag)
    for node in root.iter("*"):
        name = local(node)
        space = METINF if node.getparent() is not None and local(node.getparent()) == "Meta" else SYNCML
        need(etree.QName(node).namespace == space, "%s is not in %s", name, space)
        need(not node.attrib or (name == "Data" and list(node.attrib) == ["opaque"]), "%s has attributes", name)
        if name in _MODELS:
            _check_children(node, name)
        else:
            _check_leaf(node, name)


def _check_children(node, name):
    parts = re.findall(r"(\S+?)([?*+]?)(?:\s|$)", _MODELS[name])
    model = "".join("(?:%s )%s" % part for part in parts)
    children = "".join(local(c) + " " for c in node)
    need(re.fullmatch(model, children), "the children of %s: %s", name, children)
    loose = "".join([node.text or ""] + [c.tail or "" for c in node])
    need(not loose.strip(), "text in %s: %r", name, loose)


def _check_leaf(node, name):
    need(len(node) == 0, "%s has children", name)
    value = node.text or ""
    if name in _EMPTY:
        need(value == "", "%s is not empty", name)
    elif name not in _VERBATIM:
        need(value == value.strip(), "white space round the text of %s", name)
    need(value or name in _EMPTY or name == "Data", "%s is empty", name)


def local(node):
    """Return the name without its namespace; comments have none."""
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def child(node, name):
    """Return the first child of that name, or None."""
    return next((c for c in node if local(c) == name), None)


def texts(node, name):
    """Return the trimmed texts of all children of that name."""
    return ["".join(c.itertext()).strip() for c in node if local(c) == name]


def text(node, name):
    """Return the trimmed text of the first child of that name, or None."""
    return next(iter(texts(node, name)), None)


def locuri(node):
    """Return the LocURI of a Target or Source, or None."""
    return None if node is None else text(node, "LocURI")


def _meta(node):
    if node is None:
        return {}
    inner = child(node, "MetInf")
    return {local(c): (c.text or "").strip() for c in (node if inner is None else inner)}


def _bytes(node):
    if node is None:
        return None
    if node.get("opaque"):
        return base64.b64decode(node.text or "")
    return (node.text or "").encode() if len(node) == 0 else etree.tostring(node, method="text", encoding="utf-8")


def _flat(node, parent):
    for element in node:
        if local(element) in (*COMMANDS, "Status", "Results") or child(element, "CmdID") is not None:
            command = Command(element, parent)
            yield command
            yield from _flat(element, command)
