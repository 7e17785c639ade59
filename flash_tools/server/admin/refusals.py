"""What a request is refused with: a status and one line."""

import re

from starlette.exceptions import HTTPException

from flash_tools.errors import ToolError
from flash_tools.server.admin.texts import one_line
from flash_tools.server.office.base import StoreFailed

_MISSING = re.compile(r"there is no |.* is not in quarantine$", re.DOTALL)


class Wrong(ToolError):
    """The request itself is wrong: the office was not asked."""

    status = 400


class Refused(HTTPException):
    """Ends a request; `retry_s` says when it may come again."""

    def __init__(self, status: int, text: str, *, retry_s: float = 0, **headers: str):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if retry_s:
            fields["Retry-After"] = str(max(1, round(retry_s)))
        super().__init__(status, one_line(text), fields)


class Bound:
    """`with bound:` for what only so many may do at the same time; the others are refused. On one event loop."""

    def __init__(self, limit: int, what: str):
        self.limit, self.used, self._what = limit, 0, what

    def __enter__(self):
        if self.used >= self.limit:
            raise Refused(503, "too many %s at once, at most %d: try again" % (self._what, self.limit), retry_s=1)
        self.used += 1
        return self

    def __exit__(self, *exception):
        self.used -= 1


def status_of(error: ToolError, named_in_path: bool, conflicts: bool = False) -> int:
    """Return the HTTP status of an error of the office: what the path names is missing, the state is wrong, or else."""
    if isinstance(error, Wrong):
        return error.status
    if isinstance(error, StoreFailed):
        return 503
    return 404 if named_in_path and _MISSING.match(str(error)) else 409 if conflicts else 400
