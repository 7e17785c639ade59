"""A subtree as one device description (TNDS), written again and again as a message has room, and never held as a whole.

Leaves out what the server may not read, and properties that are empty. The format is decided by the writer's class.
"""

from agent import dm_uri
from agent.compat import const
from agent.dm_property import property_text
from agent.dm_queries import readable
from agent.dm_sources import BytesSource, LeafSource
from agent.syncml_tags import number
from agent.window import Out

_NODE = const(1)
_PIECE = const(96)
_BUFFER = const(768)  # a piece of nothing but &, or all the tags between two pieces
_T_DDF_NAME = const(0x211)
_T_FORMAT = const(0x21C)
_T_MGMT_TREE = const(0x220)
_T_MIME = const(0x221)
_T_NODE = const(0x224)
_T_NODE_NAME = const(0x226)
_T_PATH = const(0x22C)
_T_PROPERTIES = const(0x22F)
_T_TYPE = const(0x235)
_T_VALUE = const(0x236)
_T_VER_DTD = const(0x237)
_TAGS = (
    ("acl", 0x206), ("format", _T_FORMAT), ("name", 0x223), ("size", 0x231), ("title", 0x233), ("tstamp", 0x234),
    ("type", _T_TYPE), ("verno", 0x238),
)  # fmt: skip


class TndsSource(BytesSource):
    """A source for dm_answer; `parts` are the properties that are wanted, and "value", in lower case."""

    def __init__(self, tree, path, parts, server, writer_class):
        self._tree, self._path, self._parts, self._server = tree, path, parts, server
        self._out = Out(_BUFFER)
        self._piece = memoryview(bytearray(_PIECE))
        self._writer = writer_class(self._out)
        self.kind = self._writer.tnds_type
        self.binary = self._writer.binary_format == "bin"
        self.form = "bin" if self.binary else "xml"
        self._end = 0  # offset behind what the buffer holds
        self._steps = None
        self.size = self._seek(0x7FFFFFFF)

    def read(self, offset, into):
        """Copy a part; going back means writing it all once more."""
        done = 0
        while done < len(into):
            end = self._seek(offset)
            if end <= offset:
                break
            start = self._out.size - (end - offset)
            part = self._out.view[start : min(self._out.size, start + len(into) - done)]
            into[done : done + len(part)] = part
            done, offset = done + len(part), offset + len(part)
        return done

    def _seek(self, offset):
        """Write until the buffer holds the byte at `offset`; return the offset behind the buffer."""
        if not self._steps or offset < self._end - self._out.size:
            self._steps, self._end = self._document(), 0
            self._out.clear()
        while self._end <= offset:
            self._out.clear()
            if next(self._steps, self) is self:
                break
            self._end += self._out.size
        return self._end

    # -- the document: generators that yield before the buffer is full ------------------------------------------------

    def _document(self):
        writer, top = self._writer, self._path
        writer.begin_tnds()
        writer.start(_T_MGMT_TREE)
        writer.leaf(_T_VER_DTD, "1.2")
        level = _depth(top)
        opened = level - 1
        for path in readable(self._tree, top, self._server):
            while opened >= _depth(path):
                writer.end()
                opened -= 1
            opened += 1
            writer.start(_T_NODE)
            writer.leaf(_T_NODE_NAME, dm_uri.name(path))
            if path == top and path:
                above = dm_uri.parent(path)
                yield from self._text(_T_PATH, "./" + above if above else ".")
            yield from self._node(path)
        while opened >= level - 1:
            writer.end()
            opened -= 1
        yield

    def _node(self, path):
        writer, leaf = self._writer, self._tree.kind(path) >> 8 & 15 != _NODE
        properties = [row for row in _TAGS if row[0] in self._parts and (leaf or row[0] != "size")]
        if properties:
            writer.start(_T_PROPERTIES)
            for what, tag in properties:
                text = property_text(self._tree, path, what)
                if text:
                    if tag == _T_FORMAT:
                        writer.start(tag)
                        writer.empty(number(text.encode(), True))
                        writer.end()
                    elif tag == _T_TYPE:
                        writer.start(tag)
                        yield from self._text(_T_MIME if leaf else _T_DDF_NAME, text)
                        writer.end()
                    else:
                        yield from self._text(tag, text)
            writer.end()
        if leaf and "value" in self._parts:
            yield from self._content(_T_VALUE, LeafSource(self._tree, path))
        yield

    def _text(self, tag, text):
        return self._content(tag, BytesSource(text.encode()))

    def _content(self, tag, source):
        writer, at = self._writer, 0
        yield
        if not source.size:
            return writer.empty(tag)
        writer.start(tag)
        writer.begin_data(source.size, source.binary)
        while at < source.size:
            count = source.read(at, self._piece[: min(_PIECE, source.size - at)])
            writer.data(self._piece[:count])
            at += count
            yield
        writer.end_data()
        writer.end()


def _depth(path):
    return path.count("/") + 1 if path else 0
