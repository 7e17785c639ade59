"""Which changes of a stored object's nodes are right, how they are made, kept and undone. See mo_stored.py."""

from agent.compat import const
from agent.errors import ProtocolError
from agent.mo_stored import StoredObject

_ADD = const(1)
_DELETE = const(4)
_REPLACE = const(32)
_DYNAMIC = const(64)
_NODE = const(1)
_INT = const(3)
_BOOL = const(4)
_BIN = const(5)
_B64 = const(6)


class Editing(StoredObject):
    """What a StoredObject does then."""

    def check(self, op, path, value):
        """Return the status that the change deserves."""
        row = self.row(path)
        if not row:
            return 405
        if op == _ADD and not row[1] & _DYNAMIC:
            return 405
        if op == _ADD and self.limit and "/" not in path and len(self.children("")) >= self.limit:
            return 420
        if op in (_ADD, _REPLACE):
            return _check_value(row, value)
        return 200 if op == _DELETE else 405

    def apply(self, op, path, value):
        """Do it; `check` has said yes."""
        if op == _DELETE:
            self.store.delete(path)
        else:
            kind = value.kind or (self.type_of(path) if op == _REPLACE else "")
            self.store.set(path, self.row(path)[1] >> 8 & 15, kind, bytes(value.data))
        return 200

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


def _check_value(row, value):
    form = row[1] >> 8 & 15
    if (value.form == _NODE) != (form == _NODE) and value.form:
        return 405
    if value.form not in (0, form) and not (form == _BIN and value.form == _B64):
        return 415
    if form == _NODE:
        return 405 if len(value.data) else 200
    if form in (_INT, _BOOL):
        value.data = bytes(value.data).strip()
    if len(value.data) > row[3]:
        return 413
    if form == _INT and not _is_int(value.data):
        return 415
    if form == _BOOL and value.data not in (b"true", b"false"):
        return 415
    if form != _BIN:
        try:
            str(value.data, "utf-8")
        except UnicodeError:
            return 415
    return 200


def _is_int(text):
    if text[:1] in (b"-", b"+"):
        text = text[1:]
    return 0 < len(text) < 11 and text.isdigit()
