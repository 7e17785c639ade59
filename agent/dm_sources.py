"""Where the Data of a Results comes from: bytes at hand, a leaf that is read in pieces, a tree that is serialised.

A source has `size`, `read(offset, into)`, `form`, `kind`, `binary`, and `cut`, which shortens a chunk so that no character
of a text is torn.
"""

from agent.compat import const
from agent.dm_tree import FORMATS

_NODE = const(1)
_CHR = const(2)
_BIN = const(5)
_PLAIN = const("text/plain")


class BytesSource:
    """A short value that is at hand."""

    binary = False

    def __init__(self, data, form=None, kind=None):
        self._data = memoryview(data)
        self.size, self.form, self.kind = len(data), form, kind

    def read(self, offset, into):
        """Copy a part; return its size."""
        part = self._data[offset : offset + len(into)]
        size = len(part)
        into[:size] = part
        return size

    def cut(self, offset, size):
        """Return a size not above `size` that does not end inside a character."""
        if self.binary:
            return size // 3 * 3
        one = memoryview(bytearray(1))
        while size and self.read(offset + size, one) and one[0] & 0xC0 == 0x80:
            size -= 1
        return size


class LeafSource(BytesSource):
    """A leaf of the tree; `kept` is a reading that was made before the leaf changed."""

    def __init__(self, tree, path, kept=None):
        form, kind = tree.kind(path) >> 8 & 15, tree.type_of(path)
        super().__init__(kept or b"", None if form == _CHR else FORMATS[form], None if kind == _PLAIN else kind)
        self.binary = form == _BIN
        if kept is None:
            self.size = tree.size(path)
            self.read = lambda offset, into: tree.read(path, offset, into)


def node_source(tree, path, kept=None):
    """Return what a plain Get of the node gives: the value of a leaf, the names below an interior node."""
    if kept is None and tree.kind(path) >> 8 & 15 == _NODE:
        return BytesSource("/".join(tree.each_child(path)).encode(), "node", tree.type_of(path) or _PLAIN)
    return LeafSource(tree, path, kept)
