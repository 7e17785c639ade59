"""Reads what a form sends: fields, and one file. Bounded; what is too large is refused before it is all in memory.

The standard library has no reader for multipart bodies any more, and a form with a file needs no more than this one.
"""

from urllib.parse import parse_qs

from starlette.requests import Request

from flash_tools.errors import ToolError

FORM_MAX, UPLOAD_MAX = 1 << 20, 64 << 20
_FIELDS = 20000  # as many devices as one form names
_OVERHEAD = 1 << 16


class Form(dict):
    """The last value of each field; `all` has every one, `files` what was uploaded as name -> (file name, bytes)."""

    def __init__(self, pairs, files=None):
        super().__init__(pairs)
        self.files = files or {}
        self._pairs = pairs

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value for each, value in self._pairs if each == name]

    def text(self, name: str) -> str:
        """Return a field without the space around it; "" where there is none."""
        return self.get(name, "").strip()

    def number(self, name: str, default: float | None = None):
        """Return a field that is a number; the default where it is empty."""
        text = self.text(name)
        try:
            return float(text) if text else default
        except ValueError as error:
            raise ToolError("%s is to be a number, not %r" % (name.replace("_", " "), text[:40])) from error


async def read_form(request: Request, most: int = FORM_MAX) -> Form:
    """Read the form of a request."""
    kind = request.headers.get("content-type", "")
    body = await _read(request, most)
    if kind.lower().startswith("multipart/form-data"):
        return _multipart(body, kind)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError as error:
        raise ToolError("the form has too many fields; choose fewer devices at once") from error
    return Form([(name, value) for name, values in fields.items() for value in values])


async def _read(request, most):
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most + _OVERHEAD:
            raise ToolError("the form is larger than %d KiB; use the command line for more" % (most >> 10))
    return bytes(body)


def _multipart(body, kind):
    edge = b"\r\n--" + _parameter(kind, "boundary").encode("latin-1", "replace")
    pairs, files = [], {}
    for part in (b"\r\n" + body).split(edge)[1:]:
        head, found, data = part.partition(b"\r\n\r\n")
        if not found or part.startswith(b"--"):
            continue
        field = head.decode("utf-8", "replace")
        name, file_name = _parameter(field, "name"), _parameter(field, "filename")
        if "filename=" in field:
            files[name] = (file_name.replace("\\", "/").rpartition("/")[2], data)
        else:
            pairs.append((name, data.decode("utf-8", "replace")))
    return Form(pairs, files)


def _parameter(field, name):
    """Return a parameter of a header field, in quotes or not."""
    for part in field.replace("\r\n", ";").split(";"):
        key, found, value = part.strip().partition("=")
        if found and key.lower() == name:
            return value.strip().strip('"').replace("%22", '"')
    return ""
