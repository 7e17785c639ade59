"""Asking for a package: requests, redirects, the descriptor, until its bytes come. See download.py."""

from agent.compat import const, unload
from agent.download import Source, Stream, slow
from agent.errors import LinkError
from agent.ranges import changed, part, request_fields, strong, too_large
from agent.url import follow

_MORE = const(-1)  # a step that wants to be followed by the next one at once
_SKIP = const(32768)  # so much is read and dropped rather than asked for anew
_BEGINNING = const(8192)  # a manifest ends before
_REDIRECTS = const(5)
_SLOW_MS = const(60000)
_DESCRIPTOR = "application/vnd.oma.dd+xml"


class Asking(Source):
    """What a Source does until the bytes of the package come."""

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

    def _begin(self, into):
        accepts = self._accepts
        if self.descriptor and not self._object:
            accepts += (_DESCRIPTOR,)
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
        self.offer.descriptor = self.descriptor
        self._step = self._offered
        return _MORE

    def _redirect(self):
        self._hops += 1
        target = follow(self._url, self._exchange.field("location") or "")
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

    def _offered(self, into):
        offer = self.offer
        told = offer.step(into)
        if told is None and not offer.question and self._clock.since(self._mark_ms) >= _SLOW_MS:
            raise slow()
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
        if self.small:
            unload(("download_asking", "ranges"))
        return _MORE
