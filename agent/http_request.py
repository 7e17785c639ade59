"""How an HTTP request begins: where its URL leads, its head as bytes, and the connection that was kept for it. See web.py."""

from agent.errors import LinkError, ProtocolError
from agent.url import split
from agent.web import Web


class Opening(Web):
    """What a Web does then."""

    def open(self, method, url, fields=(), pieces=None, length=0):
        """Begin a request and return its Exchange; the one before is over then.

        `fields`: ((name, text), ...). `pieces`: buffers for the body, `length` bytes together, each valid until the next is
        asked for; or a function that returns them, each time anew. LinkError for a URL that cannot be.
        """
        from agent.exchange import Exchange

        if self.exchange:
            self.exchange.close()
        origin, path = origin_and_path(url)
        body_length = length if pieces or method == "POST" else -1
        head = request_head(method, origin[1], path, fields, body_length)
        self.exchange = Exchange(self, origin, method, head, pieces, length)
        return self.exchange

    def take(self, origin):
        """Return the kept connection if it goes to `origin` and seems to live, else None; it is not kept any more."""
        stream = self._idle
        if not stream:
            return None
        if origin == self._origin and 0 <= self.clock.since(self._since) <= self.idle_ms:
            try:
                if stream.read_into(self.window.view) is None:  # neither closed nor saying what nobody asked for
                    self._idle = None
                    return stream
            except LinkError:
                pass
        self._drop()
        return None


def origin_and_path(url):
    """Return ((secure, host with port, host, port), path) of a URL."""
    try:
        secure, full, path = split(url)
    except ProtocolError as e:
        raise _bad_url(str(e))
    end = full.find("]") + 1  # of an address of version 6
    host, colon, digits = full[end:].partition(":")
    host = full[1 : end - 1] if end else host
    port = 443 if secure else 80
    if colon and digits:
        port = int(digits) if digits.isdigit() and len(digits) < 6 else 0
    if not host or not 0 < port < 65536 or (full[:1] == "[") != bool(end):
        raise _bad_url("the URL has no host or no port that can be")
    return (secure, full, host, port), path.partition("#")[0]


def _bad_url(text):
    return LinkError(text, 411, 954, True)


def request_head(method, host, path, fields, length):
    """Return the bytes that begin a request; `length` is the size of the body, -1 where there is none."""
    lines = [method + " " + path + " HTTP/1.1", "Host: " + host]
    if method == "GET":
        lines.append("Accept-Encoding: identity")
    if length >= 0:
        lines.append("Content-Length: %d" % length)
    for name, value in fields:
        lines.append(name + ": " + value)
    for line in lines:
        if min(line.encode()) < 0x20:
            raise LinkError("HTTP: a field has a control character", 409, 954, True)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
