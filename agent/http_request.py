"""What an HTTP request says: where its URL leads, and its head as bytes."""

from agent.errors import LinkError, ProtocolError
from agent.url import split


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
