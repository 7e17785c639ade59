"""A management object whose nodes live in a Store, its shape given by rows: (pattern, kind, type, largest value).

`*` in a pattern is any one name. Permanent rows are there without being stored; dynamic ones once they were added.
"""

from agent.compat import const
from agent.dm_uri import name, parent
from agent.errors import ProtocolError

_DYNAMIC = const(64)


class StoredObject:
    """Implements ManagementObject of hal/contracts.py over rows and a Store; `limit` bounds the names below the root."""

    def __init__(self, store, rows, limit=0):
        self.store, self._rows, self.limit = store, rows, limit

    def rows(self):
        """Return the rows."""
        return self._rows

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
        if row and (not row[1] & _DYNAMIC or self.store.find(path)):
            return row[1]
        return 0

    def type_of(self, path):
        """Return the Type property."""
        found = self.store.find(path)
        return found[1] if found and found[1] else self.row(path)[2]

    def children(self, path):
        """Return the names below the node."""
        names = []
        for row in self.rows():
            if row[0] and not row[1] & _DYNAMIC and parent(row[0]) == path:
                names.append(name(row[0]))
        for found in self.store.names():
            if found[0] and parent(found[0]) == path and name(found[0]) not in names:
                names.append(name(found[0]))
        return names

    def size(self, path):
        """Return the size of the value."""
        found = self.store.find(path)
        return found[3] if found else 0

    def read(self, path, offset, into):
        """Copy a part of the value."""
        value = self.store.value(path)
        part = value[offset : offset + len(into)] if value else b""
        into[: len(part)] = part
        return len(part)

    def check(self, op, path, value):
        """Return the status that the change deserves."""
        from agent.mo_stored_edit import check

        return check(self, op, path, value)

    def apply(self, op, path, value):
        """Do it; `check` has said yes."""
        from agent.mo_stored_edit import apply

        return apply(self, op, path, value)

    def rename(self, path, new):
        """Move a node; only a name that is free can become another one."""
        if self.row(path) != self.row(new):
            raise ProtocolError("the name is fixed", 405)
        self.store.rename(path, new)

    def changes(self):
        """Return what to put."""
        return self.store.changes()

    def saved(self):
        """Take note that it was put."""
        self.store.saved()

    def reload(self):
        """Forget what was not put."""
        self.store.reload()

    def snapshot(self):
        """Return what `restore` needs."""
        return self.store.blob

    def restore(self, snapshot):
        """Undo; tell whether it could be done."""
        self.store.blob = snapshot
        return True


def _fits(names, wanted):
    for i in range(len(names)):
        if names[i] != "*" and names[i] != wanted[i]:
            return False
    return True
