"""The element tree of a SyncML message: what the server thinks in, whatever the bytes were.

Names are local names without namespace; the code page follows from the name. A tree may hold anything, also what no
standard allows: the fault scripts want that.
"""

METINF = frozenset(
    "Anchor EMI Format FreeID FreeMem Last Mark MaxMsgSize Mem MetInf Next NextNonce SharedMem Size Type Version "
    "MaxObjSize FieldLevel".split()
)


class Element:
    """One element: either children or a text in bytes, None where it is empty."""

    __slots__ = ("tag_name", "children", "text", "opaque")

    def __init__(self, tag_name: str, children: list | None = None, text: bytes | None = None, opaque: bool = False):
        self.tag_name = tag_name
        self.children = children if children is not None else []
        self.text = text
        self.opaque = opaque  # its text is binary: OPAQUE in WBXML

    def __repr__(self):
        inner = self.children if self.children else self.text
        return "%s(%r)" % (self.tag_name, inner)

    def __eq__(self, other):
        if not isinstance(other, Element):
            return NotImplemented
        return (self.tag_name, self.children, self.text or b"") == (other.tag_name, other.children, other.text or b"")

    __hash__ = None

    def find(self, *path: str) -> "Element | None":
        """Return the first element down the path, None where a step is missing."""
        here = self
        for tag_name in path:
            for child in here.children:
                if child.tag_name == tag_name:
                    here = child
                    break
            else:
                return None
        return here

    def find_all(self, tag_name: str) -> list["Element"]:
        """Return the children of that name."""
        return [child for child in self.children if child.tag_name == tag_name]

    def walk(self):
        """Yield this element and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def data(self, *path: str) -> bytes | None:
        """Return the text at the path as it is; empty for an empty element, None where there is none."""
        found = self.find(*path)
        return None if found is None else found.text or b""

    def value(self, *path: str, default: str = "") -> str:
        """Return the trimmed text at the path."""
        here = self
        for tag_name in path:  # as in `find`: this is called a hundred times a message
            for child in here.children:
                if child.tag_name == tag_name:
                    here = child
                    break
            else:
                return default
        return here.text.decode("utf-8", "replace").strip() if here.text else ""

    def size(self, *path: str) -> int | None:
        """Return the decimal number at the path, None where there is none."""
        text = self.value(*path)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def leaf(tag_name: str, value: str | int | bytes, opaque: bool = False) -> Element:
    """Make an element with a text."""
    text = value if isinstance(value, bytes) else str(value).encode()
    return Element(tag_name, None, text, opaque)


def node(tag_name: str, *children: "Element | None") -> Element:
    """Make an element with the children that are not None."""
    return Element(tag_name, [child for child in children if child is not None])


def meta(**values: str | int | bytes | None) -> Element | None:
    """Make a Meta of what is not None, in the order given; None if that is nothing."""
    found = [leaf(name, value) for name, value in values.items() if value is not None]
    return Element("Meta", found) if found else None


def location(tag_name: str, uri: str, name: str = "") -> Element:
    """Make a Target or Source."""
    return node(tag_name, leaf("LocURI", uri), leaf("LocName", name) if name else None)
