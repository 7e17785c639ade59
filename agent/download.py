"""Where a package comes from: a job's URL, which leads to the package itself or to a descriptor of it.

`Source.open` gives a stream at once; asking, being redirected, reading the descriptor and waiting for the user happen while its
`read_into` says None. Where the package is, how long it is and how it begins is remembered for the job, in RAM only.
"""

from agent import url
from agent.compat import const, crc32, unload
from agent.errors import AgentError, LinkError, PackageError
from agent.package import MAGIC
from agent.ranges import changed, part, request_fields, strong, too_large

_MORE = const(-1)  # a step that wants to be followed by the next one at once
_ROUNDS = const(64)
_SCRATCH = const(512)
_SKIP = const(32768)  # so much is read and dropped rather than asked for anew
_BEGINNING = const(8192)  # a manifest ends before
_REDIRECTS = const(5)
_SLOW_MS = const(60000)
_SLOW = const(1024)  # bytes that must come in that time
_DESCRIPTOR = "application/vnd.oma.dd+xml"


class Stream:
    """The package of a job from one offset on."""

    def __init__(self, source):
        self._source = source

    def read_into(self, into):
        """Return the number of bytes read, 0 at the end, None when nothing is there yet."""
        return self._source.read_into(into)

    @property
    def asking(self):
        """Tell whether the user's answer is waited for."""
        return bool(self._source and self._source.offer and self._source.offer.question)

    def close(self):
        """Stop reading; the connection stays until the source knows whether the next stream can use it."""
        if self._source:
            self._source.pause()
            self._source = None


