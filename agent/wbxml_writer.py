"""Writes SyncML as WBXML 1.2, into an `Out` that the caller empties between two calls."""

from agent.compat import const

_STR_I = b"\x03"
_NUL = b"\0"
_END = b"\x01"
_CONTENT = const(0x40)
_OPAQUE = const(0xC3)


class WbxmlWriter:
    """The same methods as XmlWriter; `public_id` 0 names the document type in words, as some servers want it."""

    binary_format = "bin"
    content_type = "application/vnd.syncml.dm+wbxml"
    tnds_type = "application/vnd.syncml.dmtnds+wbxml"

    def __init__(self, out, public_id=0x1201):
        self.out = out
        self._public_id = public_id
        self._page = 0

    def begin(self):
        """Write the header of a message."""
        if not self._public_id:
            return self._named(b"\x02\0\0\x6a\x1d-//SYNCML//DTD SyncML 1.2//EN")
        self._named(b"\x02")
        self._number(self._public_id)
        self.out.put(b"\x6a\0")

    def begin_tnds(self):
        """Write the header of a device description, a document of its own that is carried inside of a message."""
        self._named(b"\x02\0\0\x6a\x1a-//OMA//DTD-DM-DDF 1.2//EN")

    def begin_fragment(self, page):
        """Begin on a page without any header, for a reader that is told the same page."""
        self._page = page

    def start(self, tag):
        """Open an element."""
        self._tag(tag, _CONTENT)

    def end(self):
        """Close the element that was opened last."""
        self.out.put(_END)

    def empty(self, tag):
        """Write an element without content."""
        self._tag(tag, 0)

    def leaf(self, tag, data):
        """Write an element around text: str, bytes or None."""
        if not data:
            return self.empty(tag)
        self.start(tag)
        self.text(data)
        self.end()

    def text(self, data):
        """Write text, as OPAQUE where it contains a NUL."""
        if isinstance(data, str):
            data = data.encode()
        for byte in data:
            if not byte:
                self.begin_data(len(data), True)
                return self.out.put(data)
        self.out.put(_STR_I)
        self.out.put(data)
        self.out.put(_NUL)

    def data_size(self, size, binary):
        """Return the size that so many bytes have in the document, as the Size of a Meta says it."""
        return size

    def begin_data(self, size, binary):
        """Begin a content of exactly `size` bytes that comes in pieces."""
        self.out.put(bytes((_OPAQUE,)))
        self._number(size)

    def data(self, piece):
        """Write the next piece of it."""
        self.out.put(piece)

    def end_data(self):
        """End it."""

    def _named(self, header):
        self._page = 0
        self.out.put(header)

    def _tag(self, tag, content):
        if tag >> 8 != self._page:
            self._page = tag >> 8
            self.out.put(bytes((0, self._page)))
        self.out.put(bytes((tag & 0x3F | content,)))

    def _number(self, value):
        """Write a mb_u_int32."""
        shift = 28
        while shift and not value >> shift:
            shift -= 7
        while shift >= 0:
            byte = value >> shift & 0x7F
            self.out.put(bytes((byte | 0x80 if shift else byte,)))
            shift -= 7
