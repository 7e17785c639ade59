"""FUMO, the firmware of the device as servers see it: where a package comes from, what is to be done, how far it is.

Knows the nodes and their rules. What an order leads to is update.py's matter, how a pushed package gets into the bank that
of push.py. A new PkgURL stands for another package: what was held is dropped, but only once the URL is on flash.
"""

from agent.compat import const
from agent.job import NO_BANK
from agent.late import late
from agent.mo_stored import StoredObject

MOI = "urn:oma:mo:oma-fumo:1.0"
_EXEC = const(8)
_B64 = const(6)
_BIN = const(5)
_NODE = const(1 << 8 | 16)
_RUN = const(1 << 8 | 16 | 8)
_CHR = const(2 << 8 | 16)
_INT = const(3 << 8 | 16)
_URL = const(2 << 8 | 16 | 32)
_DATA = const(5 << 8 | 32 | 128)  # written while it arrives, never read
_MAX_URL = const(1024)
_PKG_DATA = "Update/PkgData"
_ROWS = (
    ("", _NODE, MOI, 0),
    ("PkgName", _CHR, "", 0),
    ("PkgVersion", _CHR, "", 0),
    ("Download", _RUN, "", 0),
    ("Download/PkgURL", _URL, "", _MAX_URL),
    ("Update", _RUN, "", 0),
    (_PKG_DATA, _DATA, "application/vnd.fumo-agent.package", 0),
    ("DownloadAndUpdate", _RUN, "", 0),
    ("DownloadAndUpdate/PkgURL", _URL, "", _MAX_URL),
    ("State", _INT, "", 0),
    ("Ext", _NODE, "", 0),
)


class Fumo(StoredObject):
    """`uri` is the root's, like ./FUMO; `update` has `accept(job)`, `state` and `record`; `push()` gives a Push.

    `details` is a tuple of (path below Ext, value or function), or a function that gives it when it is wanted first;
    `held(bank)` gives the manifest of the package in that bank.
    """

    def __init__(self, uri, store, update, push, details=(), held=None):
        super().__init__(store, _ROWS)
        self.uri, self._update, self._make_push, self._held = uri, update, push, held
        self._details, self._ext = details, None
        self._push = None
        self._fresh = False  # a PkgURL was replaced, what that means is not put yet

    def __getattr__(self, name):  # what is ordered
        from agent.mo_fumo_orders import Orders

        return late(Orders, self, name)

    @property
    def unsettled(self):
        """Tell whether it knows what is not on flash: while that is so, it cannot be made anew."""
        return self._fresh or self._push is not None

    # -- what is there ------------------------------------------------------------------------------------------------

    def kind(self, path):
        """Return the node's kind, 0 where there is none."""
        return self._leaves().kind(path[4:]) if path[:4] == "Ext/" else super().kind(path)

    def type_of(self, path):
        """Return the Type property."""
        return self._leaves().type_of(path[4:]) if path[:4] == "Ext/" else super().type_of(path)

    def children(self, path):
        """Return the names below the node."""
        return self._leaves().children(path[4:]) if path[:3] == "Ext" else super().children(path)

    def size(self, path):
        """Return the size of the value."""
        if path[:4] == "Ext/":
            return self._leaves().size(path[4:])
        text = self._text(path)
        return super().size(path) if text is None else len(text)

    def read(self, path, offset, into):
        """Copy a part of the value."""
        if path[:4] == "Ext/":
            return self._leaves().read(path[4:], offset, into)
        text = self._text(path)
        if text is None:
            return super().read(path, offset, into)
        part = text[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)

    def _leaves(self):
        if not self._ext:
            from agent.mo_leaves import Leaves

            details = self._details
            self._ext = Leaves("", details() if callable(details) else details)
        return self._ext

    def _text(self, path):
        """Return what a leaf says that is not stored, None for every other one."""
        if path == "State":
            return b"%d" % self._update.state
        return self._package()[3 if path == "PkgVersion" else 2].encode() if path[:3] == "Pkg" else None

    def _package(self):
        package = self._update.record.package
        known = package.known  # (bank, digest, PkgName, PkgVersion): the signature is not proven at each reading
        if not known or known[0] != package.bank or known[1] != package.digest:
            found = self._held(package.bank) if self._held and package.bank != NO_BANK else None
            names = (found.product, found.version) if found else ("", "")
            known = package.known = (package.bank, package.digest) + names
        return known

    # -- what is to be done -------------------------------------------------------------------------------------------

    def check(self, op, path, value):
        """Return the status that the change deserves; an order's is known only when it is taken."""
        if op == _EXEC:
            return 202
        if path != _PKG_DATA:
            return super().check(op, path, value)
        if value.form not in (0, _BIN, _B64):
            return 415
        return 200 if self._update.record.open else 403

    def apply(self, op, path, value):
        """Do it; `check` has said yes."""
        if op == _EXEC:
            return self._execute(path, value)
        if path == _PKG_DATA:
            return self._finish_push(value)
        self._fresh = True
        return super().apply(op, path, value)

    def saved(self):
        """The URL is on flash: now the package that it takes the place of may go."""
        super().saved()
        self._settle()

    def reload(self):
        """Forget what was not put."""
        super().reload()
        self._fresh = False

    def snapshot(self):
        """Return what `restore` needs."""
        return self.store.blob, self._fresh

    def restore(self, snapshot):
        """Undo; tell whether it could be done."""
        self.store.blob, self._fresh = snapshot
        return True

    # -- a package that is pushed -------------------------------------------------------------------------------------

    def write(self, path, offset, data):
        """Take the next piece; return how many bytes were taken, 0 where the flash is busy."""
        if not offset and not (self._push and self._push.is_new):
            self.abandon(path)
            self._push = self._make_push()
        return self._push.write(offset, data)

    def abandon(self, path):
        """Drop what came."""
        if self._push:
            self._push.abandon()
            self._push = None
