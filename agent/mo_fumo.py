"""FUMO, the firmware of the device as servers see it: where a package comes from, what is to be done, how far it is.

Knows the nodes and what they say; what lies below Ext is an object of its own (mo_fumo_ext.py). Orders and changes stand in
mo_fumo_orders.py; what an order leads to is update.py's matter, how a pushed package gets into the bank that of push.py.
"""

from agent.job import NO_BANK
from agent.late import late
from agent.mo_stored import StoredObject

_ROWS = (  # see mo_stored
    "n:=urn:oma:mo:oma-fumo:1.0 c:PkgName c:PkgVersion x:Download u1024:Download/PkgURL x:Update "
    "d:Update/PkgData=application/vnd.fumo-agent.package x:DownloadAndUpdate u1024:DownloadAndUpdate/PkgURL i:State"
)


class Fumo(StoredObject):
    """`uri` is the root's, like ./FUMO; `update` has `accept(job)`, `state` and `record`; `push()` gives a Push.

    `held(bank)` gives the manifest of the package in that bank.
    """

    def __init__(self, uri, store, update, push, held=None):
        super().__init__(store, _ROWS)
        self.uri, self._update, self._make_push, self._held = uri, update, push, held
        self._push = None
        self._fresh = False  # a PkgURL was replaced, what that means is not put yet

    def __getattr__(self, name):  # what is ordered and changed
        from agent.mo_fumo_orders import Orders

        return late(Orders, self, name)

    @property
    def unsettled(self):
        """Tell whether it knows what is not on flash: while that is so, it cannot be made anew."""
        return self._fresh or self._push is not None

    def value(self, path):
        """Return the value."""
        if path == "State":
            return b"%d" % self._update.state
        if path[:3] != "Pkg":
            return super().value(path)
        package = self._update.record.package
        known = package.known  # (bank, digest, PkgName, PkgVersion): the signature is not proven at each reading
        if not known or known[0] != package.bank or known[1] != package.digest:
            found = self._held(package.bank) if self._held and package.bank != NO_BANK else None
            names = (found.product, found.version) if found else ("", "")
            known = package.known = (package.bank, package.digest) + names
        return known[3 if path == "PkgVersion" else 2].encode()

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
