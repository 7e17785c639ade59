"""What is ordered and changed of the firmware object, and what ends a package that was pushed. See mo_fumo.py.

A new PkgURL stands for another package: what was held is dropped, but only once the URL is on flash.
"""

from agent.compat import const
from agent.dm_tree import refuse
from agent.errors import FlashError
from agent.job import DOWNLOAD_AND_UPDATE, DOWNLOAD_ONLY, UPDATE_ONLY, Job
from agent.mo_stored_edit import Editing

_EXEC = const(8)
_BIN = const(5)
_B64 = const(6)
_PKG_DATA = "Update/PkgData"
_ORDERS = {"Download": DOWNLOAD_ONLY, "Update": UPDATE_ONLY, "DownloadAndUpdate": DOWNLOAD_AND_UPDATE}


class Orders(Editing):
    """What a Fumo does then."""

    def check(self, op, path, value):
        """Return the status that the change deserves; an order's is known only when it is taken."""
        if op == _EXEC:
            return 202
        if path != _PKG_DATA:
            return Editing.check(self, op, path, value)
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
        return Editing.apply(self, op, path, value)

    def saved(self):
        """The URL is on flash: now the package that it takes the place of may go."""
        Editing.saved(self)
        self._settle()

    def reload(self):
        """Forget what was not put."""
        Editing.reload(self)
        self._fresh = False

    def snapshot(self):
        """Return what `restore` needs."""
        return self.store.blob, self._fresh

    def restore(self, snapshot):
        """Undo; tell whether it could be done."""
        self.store.blob, self._fresh = snapshot
        return True

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _execute(self, path, value):
        """Take the order, on a small board at the agent's next step: here its stack is deep already, and 0 means not yet."""
        shallow = getattr(self._update, "shallow", None)
        if not shallow:
            return self._order(path, value)
        return shallow(lambda: self._order(path, value))

    def _order(self, path, value):
        job = Job()
        job.kind, job.server, job.node = _ORDERS[path], value.server or "", self.uri + "/" + path
        job.correlator, job.url = value.correlator, self.store.text(path + "/PkgURL")
        record = self._update.record
        try:
            if record.idle or not record.job.same_order(job):
                self._settle()  # an order that comes behind a new URL finds nothing held
            self._fresh = False
            return self._update.accept(job)
        except FlashError:
            return 500

    def _settle(self):
        record, fresh = self._update.record, self._fresh
        self._fresh = False
        if fresh and record.open:
            record.reset_state()

    def _finish_push(self, value):
        """Return the status of the whole object, 0 while it is being proven."""
        if value.data is not None:
            refuse(405, "a package is pushed, not copied")
        if not self._push:
            refuse(415, "an empty value is no package")
        code = self._push.finish()
        if code:
            self._push = None
        return code
