"""Bytes to element trees and back, in every dialect that peers have been seen to speak.

Knows nothing of sessions. What comes from outside gives a tree or a CodecError, nothing else.
"""

import xml.parsers.expat
from dataclasses import dataclass
from xml.sax.saxutils import escape

from flash_tools.errors import ToolError
from flash_tools.server.dm_element import METINF, Element
from flash_tools.server.dm_wbxml import decode_wbxml, encode_wbxml

XML = "application/vnd.syncml.dm+xml"
WBXML = "application/vnd.syncml.dm+wbxml"
XML_TYPES = (XML, "application/vnd.syncml+xml")
WBXML_TYPES = (WBXML, "application/vnd.syncml+wbxml")
MAX_DEPTH, MAX_ELEMENTS = 64, 16384
_NAMESPACE, _METINF_NAMESPACE = "SYNCML:SYNCML1.2", "syncml:metinf"
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
    return content_type.partition(";")[0].strip().lower()


def is_wbxml(content_type: str) -> bool:
    """Tell whether it is the binary encoding."""
    return base_type(content_type) in WBXML_TYPES


def decode(body: bytes, content_type: str) -> Element:
    """Return the tree of a message."""
    kind = base_type(content_type)
    if kind not in XML_TYPES + WBXML_TYPES:
        raise CodecError("%r is no content type of a message" % kind)
    try:
        return decode_wbxml(body) if kind in WBXML_TYPES else _XmlReader().read(body)
    except (ValueError, LookupError, RecursionError, xml.parsers.expat.ExpatError) as error:
        raise CodecError("the message cannot be read: %s" % error) from error


def encode(element: Element, content_type: str, style: Style | None = None) -> bytes:
    """Return the bytes of a message."""
    style = style or Style()
    if is_wbxml(content_type):
        return encode_wbxml(element, style)
    return _XmlWriter(style).document(element)


class _XmlReader:
    """Builds a tree from expat's events; no entities but the five, no internal subset."""

    def __init__(self):
        self._top = Element("")
        self._open = [self._top]
        self._elements = 0
        self._parser = parser = xml.parsers.expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def read(self, body):
        """Return the root of the document."""
        self._parser.Parse(body, True)
        return self._top.children[0]

    def _start(self, name, attributes):
        self._elements += 1
        if len(self._open) > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise ValueError("too deep or too many elements")
        made = Element(name.rpartition(":")[2])
        self._open[-1].children.append(made)
        self._open.append(made)

    def _end(self, name):
        made = self._open.pop()
        if made.children:
            made.text = None  # white space between the children

    def _text(self, text):
        here = self._open[-1]
        here.text = (here.text or b"") + text.encode()

    def _doctype(self, name, system_id, public_id, has_internal_subset):
        if has_internal_subset:
            raise ValueError("a DOCTYPE with an internal subset")


class _XmlWriter:
    """Writes a tree as XML text in a style."""

    def __init__(self, style):
        self._style = style

    def document(self, root):
        """Return the whole document."""
        head = '<?xml version="1.0" encoding="UTF-8"?>' + (_DOCTYPE if self._style.doctype else "")
        return head.encode() + self._element(root, None)

    def _element(self, element, parent):
        name = self._name(element.tag_name).encode()
        inner = self._inner(element)
        comment = b"<!-- %s -->" % element.tag_name.encode() if self._style.comments and parent else b""
        start = b"%s<%s%s" % (comment, name, self._attributes(element, parent).encode())
        if not inner and not self._style.long_empty:
            return start + b"/>"
        return b"%s>%s</%s>" % (start, inner, name)

    def _inner(self, element):
        if element.children:
            between = b"\r\n " if self._style.blanks else b""
            return between + between.join(self._element(child, element) for child in element.children) + between
        if not element.text:
            return b""
        if element.tag_name == "Data":
            return self._data(element.text)
        text = _escaped(element.text)
        return b"\n  " + text + b"\n " if self._style.blanks else text

    def _data(self, text):
        if self._style.cdata:
            return b"<![CDATA[" + text.replace(b"]]>", b"]]]]><![CDATA[>") + b"]]>"
        return (b"<!-- data -->" if self._style.comments else b"") + _escaped(text)

    def _name(self, tag_name):
        if self._style.namespaces != "prefixed":
            return tag_name
        return ("metinf:" if tag_name in METINF else "s:") + tag_name

    def _attributes(self, element, parent):
        return {
            "prefixed": self._prefixed,
            "parent": self._on_parent,
            "child": self._on_child,
            "absent": lambda element, parent: "",
        }[self._style.namespaces](element, parent)

    def _prefixed(self, element, parent):
        return "" if parent else ' xmlns:s="%s" xmlns:metinf="%s"' % (_NAMESPACE, _METINF_NAMESPACE)

    def _on_parent(self, element, parent):
        if parent is None:
            return ' xmlns="%s"' % _NAMESPACE
        return ' xmlns="%s"' % _METINF_NAMESPACE if element.tag_name == "Meta" else ""

    def _on_child(self, element, parent):
        if parent is None:
            return ' xmlns="%s"' % _NAMESPACE
        first = element.tag_name in METINF and parent.tag_name not in METINF
        return ' xmlns="%s"' % _METINF_NAMESPACE if first else ""


def _escaped(text: bytes) -> bytes:
    return escape(text.decode("utf-8", "replace")).encode().replace(b"\r", b"&#13;")
