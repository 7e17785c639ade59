"""The scripted peer of the simulated device: gives orders, serves packages from memory, takes results. No protocol yet."""

from agent.errors import LinkError
from agent.job import TRIAL, Job

_AGAIN_MS = 30000
IN_TRIAL = -1  # as the place of an order: while the one before is on trial, which must be refused


def make_order(kind, url, correlator):
    """Return an order as the management session will make it."""
    order = Job()
    order.kind = kind
    order.server = "bench"
    order.node = "./FUMO"
    order.url = url
    order.correlator = correlator
    return order


class Stream:
    """A package from one offset on; gives at most `piece` bytes a call, and nothing every `pause`-th time."""

    def __init__(self, server, data, at):
        self._server = server
        self._data = data
        self._at = at
        self._calls = 0

    def read_into(self, into):
        """Give the next bytes; 0 at the end."""
        self._calls += 1
        if self._server.pause and self._calls % self._server.pause == 0:
            return None
        count = min(len(into), self._server.piece, len(self._data) - self._at)
        into[:count] = self._data[self._at : self._at + count]
        self._at += count
        self._server.fetched += count
        return count

    def close(self):
        """Nothing is held."""


class Server:
    """Orders go out one after the other; the next one as soon as `ready_for` says so."""

    def __init__(self, packages, orders):
        self.packages = packages  # url -> bytes
        self.orders = (
            orders  # (kind, url, correlator, package offset of the one before at which it is given; 0: its end)
        )
        self.given = 0  # orders that were answered 202
        self.reports = []  # (correlator, code, version that runs)
        self.fetched = 0
        self.piece = 1460
        self.pause = 0
        self.online = True
        self.device = None

    def powered(self, device):
        """A boot begins."""
        self.device = device

    def mounted(self, device):
        """The agent has read its journal."""

    def log(self, text):
        """The device said something."""

    def open(self, job, offset, capacity):
        """Return a stream of the package."""
        if not self.online or job.url not in self.packages:
            raise LinkError("the download server does not answer", 412)
        return Stream(self, self.packages[job.url], offset)

    def note_failure(self, error):
        """The link failed: the download goes on by itself."""

    def deliver(self, record):
        """Take the result, as the management session would."""
        record.attempt()
        if self.report(record.job, record.outbox.code):
            record.end()
            return 0
        return _AGAIN_MS

    def report(self, job, code):
        """Take a result."""
        self.reports.append((job.correlator, code, self.device.version))
        return True

    def satisfied(self, update):
        """Give the next order if it is time; tell whether nothing is left to wait for."""
        if self.given < len(self.orders) and self._is_due(update.record):
            kind, url, correlator, _ = self.orders[self.given]
            if update.accept(make_order(kind, url, correlator)) // 100 == 2:
                self.given += 1
        return update.record.idle and self.given == len(self.orders)

    def _is_due(self, record):
        _, _, correlator, at = self.orders[self.given]
        if record.idle or record.job.correlator == correlator:
            return True
        return at == IN_TRIAL and record.job.phase == TRIAL or 0 < at <= record.progress.package_at
