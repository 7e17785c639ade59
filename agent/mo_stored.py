"""A management object whose nodes live in a Store, its shape given by rows: (pattern, kind, type, largest value).

`*` in a pattern is any one name. Permanent rows are there without being stored; dynamic ones once they were added. Rows
may be a text, which takes a fifth of the memory of tuples: a word for each, letter of the kind, largest value, `:`, pattern,
and `=` with the type where there is one. What changes nodes stands in mo_stored_edit.py.
"""

from agent.compat import const
from agent.dm_uri import add_children
from agent.late import late
from agent.mo_leaves import Values

_DYNAMIC = const(64)
_LETTERS = "RNCSBnxcuid"
_KINDS = (
    0x111,  # R: a permanent node, Get and Add
    0x155,  # N: a dynamic node, Get, Add, Delete
    0x275,  # C: a dynamic text, Replace too
    0x265,  # S: the same without Get
    0x565,  # B: the same, binary
    0x110,  # n: a permanent node, Get
    0x118,  # x: the same with Exec
    0x210,  # c: a permanent text, Get
    0x230,  # u: the same with Replace
    0x310,  # i: a permanent number, Get
    0x5A0,  # d: permanent, binary, Replace; takes its value while it arrives
)


class StoredObject(Values):
    """Implements ManagementObject of hal/contracts.py over rows and a Store; `limit` bounds the names below the root."""

    def __init__(self, store, rows, limit=0):
        self.store, self._rows, self.limit = store, rows, limit

    def __getattr__(self, name):  # check, apply, and whatever else changes it
        from agent.mo_stored_edit import Editing

        return late(Editing, self, name)

    def rows(self):
        """Yield the rows."""
        rows = self._rows
        for row in rows.split() if isinstance(rows, str) else rows:
            if isinstance(row, str):
                head, _, rest = row.partition(":")
                pattern, _, kind = rest.partition("=")
                row = pattern, _KINDS[_LETTERS.find(head[0])], kind, int(head[1:] or 0)
            yield row

    def row(self, path):
        """Return the row that describes the path, None where the object has no such place."""
        wanted = path.split("/")
        for row in self.rows():
            names = row[0].split("/")
            if len(names) == len(wanted) and _fits(names, wanted):
                return row
        return None

    def kind(self, path):
        """Return the node's kind, 0 where there is none."""
        row = self.row(path)
        return row[1] if row and (not row[1] & _DYNAMIC or self.store.find(path)) else 0

    def type_of(self, path):
        """Return the Type property."""
        found = self.store.find(path)
        return found[1] if found and found[1] else self.row(path)[2]

    def children(self, path):
        """Return the names below the node."""
        names = add_children([], [row for row in self.rows() if not row[1] & _DYNAMIC], path)
        return add_children(names, self.store.names(), path)

    def value(self, path):
        """Return the value."""
        return self.store.value(path) or b""


def _fits(names, wanted):
    for i in range(len(names)):
        if names[i] != "*" and names[i] != wanted[i]:
            return False
    return True
