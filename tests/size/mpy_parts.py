"""Takes a `.mpy` of MicroPython 1.23 or newer apart: how many bytes its functions, names, objects and line numbers have."""

from dataclasses import dataclass, field

_STRING, _BYTES, _TUPLE = 5, 6, 10  # kinds of objects
_CONSTANT = 4  # kinds up to this one have no bytes


@dataclass
class Part:
    """One function, class body or module: `size` without what is inside of it, `lines` of that for line numbers."""

    name: str
    size: int
    lines: int
    inner: list["Part"] = field(default_factory=list)


@dataclass
class Parts:
    """One file: `names` and `objects` are bytes of its tables, `table` the names themselves: those in ROM are `#number`."""

    names: int
    objects: int
    top: Part
    table: list[str]


def take_apart(data: bytes) -> Parts:
    """Return the parts of a file."""
    reader = _Reader(data)
    reader.at = 4
    names_count, objects_count = reader.number(), reader.number()
    begin = reader.at
    names = [reader.name() for _ in range(names_count)]
    middle = reader.at
    for _ in range(objects_count):
        reader.skip_object()
    behind = reader.at
    top = reader.code(names)
    if reader.at != len(data):
        raise ValueError("%d bytes too many" % (len(data) - reader.at))
    return Parts(middle - begin, behind - middle, top, names)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = 0
        while True:
            byte = self.byte()
            value = value << 7 | byte & 127
            if byte < 128:
                return value

    def name(self):
        """Return a name; one that the interpreter has in its ROM is a number there."""
        size = self.number()
        if size & 1:
            return "#%d" % (size >> 1)
        self.at += (size >> 1) + 1
        return self.data[self.at - (size >> 1) - 1 : self.at - 1].decode()

    def skip_object(self):
        kind = self.byte()
        if kind == _TUPLE:
            for _ in range(self.number()):
                self.skip_object()
        elif kind > _CONSTANT:
            size = self.number()
            self.at += size + (kind in (_STRING, _BYTES))  # with the zero behind it

    def code(self, names):
        begin = self.at
        kind = self.number()
        body = self.at
        name, lines = self._head(names, body)
        self.at = body + (kind >> 3)
        part = Part(name, self.at - begin, lines)
        if kind & 4:
            for _ in range(self.number()):
                part.inner.append(self.code(names))
        return part

    def _head(self, names, body):
        """Return (name, bytes of line numbers) as the head of the code says."""
        self.at = body
        arguments = self._arguments()
        info, cells, shift = 0, 0, 0
        while True:
            byte = self.byte()
            cells |= (byte & 1) << shift
            info |= (byte >> 1 & 63) << 6 * shift
            shift += 1
            if byte < 128:
                break
        end = self.at + info
        name = names[self.number()]
        for _ in range(arguments):
            self.number()
        return name, end - self.at

    def _arguments(self):
        byte = self.byte()
        count, shift = byte & 3, 0
        while byte & 128:
            byte = self.byte()
            count += ((byte & 4) << shift) + ((byte >> 3 & 1) << shift)
            shift += 1
        return count
