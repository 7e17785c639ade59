"""WBXML of SyncML, an own encoder and decoder: the agent's may not be its own judge.

Tokens: WBXML 1.3 (public domain note of the W3C) and the SyncML 1.2 code pages (facts/omadm.md 6.1-6.3). Raises
ValueError or LookupError on broken input.
"""

from flash_tools.server.dm_element import Element

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
_TOKENS = {name: (page, token) for page, names in enumerate(_PAGES) for token, name in names.items()}
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


def encode_wbxml(root: Element, style) -> bytes:
    """Return the document in the given style (see Style in dm_codec)."""
    return _Writer(style).document(root)


def decode_wbxml(body: bytes) -> Element:
    """Return the root of the document."""
    return _Reader(body).document()


def _token(name: str) -> tuple[int, int]:
    """Return page and token; a name like `0:3F` stands for itself, so that scripts can send what does not exist."""
    page, colon, token = name.partition(":")
    return (int(page, 16), int(token, 16)) if colon else _TOKENS[name]


class _Writer:
    def __init__(self, style):
        self._style = style
        self._page = 0
        self._table = b""
        self._offsets = {}

    def document(self, root):
        """Return header and body."""
        if self._style.header == "table":
            self._fill_table(root)
        body = self._element(root)
        if self._style.header == "textual":
            identity, table = multi_byte(0) + multi_byte(0), _PUBLIC_TEXT  # without NUL, as most do
        else:
            identity, table = multi_byte(_PUBLIC_ID), self._table
        return bytes([self._style.version]) + identity + multi_byte(_UTF8) + multi_byte(len(table)) + table + body

    def _fill_table(self, root):
        for element in root.walk():
            text = element.text
            known = not text or b"\0" in text or text in self._offsets
            if element.tag_name == "LocURI" and not known and len(self._table) + len(text) < _MAX_TABLE:
                self._offsets[text] = len(self._table)
                self._table += text + b"\0"

    def _element(self, element):
        page, token = _token(element.tag_name)
        out = self._switch(page)
        content = b"".join(self._element(child) for child in element.children) or self._text(element)
        if not content:
            return out + bytes([token]) + self._back(page)
        return out + bytes([token | _HAS_CONTENT]) + content + bytes([_END]) + self._back(page)

    def _back(self, page):
        return self._switch(0) if page and self._style.pages == "eager" else b""

    def _switch(self, page):
        if page == self._page:
            return b""
        self._page = page
        return bytes([_SWITCH_PAGE, page])

    def _text(self, element):
        text = element.text
        if not text:
            return bytes([_STR_I, 0]) if self._style.long_empty else b""
        if text in self._offsets:
            return bytes([_STR_T]) + multi_byte(self._offsets[text])
        if element.opaque or self._style.opaque == "always" or b"\0" in text or not _is_text(text):
            return bytes([_OPAQUE]) + multi_byte(len(text)) + text
        return bytes([_STR_I]) + text + b"\0"


def _is_text(text):
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
        root = self._body_of_document()
        if self._at != len(self._body):
            raise ValueError("%d bytes after the root" % (len(self._body) - self._at))
        return root

    def _body_of_document(self):
        top = Element("")
        open_elements, count = [top], 0
        while not (top.children and len(open_elements) == 1):
            token = self._byte()
            if token == _SWITCH_PAGE:
                self._page = self._byte()
            elif token == _END:
                if len(open_elements) == 1:
                    raise ValueError("END outside of an element")
                open_elements.pop()
            elif token in (_ENTITY, _STR_I, _STR_T, _OPAQUE):
                _append(open_elements[-1], self._content(token), token == _OPAQUE)
            else:
                count += 1
                made = self._tag(token)
                open_elements[-1].children.append(made)
                if token & _HAS_CONTENT:
                    open_elements.append(made)
            if len(open_elements) > _MAX_DEPTH or count > _MAX_ELEMENTS:
                raise ValueError("too deep or too many elements")
        return top.children[0]

    def _tag(self, token):
        if token & _HAS_ATTRIBUTES:
            raise ValueError("attributes")
        page, token = self._page, token & 0x3F
        if token < 5:
            raise ValueError("token %02X" % token)
        name = _PAGES[page].get(token) if page < len(_PAGES) else None
        return Element(name or "%X:%02X" % (page, token))

    def _content(self, token):
        if token == _ENTITY:
            return chr(self._number()).encode()
        if token == _OPAQUE:
            return self._take(self._number())
        if token == _STR_T:
            start = self._number()
            if start >= len(self._table):
                raise ValueError("a text outside of the string table")
            return self._table[start:].partition(b"\0")[0]
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise ValueError("a text without end")
        text = self._take(end - self._at)
        self._at += 1
        return text

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


def _append(element, text, opaque):
    element.text = (element.text or b"") + text
    element.opaque = element.opaque or opaque
