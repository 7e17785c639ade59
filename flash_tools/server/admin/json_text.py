"""JSON as strangers send it, read strictly, and JSON as we send it.

A Wrong says what is wrong with it; numbers are finite and fit 64 bits, texts are real Unicode, no key comes twice.
"""

import json

from starlette.responses import Response

from flash_tools.server.admin.refusals import Wrong

_INT_DIGITS = 19
_INT_MAX = (1 << 63) - 1


def read(body: bytes):
    """Return what a body says."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Wrong("the body is not UTF-8: byte %d" % error.start) from None
    try:
        value = json.loads(
            text, parse_int=_integer, parse_float=_float, parse_constant=_constant, object_pairs_hook=_object
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise Wrong("the body is not JSON: %s in line %d, column %d" % (error.msg, error.lineno, error.colno)) from None
    except RecursionError:
        raise Wrong("the body is nested too deeply") from None
    except UnicodeEncodeError:
        raise Wrong("the body has half of a surrogate pair in a text") from None
    return value


def _integer(text):
    if len(text) > _INT_DIGITS + 1 or abs(int(text)) > _INT_MAX:
        raise Wrong("a number in the body is too large")
    return int(text)


def _float(text):
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Wrong("a number in the body is too large")
    return number


def _constant(text):
    raise Wrong("%s is not a number" % text)


def _object(pairs):
    value = dict(pairs)
    if len(value) < len(pairs):
        raise Wrong("an object in the body has a key twice")
    return value


def write(value) -> bytes:
    """Return a value as JSON in UTF-8, in one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def answer(value, status: int = 200, headers=None) -> Response:
    """Return a value as an answer."""
    return Response(write(value) + b"\n", status, headers, "application/json")
