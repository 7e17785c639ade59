"""Stands before the application: lets in who may come in, bounds what is read, and has the last word on every answer.

Knows the routes only by their first word: `/api/`, `/metrics` and `/health` are for programs, the others for browsers.
"""

import asyncio
import contextlib
import inspect
import ipaddress
import logging
import re
from urllib.parse import quote, unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse

from flash_tools.server.admin import body
from flash_tools.server.admin.auth import SAFE, Auth, address_of
from flash_tools.server.admin.json_text import answer
from flash_tools.server.admin.refusals import Refused
from flash_tools.server.admin.texts import one_line
from flash_tools.server.store import StoreError

log = logging.getLogger("fumo.admin")
SIGN_IN = "/sign-in"
_OPEN = ("/health", SIGN_IN, "/favicon.ico")
_HALF_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_WORDS = {404: "there is nothing at this address", 405: "this address does not take that method"}
_HEADERS = {
    b"content-security-policy": _POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",  # with no-referrer browsers say "Origin: null" of our own forms
    b"cross-origin-resource-policy": b"same-origin",
}


def is_for_programs(path: str) -> bool:
    """Tell whether errors are answered as JSON."""
    return path.startswith("/api/") or path in ("/api", "/metrics", "/health")


class Guard:
    """`names`: the Host names that requests over loopback may have, beside localhost; `*` allows all."""

    def __init__(self, app, auth: Auth, page, names=()):
        self._app, self._auth, self._page = app, auth, page
        self._names = {"localhost", *(name.lower() for name in names if name)}

    async def __call__(self, scope, receive, send):
        """Do one request; only the end of the server cancels it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        with contextlib.suppress(asyncio.CancelledError):
            await self._serve(scope, body.Body(receive, body.STRANGER_MAX), _with_headers(scope["path"], send))

    async def _serve(self, scope, read, send):
        scope = dict(scope, app=self._app, fumo_body=read)
        request = Request(scope, read)
        try:
            response = self._admit(request, read)
        except HTTPException as error:
            response = await self.refusal(request, error)
        if response is not None:
            if "expect" not in request.headers:  # else the client would send all of it
                await read.drain()
            return await response(scope, read, send)
        with contextlib.suppress(Exception):  # answered and logged by `broken`
            await self._app(scope, read, send)

    def _admit(self, request, read):
        """Return None for a request that may go on; or what it is answered with at once."""
        path = request.scope["path"]
        _check_encoding(request.scope)
        self._check_host(request)
        response = None if self._is_open(request, path) else self._check_person(request, path)
        if response is None and path != SIGN_IN:
            read.limit = body.limit_of(request.method, path)
        if "wire" in request.scope:
            request.scope["wire"].patient = read.limit > body.OTHER_MAX  # `Body` bounds its time
        if response is None and body.announced(request.headers) > read.limit:
            raise body.too_long(read.limit)
        return response

    def _check_host(self, request):
        here = (request.scope.get("server") or ("", 0))[0]
        if "*" in self._names or not _is_loopback(here):
            return
        name = re.sub(r":\d*$", "", request.headers.get("host", "")).lower()
        if name not in self._names and not _is_loopback(name.strip("[]")):
            raise Refused(403, "this server is not called %r: use localhost" % name)

    def _is_open(self, request, path):
        if path == SIGN_IN and request.method not in SAFE:
            self._auth.check_origin(request, strict=False)
        return path in _OPEN or path.startswith("/static/")

    def _check_person(self, request, path):
        if self._auth.check_bearer(request):
            return None
        if self._auth.has_cookie(request):
            if request.method not in SAFE:
                self._auth.check_origin(request)
            return None
        if is_for_programs(path):
            raise Refused(401, "sign in: send the header Authorization: Bearer TOKEN", WWW_Authenticate="Bearer")
        return self._with_token(request, path) or self._to_sign_in(request, path)

    def _with_token(self, request, path):
        """Take a token in the URL, once, where no other site sent the browser here."""
        token = request.query_params.get("token")
        if not token or request.method != "GET" or request.headers.get("sec-fetch-site", "none") == "cross-site":
            return None
        self._auth.try_token(token, address_of(request))
        response = RedirectResponse(address(path), 303)
        self._auth.give_cookie(response)
        return response

    def _to_sign_in(self, request, path):
        asked = "?next=" + quote(local_path(path), errors="replace") if request.method == "GET" and path != "/" else ""
        return RedirectResponse(SIGN_IN + asked, 303)

    # -- errors -------------------------------------------------------------------------------------------------------

    async def refusal(self, request: Request, error: HTTPException):
        """Return the answer to what was refused: JSON for programs, a page for people."""
        if error.status_code == 413 and "expect" not in request.headers:
            await request.scope["fumo_body"].drain()
        if error.status_code in (401, 403, 429):
            log.debug("%s %s: %s", address_of(request), one_line(request.scope["path"]), one_line(error.detail))
        text = _WORDS.get(error.status_code, error.detail) if type(error) is HTTPException else error.detail
        return await self.error(request, error.status_code, text, error.headers)

    async def broken(self, request: Request, error: Exception):
        """Return the answer where we have a defect."""
        if isinstance(error, StoreError):
            log.error("the store fails: %s", one_line(error))
            return await self.error(
                request, 503, "the store cannot keep anything at the moment: look at the disk", None
            )
        log.error(
            "%s %s: %s: %s", request.method, one_line(request.scope["path"]), type(error).__name__, one_line(error)
        )
        log.debug("where", exc_info=error)
        return await self.error(request, 500, "the server has a defect; its log says more", None)

    async def error(self, request: Request, status: int, text: object, headers):
        """Return an error as an answer."""
        path, text = request.scope["path"], one_line(text)
        response = None
        if not is_for_programs(path):
            response = await self._as_page(request, path, status, text)
        response = response or answer({"error": text}, status)
        response.status_code = status
        response.headers.update(headers or {})
        return response

    async def _as_page(self, request, path, status, text):
        try:
            if path == SIGN_IN or status in (401, 429):
                return await called(self._page.sign_in_page, request, text)
            return await called(self._page.error_page, request, status, text)
        except Exception as error:
            log.error("the page has a defect: %s: %s", type(error).__name__, one_line(error))
            return None


async def called(function, *arguments):
    """Call a function that may be a coroutine."""
    made = function(*arguments)
    return await made if inspect.isawaitable(made) else made


def local_path(path: str) -> str:
    """Return a path that stays here, whatever is in it: `//other.example` would not."""
    return "/" + path.replace("\\", "/").lstrip("/")


def address(path: str) -> str:
    """Return such a path as it is in addresses."""
    return quote(local_path(path), safe="/:@!$&'()*+,;=", errors="replace")


def _check_encoding(scope):
    raw = scope.get("raw_path", b"") + b"?" + scope.get("query_string", b"")
    try:
        unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "the path is not UTF-8") from None
    if _HALF_ESCAPE.search(raw):
        raise Refused(400, "the path has a % that two hexadecimal digits do not follow")


def _is_loopback(text):
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _with_headers(path, send):
    kept = b"no-cache" if path.startswith("/static/") else b"no-store"

    async def send_more(message):
        if message["type"] == "http.response.start":
            headers = [item for item in message.get("headers", ()) if item[0].lower() not in _HEADERS]
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", kept))
            message = {**message, "headers": headers + list(_HEADERS.items())}
        await send(message)

    return send_more
