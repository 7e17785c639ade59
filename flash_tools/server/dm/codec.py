"""Bytes to element trees and back, in every dialect that peers have been seen to speak.

Knows nothing of sessions. What comes from outside gives a tree or a CodecError, nothing else.
"""

import xml.parsers.expat
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape

from flash_tools.errors import ToolError
from flash_tools.server.dm.element import METINF, Element
from flash_tools.server.dm.wbxml import NAMES, decode_wbxml, encode_wbxml

XML = "application/vnd.syncml.dm+xml"
WBXML = "application/vnd.syncml.dm+wbxml"
XML_TYPES = (XML, "application/vnd.syncml+xml")
WBXML_TYPES = (WBXML, "application/vnd.syncml+wbxml")
_KNOWN = frozenset(XML_TYPES + WBXML_TYPES)
_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1", "utf-16", "utf-16le", "utf-16be")
MAX_DEPTH, MAX_ELEMENTS = 64, 16384
_NAMESPACE, _METINF_NAMESPACE = "SYNCML:SYNCML1.2", "syncml:metinf"
_MOST_TAGS = 200  # that a writer keeps; a script may make up names
_DOCTYPE = '<!DOCTYPE SyncML PUBLIC "-//SYNCML//DTD SyncML 1.2//EN" "http://www.openmobilealliance.org/dtd">'


class CodecError(ToolError):
    """The bytes are no message."""


@dataclass(frozen=True)
class Style:
    """How messages are written; each field is something that a peer has been seen to do."""

    header: str = "numeric"  # WBXML: numeric, textual, table (texts as STR_T where they repeat)
    version: int = 2
    pages: str = "lazy"  # WBXML: switch pages before the next tag, or "eager": back to page 0 at once
    opaque: str = "binary"  # WBXML: OPAQUE for binary data only, or "always"
    namespaces: str = "child"  # XML: child, parent (on Meta), absent, prefixed
    cdata: bool = False  # XML: Data as CDATA
    blanks: bool = False  # XML: white space round PCDATA, except Data
    comments: bool = False  # XML: a comment before each element, and in Data
    doctype: bool = False  # XML: a DOCTYPE line without internal subset
    long_empty: bool = False  # <Final></Final>; in WBXML content of an empty string


def base_type(content_type: str) -> str:
    """Return the media type without parameters, in lower case."""
    return content_type if content_type in _KNOWN else content_type.partition(";")[0].strip().lower()


def is_wbxml(content_type: str) -> bool:
    """Tell whether it is the binary encoding."""
    return base_type(content_type) in WBXML_TYPES


def decode(body: bytes, content_type: str) -> Element:
    """Return the tree of a message."""
    kind = base_type(content_type)
    if kind not in _KNOWN:
        raise CodecError("%r is no content type of a message" % kind)
    try:
        return decode_wbxml(body) if kind in WBXML_TYPES else _read_xml(body)
    except (ValueError, LookupError, OverflowError, RecursionError, xml.parsers.expat.ExpatError) as error:
        raise CodecError("the message cannot be read: %s" % error) from error


def encode(element: Element, content_type: str, style: Style = Style()) -> bytes:
    """Return the bytes of a message."""
    if is_wbxml(content_type):
        return encode_wbxml(element, style)
    return _writer(style).document(element)


def _read_xml(body: bytes) -> Element:
    """Build a tree from expat's events; no entities but the five, no internal subset."""
    top = here = Element("")
    above, count = [], 0  # closures, not methods: they are called three times an element

    def start(name, attributes):
        nonlocal here, count
        count += 1
        if len(above) >= MAX_DEPTH or count > MAX_ELEMENTS:
            raise ValueError("too deep or too many elements")
        above.append(here)
        made = Element(name if name in NAMES else name.rpartition(":")[2])
        here.children.append(made)
        here = made

    def end(name):
        nonlocal here
        if here.children:
            here.text = None  # white space between the children
        here = above.pop()

    def text(data):
        here.text = data.encode() if here.text is None else here.text + data.encode()

    parser = xml.parsers.expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler, parser.XmlDeclHandler = _doctype, _declaration
    parser.Parse(body, True)
    return top.children[0]


def _doctype(name, system_id, public_id, has_internal_subset):
    if has_internal_subset:
        raise ValueError("a DOCTYPE with an internal subset")


def _declaration(version, encoding, standalone):
    if encoding and encoding.lower() not in _ENCODINGS:  # Python would know a hundred more
        raise ValueError("the encoding %s" % encoding[:32])


@lru_cache(maxsize=64)
def _writer(style):
    return _XmlWriter(style)


_ROOT, _PLAIN, _METINF = range(3)  # where an element is: nowhere, in one of SyncML, in one of METINF


class _XmlWriter:
    """Writes trees as XML text in a style; keeps the tags that it has made."""

    def __init__(self, style):
        self._style = style
        self._head = b'<?xml version="1.0" encoding="UTF-8"?>' + (_DOCTYPE.encode() if style.doctype else b"")
        self._between = b"\r\n " if style.blanks else b""
        self._tags = {}, {}, {}

    def document(self, root):
        """Return the whole document."""
        out = [self._head]
        self._write(out.append, root, _ROOT)
        return b"".join(out)

    def _write(self, put, element, where):
        name, children, text = element.tag_name, element.children, element.text
        start, end, empty = self._tags[where].get(name) or self._make_tags(name, where)
        if children:
            inside, between = (_METINF if name in METINF else _PLAIN), self._between
            put(start + between)
            for child in children:
                self._write(put, child, inside)
                if between:
                    put(between)
            put(end)
        elif text:
            put(start + self._text(name, text) + end)
        else:
            put(empty)

    def _make_tags(self, name, where):
        """Return how an element begins, how it ends, and all of it where it is empty."""
        shown = name
        if self._style.namespaces == "prefixed":
            shown = ("metinf:" if name in METINF else "s:") + name
        comment = "<!-- %s -->" % name if self._style.comments and where != _ROOT else ""
        start = "%s<%s%s" % (comment, shown, self._attributes(name, where))
        end = "</%s>" % shown
        empty = start + ">" + end if self._style.long_empty else start + "/>"
        made = tuple(text.encode() for text in (start + ">", end, empty))
        if len(self._tags[where]) < _MOST_TAGS:
            self._tags[where][name] = made
        return made

    def _attributes(self, name, where):
        kind = self._style.namespaces
        if kind == "absent":
            return ""
        if kind == "prefixed":
            return "" if where else ' xmlns:s="%s" xmlns:metinf="%s"' % (_NAMESPACE, _METINF_NAMESPACE)
        if where == _ROOT:
            return ' xmlns="%s"' % _NAMESPACE
        other = name == "Meta" if kind == "parent" else name in METINF and where == _PLAIN
        return ' xmlns="%s"' % _METINF_NAMESPACE if other else ""

    def _text(self, name, text):
        if name == "Data":
            return self._data(text)
        return b"\n  " + _escaped(text) + b"\n " if self._style.blanks else _escaped(text)

    def _data(self, text):
        if self._style.cdata:
            return b"<![CDATA[" + text.replace(b"]]>", b"]]]]><![CDATA[>") + b"]]>"
        return (b"<!-- data -->" if self._style.comments else b"") + _escaped(text)


def _escaped(text: bytes) -> bytes:
    if text.isascii() and not (b"&" in text or b"<" in text or b">" in text or b"\r" in text):
        return text
    return escape(text.decode("utf-8", "replace")).encode().replace(b"\r", b"&#13;")
