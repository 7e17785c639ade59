"""Makes endpoints of functions: what is read runs in a worker thread, what is refused becomes one line on the page.

A screen is `function(request) -> Response`, a form `function(request, form) -> Response`; both may block, the Office does.
"""

from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Route

from flash_tools.errors import ToolError
from flash_tools.server.page.forms import FORM_MAX, read_form
from flash_tools.server.page.render import error_page, go


class _Anything(Convertor):
    """A name in a path that may contain anything: slashes, line ends."""

    regex = r"(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())


def screen(path: str, function) -> Route:
    """Return the route of a screen; what is not there is a 404."""

    async def endpoint(request):
        try:
            return await run_in_threadpool(function, request)
        except ToolError as error:
            return error_page(request, 404, one_line(error))

    return Route(path, endpoint, methods=["GET"])


def form(path: str, function, most: int = FORM_MAX) -> Route:
    """Return the route of a form; what is refused is said on the screen that it came from."""

    async def endpoint(request):
        try:
            return await run_in_threadpool(function, request, await read_form(request, most))
        except ToolError as error:
            return go(request, said=one_line(error), kind="error")

    return Route(path, endpoint, methods=["POST"])


def one_line(error) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split())


def whole_number(text: str, least: int, most: int, default: int) -> int:
    """Return a number from an address, within its limits."""
    return min(most, max(least, int(text))) if text.isascii() and text.isdigit() and len(text) < 9 else default
