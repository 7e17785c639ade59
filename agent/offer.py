"""What stands at the URL that a server ordered: the package itself, or a descriptor that has to be read and agreed to.

The first byte decides, not the declared type. Needed until the package's own URL is known, and not imported before that.
"""

from agent.compat import const
from agent.errors import PackageError
from agent.package import MAGIC

_MORE = const(-1)
_CONFIRMED = const(200)
_DESCRIBED_BY = b"<\xef \t\r\n"  # a byte order mark or blanks may come before the <
_DESCRIPTOR = "application/vnd.oma.dd+xml"


class Offer:
    """`step` returns None while it waits, -1 to be called again, 1 where it is the package, 0 where `url` tells of it."""

    descriptor = True  # one is understood

    def __init__(self, exchange, base, job, terms):
        self._exchange, self._base, self._job = exchange, base, job
        self._ui, self._capacity, self._accepts, self._log = terms
        self._reader = None
        self.question = None  # the user has not answered
        self.url = ""
        self.size = 0
        self.step = self._first

    def _first(self, into):
        count = self._exchange.read_into(into[:1])
        if count is None:
            return None
        described = self.descriptor and count and into[0] in _DESCRIBED_BY
        if not described and not (count and into[0] == MAGIC[0]):
            raise PackageError("the URL leads neither to a package nor to a download descriptor", 405, 953)
        self._compare(described)
        if self.descriptor and described:
            return self._begin(into)
        return 1

    def _compare(self, described):
        kind = (self._exchange.field("content-type") or "").partition(";")[0].strip().lower()
        if kind and (kind != _DESCRIPTOR if described else kind not in self._accepts):
            self._log("the download server says %s, it is a %s", kind, "descriptor" if described else "package")

    def _begin(self, into):
        from agent.descriptor import Descriptor

        self._reader = Descriptor(self._base, self._exchange.length)
        self._reader.room()[0] = into[0]
        self._reader.filled(1)
        self.step = self._read
        return _MORE

    def _read(self, into):
        reader = self._reader
        count = self._exchange.read_into(reader.room())
        if count is None:
            return None
        if count:
            reader.filled(count)
            return _MORE
        self._exchange.close()
        job = self._job
        try:
            reader.read(self._capacity, self._accepts)
        finally:
            job.notify = reader.notify or job.notify
        self.url, self.size = reader.object, reader.size
        if job.agreed:
            return 0
        self.question = reader.question()
        self._reader = None
        self.step = self._ask
        return _MORE

    def _ask(self, into):
        answer = self._ui.answer(self.question)
        if answer is None:
            return None
        if answer[0] != _CONFIRMED:
            raise PackageError("the user does not want the download", 401, 902)
        self._job.agreed = True
        return 0
