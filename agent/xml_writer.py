"""Writes SyncML as XML, into an `Out` that the caller empties between two calls.

One call writes at most what it is given, escaped: up to five times its length. Tags must be those of `syncml_tags`.
"""

from agent.compat import const
from agent.syncml_tags import name

_SYNC_ML = const(0x2D)
_MGMT_TREE = const(0x220)
_TO_ESCAPE = const(b"&<>\r")
_ESCAPED = const((b"&amp;", b"&lt;", b"&gt;", b"&#13;", b"?"))  # the last one for what is not found above


class XmlWriter:
    """The same methods as WbxmlWriter."""

    binary_format = "b64"
    content_type = "application/vnd.syncml.dm+xml"
    tnds_type = "application/vnd.syncml.dmtnds+xml"

    def __init__(self, out):
        self.out = out
        self.begin_tnds()

    def begin(self):
        """Write what stands before the root of a message."""
        self.begin_tnds()
        self.out.put(b'<?xml version="1.0" encoding="UTF-8"?>')

    def begin_tnds(self):
        """Begin a device description that is carried inside of a message: nothing stands before it."""
        self._open = [0]  # 0 for what is around the root

    def start(self, tag):
        """Open an element."""
        self._tag(tag, b">")
        self._open.append(tag)

    def end(self):
        """Close the element that was opened last."""
        self.out.put(b"</" + name(self._open.pop()) + b">")

    def empty(self, tag):
        """Write an element without content."""
        self._tag(tag, b"/>")

    def leaf(self, tag, data):
        """Write an element around text: str, bytes or None."""
        if not data:
            return self.empty(tag)
        self.start(tag)
        self.text(data)
        self.end()

    def text(self, data):
        """Write text, escaped; ? for what XML has no way to carry."""
        if isinstance(data, str):
            data = data.encode()
        data = memoryview(data)
        put, done = self.out.put, 0
        for i in range(len(data)):
            byte = data[i]
            if (byte < 0x20 or byte in b"&<>") and byte not in b"\t\n":
                put(data[done:i])
                put(_ESCAPED[_TO_ESCAPE.find(bytes((byte,)))])
                done = i + 1
        put(data[done:])

    def data_size(self, size, binary):
        """Return the size that so many bytes have in the document, as the Size of a Meta says it."""
        return (size + 2) // 3 * 4 if binary else size

    def begin_data(self, size, binary):
        """Begin a content of `size` bytes that comes in pieces of at most 256; a binary one goes out as base64."""
        self._encoder = None  # a content may have been left in the middle
        if binary:
            from agent.base64_encoder import Encoder

            self._encoder, self._coded = Encoder(), memoryview(bytearray(352))  # base64 of the longest piece

    def data(self, piece):
        """Write the next piece of it."""
        if not self._encoder:
            return self.text(piece)
        encode = self._encoder.encode
        self.out.put(self._coded[: encode(piece, self._coded)])

    def end_data(self):
        """End it."""
        if self._encoder:
            self.out.put(self._coded[: self._encoder.finish(self._coded)])

    def _tag(self, tag, last):
        space = b""
        if tag == _SYNC_ML:
            space = b' xmlns="SYNCML:SYNCML1.2"'
        elif tag == _MGMT_TREE:
            space = b' xmlns="syncml:dmddf1.2"'
        elif tag >> 8 == 1 and self._open[-1] >> 8 != 1:
            space = b' xmlns="syncml:metinf"'
        self.out.put(b"<" + name(tag) + space + last)
