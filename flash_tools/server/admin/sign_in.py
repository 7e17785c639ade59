"""The way in for browsers: the form, the cookie, the way out. The page draws it; without one there is a plain form."""

from html import escape
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Route

from flash_tools.errors import ToolError
from flash_tools.server.admin.ask import read_pairs
from flash_tools.server.admin.auth import Auth, address_of
from flash_tools.server.admin.guard import SIGN_IN, address, called
from flash_tools.server.admin.texts import one_line

_FORM = """<!DOCTYPE html><html lang="en"><title>Sign in</title><h1>fumo server</h1><p>%s</p>
<form method="post" action="/sign-in"><label>Token <input name="token" type="password" autofocus></label>
<button>Sign in</button></form></html>
"""


class PlainPage:
    """What is there where no page is."""

    @staticmethod
    def sign_in_page(request: Request, error: str = ""):
        """Return the form."""
        return HTMLResponse(_FORM % escape(one_line(error)))

    @staticmethod
    def error_page(request: Request, status: int, text: str):
        """Return an error."""
        return PlainTextResponse(text + "\n", status)


def routes(auth: Auth, page) -> list[Route]:
    """Return the routes of the way in and out."""

    async def show(request):
        if auth.has_cookie(request):
            return RedirectResponse(_next(request.query_params), 303)
        return await called(page.sign_in_page, request, "")

    async def enter(request):
        form = read_pairs(await request.body(), "form")
        auth.try_token(form.get("token", "").strip(), address_of(request))
        response = RedirectResponse(_next({**_came_from(request), **request.query_params, **form}), 303)
        auth.give_cookie(response)
        return response

    async def leave(request):
        response = RedirectResponse(SIGN_IN, 303)
        auth.take_cookie(response)
        return response

    return [
        Route(SIGN_IN, show, methods=["GET"]),
        Route(SIGN_IN, enter, methods=["POST"]),
        Route("/sign-out", leave, methods=["POST"]),
    ]


def _came_from(request):
    """Return the query of the form's own address: it says where the browser wanted to go."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
        return read_pairs(parts.query.encode(), "address") if parts.path == SIGN_IN else {}
    except (ValueError, ToolError):
        return {}


def _next(values):
    return address(values.get("next", "/"))
