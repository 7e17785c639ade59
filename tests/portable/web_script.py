"""A scripted web for what downloads: agent/web.py's methods over answers from memory, which come in pieces and with gaps."""

from agent.causes import dlota_of
from agent.download import Source
from agent.errors import LinkError, PackageError
from agent.job import Job
from agent.package import MAGIC

URL = "http://files/a/fw.fup"
DD = "http://files/a/fw.dd"
ROOM = 200000
TYPES = ("application/vnd.fumo-agent.package", "application/octet-stream")
DATA = MAGIC + b"\x2c\x01\0\0" + bytes([i * 7 & 255 for i in range(120000)])  # its manifest has 300 bytes
START = 308  # where the manifest ends


class Clock:
    """Time that passes when it is asked for."""

    def __init__(self):
        self.now = 0
        self.step = 0

    def ms(self):
        return self.now

    def since(self, then):
        self.now += self.step
        return self.now - then


class User:
    """Answers after some questions."""

    def __init__(self, status=200, pauses=2):
        self.status, self.pauses = status, pauses
        self.asked = []

    def answer(self, question):
        self.asked.append(question)
        return (self.status, ()) if len(self.asked) > self.pauses else None


class Answer:
    """What comes back: `error` is raised after `cut` bytes of the body, in `poll` where that is -1."""

    def __init__(self, status=200, body=b"", length=None, cut=None, error=None, **fields):
        self.status, self.body, self.cut = status, body, cut
        self.length = len(body) if length is None else length
        self.fields = fields
        self.error = error or LinkError("closed early", 503, 903)


class _Exchange:
    def __init__(self, web, answer):
        self._web, self._answer = web, answer
        self.status, self.length = answer.status, answer.length
        self._polls = self._calls = self.at = 0
        self.closed = False

    def poll(self):
        self._polls += 1
        if self._answer.cut == -1:
            raise self._answer.error
        return self._polls > 2

    def field(self, name):
        return self._answer.fields.get(name.replace("-", "_"))

    def read_into(self, into):
        assert not self.closed, "read after close"
        self._calls += 1
        if self._web.pause and self._calls % self._web.pause == 0:
            return None
        answer = self._answer
        end = len(answer.body) if answer.cut is None else answer.cut
        count = min(len(into), self._web.piece, end - self.at)
        if not count:
            if answer.cut is not None:
                raise answer.error
            return 0
        into[:count] = answer.body[self.at : self.at + count]
        self.at += count
        self._web.fetched += count
        return count

    def close(self):
        self.closed = True


class Web:
    """`pages`: URL -> Answer, or function(fields) that returns one; another URL is 404."""

    def __init__(self, pages):
        self.pages = pages
        self.requests = []  # (method, url, dict of the fields, body)
        self.exchanges = []
        self.piece, self.pause, self.fetched = 1460, 5, 0

    def open(self, method, url, fields=(), pieces=None, length=0):
        for one in self.exchanges:
            assert one.closed, "two requests at a time"
        body = b"".join([bytes(piece) for piece in (pieces() if pieces else ())])
        assert len(body) == length
        asked = {}
        for name, text in fields:
            asked[name] = text
        self.requests.append((method, url, asked, body))
        page = self.pages.get(url) or Answer(404)
        if isinstance(page, LinkError):
            raise page
        self.exchanges.append(_Exchange(self, page if isinstance(page, Answer) else page(asked)))
        return self.exchanges[-1]

    @property
    def urls(self):
        return [request[1] for request in self.requests]


def serve(data, etag='"1"', ranges=True, **more):
    """Return a page that serves a file the way servers do."""

    def page(asked):
        text = asked.get("Range")
        if not ranges or not text or asked.get("If-Range", etag) != etag:
            return Answer(200, data, etag=etag, **more)
        first = int(text[6:-1])
        if first >= len(data):
            return Answer(416)
        where = "bytes %d-%d/%d" % (first, len(data) - 1, len(data))
        return Answer(206, data[first:], content_range=where, etag=etag, **more)

    return page


def make_job(url=URL):
    """Return a job as an order makes it."""
    job = Job()
    job.url = url
    return job


def read(stream, count, calls=20000):
    """Read so many bytes, fewer where the stream ends; check that nothing is raised but what may be."""
    into = memoryview(bytearray(1000))
    out = b""
    for _ in range(calls):
        told = stream.read_into(into[: min(1000, count - len(out))])
        if told:
            out += bytes(into[:told])
        if told == 0 or len(out) == count:
            return out
    return None


def refused(act, fumo, dlota):
    """Check the numbers of the error that `act` raises, and return it."""
    try:
        act()
    except (LinkError, PackageError) as e:
        assert (e.code, e.dlota or dlota_of(e.code)) == (fumo, dlota), (e.code, e.dlota, str(e))
        return e
    raise AssertionError("nothing was raised")


def describe(size=None, uri="fw.fup", kind=TYPES[0], more=""):
    """Return a page with a descriptor."""
    text = "<media><type>%s</type><size>%d</size><objectURI>%s</objectURI><name>Fw</name>%s</media>"
    return Answer(200, (text % (kind, len(DATA) if size is None else size, uri, more)).encode(), etag='"dd"')


class Bench:
    """A source and what is around it."""

    def __init__(self, pages, url=URL, user=None, **more):
        self.web, self.user, self.clock, self.job = Web(pages), user or User(), Clock(), make_job(url)
        self.logged = []
        self.source = Source(self.web, self.user, self.clock, TYPES, self._log, **more)
        self.stream = None

    def _log(self, text, *arguments):
        self.logged.append(text % arguments)

    def read(self, offset, count, capacity=ROOM):
        """Read from there on, as the update does: the stream before is closed first."""
        if self.stream:
            self.stream.close()
        self.stream = self.source.open(self.job, offset, capacity)
        return read(self.stream, count)

    def all(self, capacity=ROOM):
        """Read from the beginning to the end."""
        return self.read(0, len(DATA) + 1, capacity)

    def fails(self, fumo, dlota, offset=0, capacity=ROOM):
        """Check the numbers of the error that reading ends with; return it."""
        error = refused(lambda: self.read(offset, len(DATA) + 1, capacity), fumo, dlota)
        assert not self.web.exchanges or self.web.exchanges[-1].closed
        return error

    def fields(self, number):
        """Return the fields of a request."""
        return self.web.requests[number][2]


def described(page, descriptor=None, **more):
    """Return a bench whose job leads to a descriptor of URL."""
    return Bench({DD: descriptor or describe(), URL: page}, DD, **more)
