"""WBXML of SyncML, an own encoder and decoder: the agent's may not be its own judge.

Tokens: WBXML 1.3 (public domain note of the W3C) and the SyncML 1.2 code pages (facts/omadm.md 6.1-6.3). Raises
ValueError or LookupError on broken input.
"""

from functools import cache

from flash_tools.server.dm.element import Element

_SYNCML = (
    "Add Alert Archive Atomic Chal Cmd CmdID CmdRef Copy Cred Data Delete Exec Final Get Item Lang LocName LocURI Map "
    "MapItem Meta MsgID MsgRef NoResp NoResults Put Replace RespURI Results Search Sequence SessionID SftDel Source "
    "SourceRef Status Sync SyncBody SyncHdr SyncML Target TargetRef - VerDTD VerProto NumberOfChanges MoreData Field "
    "Filter Record FilterType SourceParent TargetParent Move Correlator"
)
_METINF = (
    "Anchor EMI Format FreeID FreeMem Last Mark MaxMsgSize Mem MetInf Next NextNonce SharedMem Size Type Version "
    "MaxObjSize FieldLevel"
)
_PAGES = tuple({5 + at: name for at, name in enumerate(names.split())} for names in (_SYNCML, _METINF))
_PUBLIC_ID, _PUBLIC_TEXT = 0x1201, b"-//SYNCML//DTD SyncML 1.2//EN"
_UTF8 = 106
_SWITCH_PAGE, _END, _ENTITY, _STR_I, _STR_T, _OPAQUE = 0, 1, 2, 3, 0x83, 0xC3
_HAS_CONTENT, _HAS_ATTRIBUTES = 0x40, 0x80
_MAX_DEPTH, _MAX_ELEMENTS = 64, 16384
_MAX_TABLE = 255  # bytes: as much as small devices keep


def multi_byte(number: int) -> bytes:
    """Return an mb_u_int32."""
    out = [number & 0x7F]
    while number > 0x7F:
        number >>= 7
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))


_IDENTITY, _CHARSET, _NO_TEXT = multi_byte(_PUBLIC_ID), multi_byte(_UTF8), bytes([_STR_I, 0])


def encode_wbxml(root: Element, style) -> bytes:
    """Return the document in the given style (see Style in codec.py)."""
    return _Writer(style).document(root)


def decode_wbxml(body: bytes) -> Element:
    """Return the root of the document."""
    return _Reader(body).document()


def _made_up(name: str) -> tuple[int, bytes, bytes]:
    """Return the tags of a name like `0:3F`: it stands for itself, so that scripts can send what does not exist."""
    page, colon, token = name.partition(":")
    if not colon:
        raise KeyError(name)
    return _tags(int(page, 16), int(token, 16))


def _tags(page, token):
    """Return the page, and the tag without and with content."""
    return page, bytes([token]), bytes([token | _HAS_CONTENT])


_TAGS = {name: _tags(page, token) for page, names in enumerate(_PAGES) for token, name in names.items()}


NAMES = frozenset(_TAGS)  # of all elements that have a token


@cache
def _names(page: int) -> list[str | None]:
    """Return the element that each byte of a page stands for, None where it is something else."""
    known, names = _PAGES[page] if page < len(_PAGES) else {}, [None] * 256
    for token in range(5, _HAS_CONTENT):
        names[token] = names[token | _HAS_CONTENT] = known.get(token) or "%X:%02X" % (page, token)
    return names


