"""Turn messages into XML and WBXML by other people's tools: libwbxml's and, where that is not exact, tshark's dissector.

`to_xml` passes XML through. From WBXML, bytes that XML cannot hold come as base64 in a Data with opaque="base64".
libwbxml renames the TNDS type, XML loses CR, and libwbxml makes ill-formed CDATA of split text and of bytes: then tshark is asked.
"""

import base64
import re
import shutil
import struct
import subprocess

from lxml import etree

_SPACES = {0: "SYNCML:SYNCML1.2", 1: "syncml:metinf", 2: "syncml:dmddf1.2"}
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SEGMENT = 30000


class Unavailable(Exception):
    """Say which tool is not installed; tests skip."""


def to_xml(body, content_type):
    """Return the message as XML bytes; ValueError when it is no WBXML."""
    if "wbxml" not in content_type.lower():
        return bytes(body)
    body = bytes(body)
    if b"dmtnds" in body or b"MgmtTree" in body:
        return by_tshark(body)
    try:
        xml = _run("wbxml2xml", "-m", "0", "-k", "-o", "-", "-", data=body)
        if b"\r" in xml:
            return by_tshark(body)
        etree.fromstring(xml)
    except (ValueError, etree.XMLSyntaxError):
        return by_tshark(body)
    return xml


def to_wbxml(xml, version="1.2", table=False):
    """Return libwbxml's WBXML of an XML message; it makes CR LF of each LF in text."""
    return _run("xml2wbxml", "-k", *([] if table else ["-n"]), "-v", version, "-o", "-", "-", data=xml)


def _run(tool, *options, data):
    if shutil.which(tool) is None:
        raise Unavailable("there is no %s" % tool)
    done = subprocess.run([tool, *options], input=data, capture_output=True, timeout=60)
    if done.returncode or not done.stdout:
        raise ValueError("%s: %s" % (tool, done.stderr.decode(errors="replace").strip()))
    return done.stdout


def by_tshark(body):
    """Return the XML of a WBXML message as tshark reads it, byte for byte."""
    if body[1:3] == b"\0\0" and b"//DTD SyncML 1." in body[:64]:  # it knows the numeric identifiers only
        body = body[:1] + b"\xa4\1" + body[3:]
    pdml = _run("tshark", "-r", "-", "-T", "pdml", "-J", "wbxml", data=_capture(body))
    found = etree.fromstring(pdml).find(".//proto[@name='wbxml']")
    if found is None:
        raise ValueError("tshark sees no WBXML")
    builder = _Builder()
    for field in found.iter("field"):
        builder.take(field.get("name"), field)
    return builder.finish()


class _Builder:
    """Build the document from tshark's list of tokens."""

    def __init__(self):
        self._root, self._open, self._page = None, [], 0
        self._texts = {}

    def take(self, name, field):
        """Take one token."""
        raw = bytes.fromhex(field.get("value") or "")
        if name == "wbxml.switch_page":
            self._page = raw[1]
        elif name in ("wbxml.known_tag", "wbxml.unknown_tag"):
            self._start(field.get("show"), raw[0] & 0x40)
        elif name.startswith("wbxml.end_"):
            self._open.pop()
        elif name == "wbxml.str_i":
            self._text(raw[1:-1])
        elif name == "wbxml.opaque_data":
            self._text(_opaque(raw))
        elif name == "wbxml.str_t":
            self._text(field.get("show").encode())
        elif name.startswith(("wbxml.literal", "wbxml.entity", "wbxml.ext", "_ws")):
            raise ValueError("a token that SyncML does not use: %s" % name)

    def _start(self, name, content):
        tag = "{%s}%s" % (_SPACES[self._page], name)
        if self._root is None:
            node = self._root = etree.Element(tag, nsmap={None: _SPACES[self._page]})
        elif self._open:
            node = etree.SubElement(self._open[-1], tag, nsmap={None: _SPACES[self._page]})
        else:
            raise ValueError("a second root")
        if content:
            self._open.append(node)

    def _text(self, raw):
        self._texts.setdefault(self._open[-1], []).append(raw)

    def finish(self):
        """Return the document."""
        if self._root is None or self._open:
            raise ValueError("not all elements are closed")
        for node, pieces in self._texts.items():
            raw = b"".join(pieces)
            try:
                plain = raw.decode()
            except UnicodeDecodeError:
                plain = "\0"
            if _NOT_XML.search(plain):
                node.set("opaque", "base64")
                plain = base64.b64encode(raw).decode()
            node.text = plain
        return etree.tostring(self._root)


def _opaque(raw):
    at = 1
    while raw[at] & 0x80:
        at += 1
    return raw[at + 1 :]


def _capture(body):
    """Return a capture of one HTTP POST with the body."""
    http = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.syncml.dm+wbxml\r\nContent-Length: %d\r\n\r\n"
    http = http % len(body) + body
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101)
    for at in range(0, len(http), _SEGMENT):
        part = http[at : at + _SEGMENT]
        tcp = struct.pack(">HHIIBBHHH", 40000, 80, 1 + at, 1, 0x50, 0x18, 65535, 0, 0) + part
        packet = (
            struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1") + tcp
        )
        out += struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet
    return out
