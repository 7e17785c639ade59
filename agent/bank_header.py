"""The sector beside an image that says what the image is: the signed manifest as it came, written last, erased first.

Bytes: magic, length, CRC32 of the text, text. Must not know what a manifest says.
"""

import struct

from agent.compat import const, crc32
from agent.errors import FlashError

_MAGIC = b"FUH1"
_TEXT = const(12)
_PAGE = const(256)


def read_text(header, into):
    """Copy the manifest's text into `into`; return its length, 0 where there is none that is whole."""
    text = text_bytes(header, len(into))
    into[: len(text)] = text
    return len(text)


def text_bytes(header, most):
    """Return the manifest's text, empty where there is none that is whole and no longer than `most`."""
    head = bytearray(_TEXT)
    header.read(0, head)
    size, crc = struct.unpack_from("<II", head, 4)
    if head[:4] != _MAGIC or size > most:
        return b""
    text = bytearray(size)
    header.read(_TEXT, text)
    return text if crc32(text) == crc else b""


class HeaderWriter:
    """Writes one header, a flash operation a step, the page that makes it valid last."""

    def __init__(self, header, text, erased=False):
        self._header = header
        self._text = text
        self._page = bytearray(_PAGE)
        self._pages = (_TEXT + len(text) + _PAGE - 1) // _PAGE
        self._left = self._pages if erased else -1  # pages to write; -1: erase first

    def same(self):
        """Tell whether the flash holds this very header already."""
        for page in range(self._pages):
            if not self._matches(page):
                return False
        return True

    def erase(self):
        """Erase without writing: until the image is whole there must be no header."""
        self._header.erase(0, self._header.erase_units[0][0])
        self._left = self._pages

    def step(self):
        """Do one more operation; return True once the header is written and reads back."""
        if self._left < 0:
            self.erase()
        elif self._left:
            self._left -= 1
            self._fill(self._left)
            self._header.program(self._left * _PAGE, self._page)
        else:
            if not self.same():
                raise FlashError("the header sector does not hold what was written: replace the flash")
            return True
        return False

    def _matches(self, page):
        found = bytearray(_PAGE)
        self._header.read(page * _PAGE, found)
        self._fill(page)
        return found == self._page

    def _fill(self, page):
        """Put the page's bytes, blank behind the end, into the buffer."""
        self._page[:] = b"\xff" * _PAGE
        if page == 0:
            self._page[:4] = _MAGIC
            struct.pack_into("<II", self._page, 4, len(self._text), crc32(self._text))
        first = _TEXT if page == 0 else 0
        start = page * _PAGE + first - _TEXT
        piece = self._text[start : start + _PAGE - first]
        self._page[first : first + len(piece)] = piece
