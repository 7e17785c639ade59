"""What the head of an answer says of a file: which part it is, how long the whole is, and by what a later part is known."""

from agent.compat import const

_MAX_VALIDATOR = const(128)  # what the job keeps


def content_range(text):
    """Return the first byte and the size of the whole that a Content-Range tells, -1 for what it does not."""
    unit, _, text = text.strip().partition(" ")
    span, _, total = text.partition("/")
    first, _, last = span.partition("-")
    first, last, whole = _number(first), _number(last), _number(total)
    if unit.lower() != "bytes" or not 0 <= first <= last or 0 <= whole <= last:
        return -1, -1
    return first, whole


def _number(text):
    text = text.strip().encode()
    return int(text) if text.isdigit() and len(text) < 11 else -1


def strong(etag):
    """Return the entity tag if it is a strong one that can be kept, else ""."""
    etag = etag or ""
    return etag if 2 < len(etag) <= _MAX_VALIDATOR and etag[0] == etag[-1] == '"' else ""
