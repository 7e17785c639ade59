"""What is ordered of the firmware object, and what ends a package that was pushed. See mo_fumo.py."""

from agent.dm_tree import refuse
from agent.errors import FlashError
from agent.job import DOWNLOAD_AND_UPDATE, DOWNLOAD_ONLY, UPDATE_ONLY, Job
from agent.mo_fumo import Fumo

_ORDERS = {"Download": DOWNLOAD_ONLY, "Update": UPDATE_ONLY, "DownloadAndUpdate": DOWNLOAD_AND_UPDATE}


class Orders(Fumo):
    """What a Fumo does then."""

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
