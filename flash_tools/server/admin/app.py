"""Puts the admin app together: who may come in, the JSON API, what is live, metrics, and the page's own routes.

`office` is all it knows of the server. The app goes on a port of its own, never on that of the devices.
"""

from types import SimpleNamespace
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flash_tools.errors import ToolError
from flash_tools.server.admin import api_campaigns, api_devices, api_orders, metrics, sign_in
from flash_tools.server.admin.auth import Auth
from flash_tools.server.admin.faults_api import Script
from flash_tools.server.admin.guard import Guard
from flash_tools.server.admin.live import Live
from flash_tools.server.admin.refusals import Refused, status_of
from flash_tools.server.admin.routes import Api, Maker


def make_admin(office, token: str, *, secure: bool, page_routes=None, names=()):
    """Return the ASGI application. `secure`: it is reached by TLS; `names`: what requests over loopback may call it.

    `page_routes` take the place of the page's; an empty list leaves the page out.
    """
    page = _page(office, page_routes)
    auth, live, maker = Auth(token, secure), Live(office), Maker(office)
    tables = (api_devices.TABLE, api_orders.TABLE, api_campaigns.TABLE, Script().table())
    routes = [Route("/health", _health, methods=["GET"]), *sign_in.routes(auth, page), *live.routes()]
    routes += maker.routes([each for table in tables for each in table])
    routes += maker.routes([Api("GET", "/metrics", lambda office, ask: _metrics(office, auth, live))])
    app = Starlette(routes=routes + list(page.routes))
    app.router.redirect_slashes = False
    guard = Guard(app, auth, page, (*names, urlsplit(getattr(office, "url", "") or "").hostname or ""))
    app.exception_handlers |= _handlers(guard)
    return guard


def _page(office, routes):
    """Return the page's functions and routes; plain ones where there is no page."""
    plain = sign_in.PlainPage
    functions = {"sign_in_page": plain.sign_in_page, "error_page": plain.error_page}
    if routes is not None:
        return SimpleNamespace(routes=routes, **functions)
    try:
        from flash_tools.server import page
    except ImportError:
        return SimpleNamespace(routes=[], **functions)
    return SimpleNamespace(routes=page.routes(office), sign_in_page=page.sign_in_page, error_page=page.error_page)


async def _health(request):
    return Response(b'{"ok":true}\n', media_type="application/json")


def _metrics(office, auth, live):
    own = {
        "fumo_admin_event_streams": ("gauge", "Readers of events.", live.streams.bound.used),
        "fumo_admin_waiting_requests": ("gauge", "Requests that wait for an end.", live.waiting.bound.used),
        "fumo_admin_wrong_tokens_total": ("counter", "Wrong tokens.", auth.limiter.wrong_tokens),
    }
    return Response(metrics.exposition(office.counters(), own), media_type=metrics.TYPE)


def _handlers(guard):
    async def refused(request: Request, error: HTTPException):
        return await guard.refusal(request, error)

    async def office_error(request: Request, error: ToolError):
        conflicts = request.scope.get("fumo_conflicts", False)
        status = status_of(error, bool(request.path_params), conflicts)
        return await guard.refusal(request, Refused(status, str(error)))

    async def broken(request: Request, error: Exception):
        return await guard.broken(request, error)

    return {HTTPException: refused, ToolError: office_error, Exception: broken}