class _Writer:
    def __init__(self, style):
        self._style = style
        self._eager = style.pages == "eager"
        self._page = 0
        self._table = b""
        self._offsets = {}
        self._out = []

    def document(self, root):
        """Return header and body."""
        if self._style.header == "table":
            self._fill_table(root)
        if self._style.header == "textual":
            identity, table = multi_byte(0) + multi_byte(0), _PUBLIC_TEXT  # without NUL, as most do
        else:
            identity, table = _IDENTITY, self._table
        self._out.append(bytes([self._style.version]) + identity + _CHARSET + multi_byte(len(table)) + table)
        self._write(root)
        return b"".join(self._out)

    def _fill_table(self, root):
        for element in root.walk():
            text = element.text
            known = not text or b"\0" in text or text in self._offsets
            if element.tag_name == "LocURI" and not known and len(self._table) + len(text) < _MAX_TABLE:
                self._offsets[text] = len(self._table)
                self._table += text + b"\0"

    def _write(self, element):
        page, empty, full = _TAGS.get(element.tag_name) or _made_up(element.tag_name)
        out, children = self._out, element.children
        if page != self._page:
            self._switch(page)
        if children:
            out.append(full)
            for child in children:
                self._write(child)
            out.append(b"\1")
        else:
            text = self._text(element)
            out.append(full + text + b"\1" if text else empty)
        if page and self._eager and self._page:
            self._switch(0)

    def _switch(self, page):
        self._page = page
        self._out.append(bytes([_SWITCH_PAGE, page]))

    def _text(self, element):
        text = element.text
        if not text:
            return _NO_TEXT if self._style.long_empty else b""
        if text in self._offsets:
            return bytes([_STR_T]) + multi_byte(self._offsets[text])
        if element.opaque or self._style.opaque == "always" or b"\0" in text or not _is_text(text):
            return bytes([_OPAQUE]) + multi_byte(len(text)) + text
        return b"\3" + text + b"\0"


def _is_text(text):
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Reader:
    def __init__(self, body):
        self._body = body
        self._at = 0
        self._page = 0
        self._table = b""

    def document(self):
        """Return the root; nothing may follow it."""
        if self._byte() not in (1, 2, 3):
            raise ValueError("not WBXML 1.1 to 1.3")
        if self._number() == 0:
            self._number()  # its place in the string table: the identity decides nothing
        if self._number() not in (0, _UTF8):
            raise ValueError("not UTF-8")
        self._table = self._take(self._number())
        try:
            root = self._body_of_document()
        except IndexError as error:
            raise ValueError("the message ends early") from error
        if self._at != len(self._body):
            raise ValueError("%d bytes after the root" % (len(self._body) - self._at))
        return root

    def _body_of_document(self):
        """Return the root; here are most of a message's bytes, hence one loop with nothing called for a tag."""
        body, names, at = self._body, _names(0), self._at
        top = here = Element("")
        above, count = [], 0
        while True:
            token = body[at]
            at += 1
            if name := names[token]:
                made = Element(name)
                here.children.append(made)
                count += 1
                if token & _HAS_CONTENT:
                    above.append(here)
                    here = made
                if count > _MAX_ELEMENTS or len(above) >= _MAX_DEPTH:
                    raise ValueError("too deep or too many elements")
            elif token == _STR_I:
                end = body.find(b"\0", at)
                if end < 0:
                    raise ValueError("a text without end")
                here.text = body[at:end] if here.text is None else here.text + body[at:end]
                at = end + 1
            elif token == _END:
                if here is top:
                    raise ValueError("END outside of an element")
                here = above.pop()
            elif token == _SWITCH_PAGE:
                names = _names(body[at])
                at += 1
            else:
                self._at = at
                self._append(here, token)
                at = self._at
            if here is top and top.children:
                self._at = at
                return top.children[0]

    def _append(self, element, token):
        """Add a content that is rare."""
        if token not in (_ENTITY, _STR_T, _OPAQUE):
            raise ValueError("attributes" if token & _HAS_ATTRIBUTES else "token %02X" % token)
        element.text = (element.text or b"") + self._content(token)
        element.opaque |= token == _OPAQUE

    def _content(self, token):
        if token == _ENTITY:
            return chr(self._number()).encode()
        if token == _OPAQUE:
            return self._take(self._number())
        start = self._number()
        if start >= len(self._table):
            raise ValueError("a text outside of the string table")
        return self._table[start:].partition(b"\0")[0]

    def _byte(self):
        return self._take(1)[0]

    def _number(self):
        number = 0
        for _ in range(5):
            byte = self._byte()
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                return number
        raise ValueError("a number of more than five bytes")

    def _take(self, size):
        if size > len(self._body) - self._at:
            raise ValueError("the message ends early")
        self._at += size
        return self._body[self._at - size : self._at]
