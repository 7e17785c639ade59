"""Why an update fails, and what the two servers are told: FUMO's result for the one, the download status for the other.

The table is that of docs/protocol.md; errors carry its numbers themselves where more than one row has their result.
"""

from agent.compat import const
from agent.errors import LinkError, PackageError

# What follows
NO = const(0)  # the result is certain
AGAIN = const(1)  # tried again later, Retry-After where the server says one
RESUME = const(2)  # tried again from where it ended
DESCRIPTOR = const(3)  # where a descriptor led here, that is fetched once more
RESTART = const(4)  # from the first byte, once
ARM = const(5)  # the trial is armed up to three times

# (cause, what follows, FUMO, DLOTA). Of the rows with one result the last has what is meant where an error does not say.
ROWS = (
    ("bad URL, redirects, https to http", NO, 411, 954),
    ("no name, refused, 429, 503", AGAIN, 412, 954),
    ("certificate", NO, 503, 954),
    ("reset, TLS broken, early close", RESUME, 503, 903),
    ("silence", RESUME, 407, 903),
    ("401 403 407", DESCRIPTOR, 406, 954),
    ("404 410 412", DESCRIPTOR, 411, 954),
    ("other 5xx", AGAIN, 500, 954),
    ("other 4xx", NO, 409, 954),
    ("length, 416, file changed", RESTART, 402, 905),
    ("descriptor ill-formed", NO, 405, 906),
    ("descriptor's version", NO, 405, 951),
    ("descriptor's type", NO, 405, 953),
    ("announced size", NO, 501, 901),
    ("image's size", NO, 502, 901),
    ("user declines", NO, 401, 902),
    ("container, block, digest", RESTART, 402, 905),
    ("signature, key", NO, 404, 952),
    ("product, model, source", NO, 403, 952),
    ("counter, policy, postponed", NO, 405, 952),
    ("flash, trial", ARM, 410, 952),
    ("loop guard, state lost", NO, 409, 952),
)
_DONE = const(900)
_ABORTED = const(952)
_DATE_MS = const(60000)  # a Retry-After with a date: the clock may be unknown
_MOST_S = const(3600)


def dlota_of(code):
    """Return the download status for a FUMO result."""
    dlota = _DONE if 200 <= code < 300 else _ABORTED
    for _, _, fumo, status in ROWS:
        if fumo == code:
            dlota = status
    return dlota


def http_error(status, retry_after=None):
    """Return the error for an HTTP status that is no success."""
    text = "the download server answers %d" % status
    if status == 416:
        return PackageError(text, 402, 905)
    if status in (429, 503):
        return LinkError(text, 412, 954, False, wait_ms(retry_after))
    if status in (401, 403, 407):
        return LinkError(text, 406, 954, True)
    if status in (404, 410, 412):
        return LinkError(text, 411, 954, True)
    if 500 <= status < 600:
        return LinkError(text, 500, 954, False, wait_ms(retry_after))
    return LinkError(text, 409, 954, True)


def wait_ms(retry_after):
    """Return the milliseconds that a Retry-After asks for, at most an hour; 0 where it says nothing."""
    text = (retry_after or "").strip()
    if not text:
        return 0
    for char in text:
        if not "0" <= char <= "9":
            return _DATE_MS if text[-3:] == "GMT" else 0
    return min(int(text[:9]), _MOST_S) * 1000