class Source:
    """Opens one stream at a time. `accepts`: content types; `fetchers`: (URL scheme, function(url, offset, job) -> stream)."""

    small = False  # forget the code that is needed for a moment only

    def __init__(self, web, ui, clock, accepts, log=None, fetchers=()):
        self._web, self._ui, self._clock, self._accepts = web, ui, clock, accepts
        self._log = log or (lambda text, *arguments: None)
        self._fetchers = fetchers
        self._scratch = memoryview(bytearray(_SCRATCH))
        self._job = self._exchange = None
        self.offer = None  # what stands at the URL, until that is known
        self._counted = False  # all bytes up to `_at` are in the CRC
        self.close()

    def open(self, job, offset, capacity):
        """Return the stream of the job's package from `offset` on; `capacity`: the largest that can be taken."""
        scheme = job.url.partition(":")[0].lower()
        for name, fetch in self._fetchers:
            if name == scheme:
                return fetch(job.url, offset, job)
        self._capacity = capacity
        self._know(job)
        if offset and self._counted and 0 < self._at <= _BEGINNING:
            self._begin_crc, self._begin_end = self._crc, self._at
        self._target = offset
        skip = offset - self._at
        self._kept = self._flows and skip >= 0 and (skip <= _SKIP or not self._ranges)
        if not self._kept:
            self.close()
        return Stream(self)

    def pause(self):
        """Nobody reads for now: a connection is kept if the package can go on over it."""
        if self._flows and self._at == self._size:
            try:
                self._beyond()  # the connection can be used again once the end was seen
            except AgentError:
                pass
            self._flows = False
        if not self._flows:
            self.close()

    def close(self):
        """Drop what is under way; what is known of the job stays."""
        self._flows = False
        self._drop_offer()
        self._step = self._begin
        if self._exchange:
            self._exchange.close()
            self._exchange = None

    def read_into(self, into):
        """Do what leads to the next bytes; return their number, 0 at the end, None where something is waited for."""
        try:
            for _ in range(_ROUNDS):
                told = self._step(into)
                if told != _MORE:
                    return told
        except AgentError:
            self.close()
            raise
        return None

    def _know(self, job):
        """Forget what is known where another job comes, or the same one begins again with a package that may be another."""
        if job is self._job and job.restarts == self._restarts:
            return
        if job is not self._job:
            self._refetched = False
        self.close()
        self._job, self._restarts = job, job.restarts
        self._object = ""  # the package's own URL
        self._described = False
        self._size, self._ranges = -1, True
        self._at = self._crc = self._begin_crc = self._begin_end = 0

    # -- asking -------------------------------------------------------------------------------------------------------

    def _begin(self, into):
        accepts = self._accepts if self._object else self._accepts + (_DESCRIPTOR,)
        self._asked = self._target if self._object else 0
        self._fields = request_fields(accepts, self._asked, self._job.validator)
        self._hops = 0
        return self._request(self._object or self._job.url)

    def _request(self, target):
        self._url = target
        self._exchange = self._web.open("GET", target, self._fields)
        self._step = self._head
        return _MORE

    def _head(self, into):
        if not self._exchange.poll():
            return None
        status = self._exchange.status
        if status in (301, 302, 303, 307, 308):
            return self._redirect()
        if status not in (200, 206):
            return self._refused(status)
        self._mark_ms, self._mark, self._got = self._clock.ms(), 0, 0
        self._crc = self._same_until = 0
        self._at, self._total = 0, self._exchange.length
        if status == 206:
            self._at, self._total = part(self._exchange, self._asked, self._job.validator)
        self._counted = not self._at
        if not self._object:
            return self._look()
        if self._asked and status == 200:
            self._log("the download server ignores ranges: the package comes from its beginning")
            self._ranges = False
            self._same_until = self._begin_end
        return self._flow()

    def _look(self):
        from agent.offer import Offer

        terms = self._ui, self._capacity, self._accepts, self._log
        self.offer = Offer(self._exchange, self._url, self._job, terms)
        self._step = self._offered
        return _MORE

    def _redirect(self):
        self._hops += 1
        target = url.follow(self._url, self._exchange.field("location") or "")
        if self._hops > _REDIRECTS or not target:
            raise LinkError("the download server redirects too often, or to where must not be followed", 411, 954, True)
        self._exchange.close()
        return self._request(target)

    def _refused(self, status):
        if self._described and not self._refetched and status in (401, 403, 404, 407, 410, 412):
            self._log("the download server answers %d: the descriptor is fetched again", status)
            self.close()
            self._refetched = True
            self._object = ""
            return _MORE
        from agent.causes import http_error

        raise http_error(status, self._exchange.field("retry-after"))

    # -- what the job's URL leads to ----------------------------------------------------------------------------------

    def _offered(self, into):
        offer = self.offer
        told = offer.step(into)
        if told is None and not offer.question and self._clock.since(self._mark_ms) >= _SLOW_MS:
            raise _slow()
        if told is None or told == _MORE:
            return told
        if told:
            return self._packaged(into)
        if self._size not in (-1, offer.size):
            raise changed()
        self._size, self._object, self._described = offer.size, offer.url, True
        self.close()
        return _MORE

    def _packaged(self, into):
        self._object = self._job.url
        if self._target > _SKIP:
            self.close()
            return _MORE
        self._drop_offer()
        self._flow()
        self._see(into, 1)
        return _MORE if self._target else 1

    def _drop_offer(self):
        if self.offer:
            self.offer = None
            if self.small:
                unload(("descriptor", "offer"))

    # -- the package --------------------------------------------------------------------------------------------------

    def _flow(self):
        total = self._total
        if total >= 0:
            if self._size not in (-1, total):
                raise changed()
            if total > self._capacity:
                raise too_large(self._capacity)
            self._size = total
        if not self._at:
            self._job.validator = strong(self._exchange.field("etag"))
        self._flows, self._step = True, self._body
        return _MORE

    def _body(self, into):
        skip, at = self._target - self._at, self._at
        view = into if skip <= 0 else self._scratch[:skip]
        most = (self._size if self._size >= 0 else self._capacity) - at
        if most <= 0:
            return self._beyond()
        if at < self._same_until:
            most = min(most, self._same_until - at)
        try:
            count = self._exchange.read_into(view[:most] if most < len(view) else view)
        except LinkError:
            if not self._kept:
                raise
            self.close()  # the connection was lost while nobody read: ask anew
            self._kept = False
            return _MORE
        if count is None:
            return self._wait()
        self._kept = False
        if not count:
            return self._ended(skip)
        self._see(view, count)
        return _MORE if skip > 0 else count

    def _see(self, view, count):
        """Take note of bytes of the package: its magic, and how its beginning reads as a whole."""
        at, end = self._at, self._at + count
        if at < len(MAGIC) and bytes(view[: min(count, len(MAGIC) - at)]) != MAGIC[at:end]:
            raise PackageError("the URL leads to something that is no package", 405, 953)
        if at < _BEGINNING:
            self._crc = crc32(view[:count], self._crc)
        self._at = end
        self._got += count
        if end == self._same_until and self._crc != self._begin_crc:
            raise changed()

    def _ended(self, skip):
        if skip > 0 and self._size < 0:
            raise changed()
        if self._at < self._size:
            raise LinkError("the download ended early", 503, 903)
        self._size = self._at
        return 0

    def _beyond(self):
        """All is there that may be: nothing may follow."""
        try:
            count = self._exchange.read_into(self._scratch[:1])
        except LinkError:
            count = 0
        if count:
            raise changed() if self._size >= 0 else too_large(self._capacity)
        return count

    def _wait(self):
        """Nothing has come: a server that only drips must not hold the device."""
        if self._clock.since(self._mark_ms) >= _SLOW_MS:
            if self._got - self._mark < _SLOW:
                raise _slow()
            self._mark_ms, self._mark = self._clock.ms(), self._got
        return None


def _slow():
    return LinkError("the download server sends next to nothing", 407, 903)
