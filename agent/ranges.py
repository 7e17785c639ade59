"""The fields by which a part of a file is asked for, and what an answer says of it: where it is, its size, its validator."""

from agent.compat import const
from agent.errors import PackageError

_MAX_VALIDATOR = const(128)  # what the job keeps


def request_fields(accepts, offset, validator):
    """Return the fields of a GET from `offset` on; the validator makes sure that the parts are of one file."""
    fields = [("Accept", ", ".join(accepts))]
    if offset:
        fields.append(("Range", "bytes=%d-" % offset))
        if validator:
            fields.append(("If-Range", validator))
    return fields


def part(exchange, asked, validator):
    """Return the first byte and the size that a 206 tells; it must begin where it was asked to, and be of the same file."""
    first, total = content_range(exchange.field("content-range") or "")
    own = strong(exchange.field("etag"))
    if first != asked or own and validator and own != validator:
        raise changed()
    return first, total


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


def changed():
    """Return the error for a file that is not what it was, or was said to be: Update begins again with it, once."""
    return PackageError("the package is not as long as announced, or another one than before", 402, 905)


def too_large(capacity):
    """Return the error for a package that is announced, or turns out, to be larger than the bank can take."""
    return PackageError("the package does not fit: at most %d bytes would" % capacity, 501, 901)
