"""What a poll costs on the air when there is nothing to do: one session in WBXML, HTTP headers included, TLS left out."""

from tests.dm.hold import hold

_REQUEST = (
    "POST /dm HTTP/1.1\r\nHost: dm.example\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
    "Accept: application/vnd.syncml.dm+wbxml\r\nCache-Control: no-store\r\n%s\r\n"
)
_ANSWER = "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nCache-Control: no-store\r\n%s\r\n"
_TYPE = "application/vnd.syncml.dm+wbxml"


def measure():
    """Return the bytes of both directions: with md5, as over TLS, and with MAC."""
    figures = {}
    for name, auth in (("session_air_bytes", "md5"), ("session_air_bytes_mac", "MAC")):
        exchanges = hold(kind="wbxml", auth=auth).transcript["exchanges"]
        figures[name] = sum(
            _bytes(_REQUEST, each[0], each[1]) + _bytes(_ANSWER, each[2], each[3]) for each in exchanges
        )
    return figures


def _bytes(template, body, mac):
    size = len(body) // 2
    return size + len(template % (_TYPE, size, "x-syncml-hmac: %s\r\n" % mac if mac else ""))
