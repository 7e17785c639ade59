"""A read-only management object: a table of leaves whose values the board hands over as a dict, and the nodes above them.

DevInfo, DevDetail and every vendor's Ext are one of these. A value may be a function: it is asked at most once a session.
"""

from agent.compat import const
from agent.dm_uri import add_children

_GET = const(16)
_VOLATILE = const(4096)
_NODE = const(1 << 8 | _GET)
_CHR = const(2 << 8 | _GET)


class Values:
    """What an object has of a ManagementObject whose `value(path)` gives the bytes of a leaf."""

    unsettled = False  # tells whether it knows what is not on flash

    def size(self, path):
        """Return the size of the value."""
        return len(self.value(path))

    def read(self, path, offset, into):
        """Copy a part of the value."""
        part = self.value(path)[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)


class Leaves(Values):
    """`leaves` is a tuple of (path, value); a value is text or a function that gives text. `moi` is the root's Type."""

    def __init__(self, moi, leaves):
        self._moi, self._leaves = moi, leaves

    def _leaf(self, path):
        for where, value in self._leaves:
            if where == path:
                return value
        return None

    def kind(self, path):
        """Return the node's kind, 0 where there is none."""
        value = self._leaf(path)
        if value is not None:
            return _CHR | _VOLATILE if callable(value) else _CHR
        return _NODE if self.children(path) else 0

    def type_of(self, path):
        """Return the Type property."""
        return self._moi if not path else "" if self._leaf(path) is None else "text/plain"

    def children(self, path):
        """Return the names below the node."""
        return add_children([], self._leaves, path)

    def value(self, path):
        """Return the value."""
        value = self._leaf(path)
        return (value() if callable(value) else value).encode()

    def check(self, op, path, value):
        """Nothing can be changed."""
        return 405

    apply = check

    def rename(self, path, new):
        """Never asked: no node is dynamic."""

    def restore(self, snapshot):
        """Undo nothing."""

    def changes(self):
        """Return nothing: nothing changes."""
        return ()

    snapshot = saved = reload = changes
