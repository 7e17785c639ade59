"""What the SyncML codecs share: the window that the readers look through, the buffer that the writers fill, the events.

A document of any length passes through one `Window`. A reader's `events` is a generator of the numbers below; on NEED_DATA
the caller puts bytes into the window (`feed`, or `space` and `filled`) or says `close`, and goes on. Nobody touches the
window at another time. A writer writes into an `Out`, which the caller empties between two calls.
"""

from agent.compat import const
from agent.errors import ProtocolError

NEED_DATA = const(0)  # the window must be filled or closed
START = const(1)  # reader.tag
TEXT = const(2)  # reader.text, one piece of the text; valid until the next event
END = const(3)  # reader.tag
DONE = const(4)  # the document is complete and nothing follows it


class Window:
    """The part of a document that is held: `buf[start:end]`."""

    def __init__(self, size=512):
        self.buf = bytearray(size)
        self.view = memoryview(self.buf)
        self.open()

    def open(self):
        """Begin another document."""
        self.start = self.end = 0
        self.closed = False

    def space(self):
        """Return the room for new bytes, behind what is still unread; empty when the window is full."""
        view, start = self.view, self.start
        if start:
            self.start = 0
            view[: self.end - start] = view[start : self.end]
            self.end -= start
        return view[self.end :]

    def filled(self, count):
        """Say that `count` bytes of `space` hold data now."""
        self.end += count

    def feed(self, data):
        """Copy in what fits of `data`; return the number of bytes."""
        space = self.space()
        count = min(len(space), len(data))
        space[:count] = memoryview(data)[:count]
        self.filled(count)
        return count

    def close(self):
        """Say that nothing more comes."""
        self.closed = True

    def need(self):
        """Refuse where a reader cannot go on and there is no data or no room to come."""
        check(not self.closed, "early end")
        check(self.start or self.end < len(self.buf), "long tag")


class Out:
    """A buffer of fixed size; `view[:size]` is what was written since `clear`."""

    def __init__(self, size=1024):
        self.buf = bytearray(size)
        self.view = memoryview(self.buf)
        self.size = 0

    def put(self, data):
        """Append bytes; too many are a defect of the caller's, and raise ValueError."""
        end = self.size + len(data)
        self.view[self.size : end] = data
        self.size = end

    def clear(self):
        """Forget what was written, after it was sent."""
        self.size = 0


def check(ok, text):
    """Refuse the document if it is not as it should be; `text` is the one word that says where."""
    if not ok:
        raise ProtocolError("SyncML: " + text)


def character(code):
    """Return the UTF-8 of one character that a document names by its number, as a memoryview."""
    some = 0x1F < code < 0x110000 and not 0xD7FF < code < 0xE000 and code | 1 != 0xFFFF
    check(some or code in (9, 10, 13), "character")
    return memoryview(chr(code).encode())
