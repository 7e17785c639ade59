"""A small HTTP/1.1 server as a peer of the simulated network, with a hook to answer wrongly.

`handler(method, path, fields, body)` returns (status, fields, body): fields a tuple of (name, text), body bytes, an iterator
of pieces (sent in chunks), or (size, iterator). Names of fields that came are in lower case. `tamper(method, path, number)`
returns None or a Tamper; number counts the requests from 0.
"""

from agent.compat import const

_MOST_HEAD = const(8192)
_REASONS = {200: "OK", 206: "Partial Content", 304: "Not Modified", 404: "Not Found", 503: "Service Unavailable"}


class Tamper:
    """What is wrong with one answer.

    kind      "reset", "close" or "stall" `at` bytes into the answer's body, with `head` into the answer itself
    rate      bytes a second, 0 for what the link gives
    length    what Content-Length says instead of the truth, -1 for no such field
    raw       bytes instead of the whole answer
    delay_ms  how long the server thinks
    keep      False: it closes the connection behind the answer
    """

    def __init__(self, kind="", at=0, head=False, rate=0, length=None, raw=None, delay_ms=0, keep=True):
        self.kind = kind
        self.at = at
        self.head = head
        self.rate = rate
        self.length = length
        self.raw = raw
        self.delay_ms = delay_ms
        self.keep = keep


class WebServer:
    """The peer; one object serves any number of connections."""

    def __init__(self, handler, tamper=None, idle_ms=0):
        self.handler = handler
        self.tamper = tamper
        self.idle_ms = idle_ms  # closes a connection without requests for so long, 0 for never
        self.requests = []  # (method, path) of each
        self.bytes_in = self.bytes_out = 0  # heads and bodies; of an answer that is cut, what would have been sent

    def accept(self, connection, tls):
        """Take a connection."""
        return _Talk(self, connection)


class _Talk:
    """One connection: requests one after the other."""

    def __init__(self, server, connection):
        self._server = server
        self._connection = connection
        self._in = b""
        self._answering = self._spoilt = False
        self._activity = 0

    def received(self, data):
        """Take bytes of the client."""
        self._server.bytes_in += len(data)
        self._in += data
        self._activity += 1
        self._next()

    def _next(self):
        end = self._in.find(b"\r\n\r\n")
        if self._answering or end < 0:
            if len(self._in) > _MOST_HEAD and end < 0:
                self._connection.reset()
            return
        lines = str(self._in[:end], "utf-8").split("\r\n")
        method, path, _ = lines[0].split(" ")
        fields = _fields(lines[1:])
        body_end = end + 4 + int(fields.get("content-length", "0"))
        if len(self._in) < body_end:
            return
        body, self._in = self._in[end + 4 : body_end], self._in[body_end:]
        self._request(method, path, fields, body)

    def _request(self, method, path, fields, body):
        server = self._server
        number = len(server.requests)
        server.requests.append((method, path))
        tamper = (server.tamper and server.tamper(method, path, number)) or Tamper()
        answer = server.handler(method, path, fields, body)
        keep = tamper.keep and fields.get("connection", "").lower() != "close"
        self._answering = True
        if tamper.delay_ms:
            self._connection.after_ms(tamper.delay_ms, lambda: self._answer(method, answer, tamper, keep))
        else:
            self._answer(method, answer, tamper, keep)

    def _answer(self, method, answer, tamper, keep):
        connection = self._connection
        head, body = render(answer, tamper, keep)
        if tamper.raw is not None:
            head, body = tamper.raw, ()
        elif method == "HEAD":
            body = ()
        spoils = tamper.kind or tamper.rate
        if spoils or self._spoilt:
            connection.spoil(tamper.kind, tamper.at + (0 if tamper.head else len(head)), tamper.rate)
        self._spoilt = spoils
        connection.send(head)
        self._server.bytes_out += len(head)
        connection.send(self._counted(body))
        connection.send(self._answered(keep))

    def _counted(self, body):
        for piece in body:
            self._server.bytes_out += len(piece)
            yield piece

    def _answered(self, keep):
        """Go on with the next request once the last byte of the answer has been taken."""
        self._answering = False
        if keep:
            self._connection.after_ms(0, self._next)
            if self._server.idle_ms:
                activity = self._activity
                self._connection.after_ms(self._server.idle_ms, lambda: self._idle(activity))
        else:
            self._connection.after_ms(0, self._connection.close)
        yield b""

    def _idle(self, activity):
        if activity == self._activity:
            self._connection.close()


def render(answer, tamper, keep):
    """Return (head, body as an iterable of pieces)."""
    status, fields, body = answer
    size, chunked = -1, False
    if isinstance(body, tuple):
        size, body = body
    elif isinstance(body, (bytes, bytearray, memoryview)):
        size, body = len(body), (bytes(body),)
    else:
        body, chunked = _chunks(body), True
    lines = ["HTTP/1.1 %d %s" % (status, _REASONS.get(status, "Status"))]
    lines += ["%s: %s" % field for field in fields]
    length = size if tamper.length is None else tamper.length
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif length >= 0 and status >= 200 and status not in (204, 304):
        lines.append("Content-Length: %d" % length)
    if not keep:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n", body


def serve_file(fields, data, kind="application/octet-stream", tag="", pieces=4096):
    """Return the answer to a GET of `data`, or of the part that a Range field with an equal If-Range asks for."""
    size, start = len(data), 0
    said = [("Content-Type", kind)]
    if tag:
        said.append(("ETag", tag))
    wanted = fields.get("range", "")
    if wanted.startswith("bytes=") and wanted.endswith("-") and fields.get("if-range", tag) == tag:
        start = int(wanted[6:-1])
        if start >= size:
            return 416, (("Content-Range", "bytes */%d" % size),), b""
        said.append(("Content-Range", "bytes %d-%d/%d" % (start, size - 1, size)))
    status = 206 if len(said) > (2 if tag else 1) else 200
    return status, tuple(said), (size - start, _slices(data, start, pieces))


def _slices(data, start, step):
    view = memoryview(data)
    while start < len(data):
        yield view[start : start + step]
        start += step


def _chunks(body):
    for piece in body:
        if piece:
            yield b"%x\r\n" % len(piece) + bytes(piece) + b"\r\n"
    yield b"0\r\n\r\n"


def _fields(lines):
    fields = {}
    for line in lines:
        name, value = line.split(":", 1)
        fields[name.lower()] = value.strip()
    return fields
