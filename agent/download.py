"""Where a package comes from: a job's URL, which leads to the package itself or to a descriptor of it.

`Source.open` gives a stream at once; asking, being redirected, reading the descriptor and waiting for the user happen while its
`read_into` says None. Where the package is, how long it is and how it begins is remembered for the job, in RAM only.
"""

from agent.compat import const, crc32, unload
from agent.errors import AgentError, LinkError, PackageError
from agent.late import late
from agent.package import MAGIC

_MORE = const(-1)  # a step that wants to be followed by the next one at once
_ROUNDS = const(64)
_SCRATCH = const(512)
_BEGINNING = const(8192)  # a manifest ends before
_SLOW_MS = const(60000)
_SLOW = const(1024)  # bytes that must come in that time


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
    descriptor = True  # the URL may lead to one

    def __init__(self, web, ui, clock, accepts, log=None, fetchers=()):
        self._web, self._ui, self._clock, self._accepts = web, ui, clock, accepts
        self._log = log or (lambda text, *arguments: None)
        self._fetchers = fetchers
        self._scratch = memoryview(bytearray(_SCRATCH))
        self._job = self._exchange = None
        self.offer = None  # what stands at the URL, until that is known
        self._counted = False  # all bytes up to `_at` are in the CRC
        self.close()

    def __getattr__(self, name):  # open, and what follows until the bytes come
        from agent.download_asking import Asking

        return late(Asking, self, name)

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
        self._step = None  # ask
        if self._exchange:
            self._exchange.close()
            self._exchange = None

    def read_into(self, into):
        """Do what leads to the next bytes; return their number, 0 at the end, None where something is waited for."""
        try:
            for _ in range(_ROUNDS):
                told = (self._step or self._begin)(into)
                if told != _MORE:
                    return told
        except AgentError:
            self.close()
            raise
        return None

    def _drop_offer(self):
        if self.offer:
            self.offer = None
            if self.small:
                unload(("descriptor", "offer"))

    # -- the package --------------------------------------------------------------------------------------------------

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
            raise _changed()

    def _ended(self, skip):
        if skip > 0 and self._size < 0:
            raise _changed()
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
            from agent.ranges import too_large

            raise _changed() if self._size >= 0 else too_large(self._capacity)
        return count

    def _wait(self):
        """Nothing has come: a server that only drips must not hold the device."""
        if self._clock.since(self._mark_ms) >= _SLOW_MS:
            if self._got - self._mark < _SLOW:
                raise slow()
            self._mark_ms, self._mark = self._clock.ms(), self._got
        return None


def _changed():
    from agent.ranges import changed

    return changed()


def slow():
    """Return the error for a server that only drips."""
    return LinkError("the download server sends next to nothing", 407, 903)
