"""The paths of the server and what happens to each request: recorded, perhaps spoilt, answered.

`/dm` takes management messages, `/d/TOKEN/NAME` and `/d/TOKEN/NAME.dd` serve downloads to whom they are meant for, `/packages/NAME`
and `/descriptors/NAME.dd` to everybody where that is allowed, `/notify/TOKEN` takes install notifications. `bench` is an Office,
or what has its `dm_message`, `find_package`, `private_package`, `private_file`, `notified`, `transcript` and `web_faults`.
"""

import asyncio
import contextlib
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from flash_tools.server import delivery
from flash_tools.server.packages import DESCRIPTOR_TYPE
from flash_tools.server.web_faults import Answer

BODY_MAX = 1 << 20  # bytes of a request that are read; the limits of each path are lower
_NOTE_MAX = 1024
_BODY_S = 30
_KINDS = {"dm": "dm", "packages": "package", "descriptors": "descriptor", "notify": "notify"}


def kind_of(path: str) -> str:
    """Return the kind of a request, see web_faults.KINDS."""
    first = path.lstrip("/").partition("/")[0]
    if first == "d":
        return "descriptor" if path.endswith(".dd") else "package"
    return _KINDS.get(first, "other")


def make_app(bench):
    """Return the ASGI application."""
    pages = _Pages(bench)
    routes = [
        Route("/dm", pages.dm, methods=["POST"]),
        Route("/packages/{name}", pages.package, methods=["GET"]),
        Route("/descriptors/{name}.dd", pages.descriptor, methods=["GET"]),
        Route("/d/{token}/{name}.dd", pages.private_descriptor, methods=["GET"]),
        Route("/d/{token}/{name}", pages.private_package, methods=["GET"]),
        Route("/notify/{token}", pages.notify, methods=["POST"]),
    ]
    return Gate(Starlette(routes=routes), bench)


class _Pages:
    """What the paths do."""

    def __init__(self, bench):
        self._bench = bench

    async def dm(self, request: Request) -> Response:
        """Take a management message."""
        body, headers = await request.body(), dict(request.headers)
        address = request.client.host if request.client else ""
        reply = self._bench.dm_message(body, headers.get("content-type", ""), headers, address)
        return Response(reply.body, reply.status, reply.headers, reply.content_type)

    async def package(self, request: Request) -> Response:
        """Serve a package, whole or a range."""
        package = self._bench.find_package(request.path_params["name"])
        return _response(package.answer(request.headers)) if package else _missing()

    async def descriptor(self, request: Request) -> Response:
        """Serve a descriptor."""
        package = self._bench.find_package(request.path_params["name"])
        if package is None:
            return _missing()
        return Response(package.descriptor_bytes(request.query_params.get("t")), media_type=DESCRIPTOR_TYPE)

    async def private_package(self, request: Request) -> Response:
        """Serve the package that a token opens."""
        answer = self._bench.private_file(request.path_params["token"], request.path_params["name"], request.headers)
        return _response(answer) if answer else _missing()

    async def private_descriptor(self, request: Request) -> Response:
        """Serve the descriptor that a token opens."""
        token = request.path_params["token"]
        package = self._bench.private_package(token, request.path_params["name"])
        if package is None:
            return _missing()
        return Response(package.descriptor_bytes(token, private=True), media_type=DESCRIPTOR_TYPE)

    async def notify(self, request: Request) -> Response:
        """Take an install notification."""
        text = (await request.body())[:_NOTE_MAX].decode("utf-8", "replace").strip()
        known = self._bench.notified(request.path_params["token"], text)
        return Response(status_code=200) if known else _missing()


def _response(answer):
    return Response(answer.body, answer.status, answer.headers)


def _missing():
    return PlainTextResponse("there is no such thing\n", 404)


class Gate:
    """Stands before the application: reads the request, lets faults happen, records both directions."""

    def __init__(self, app, bench):
        self._app, self._bench = app, bench

    async def __call__(self, scope, receive, send):
        """Do one request; only the end of the server cancels it."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._serve(scope, receive, send)

    async def _serve(self, scope, receive, send):
        kind, wire = kind_of(scope["path"]), scope["wire"]
        body = await _read(receive)
        if body is None:
            return wire.close()
        fault = self._bench.web_faults.take(kind)
        step = self._note_request(scope, kind, wire, body)
        step.fault = fault.name if fault and (fault.unanswered or fault.act) else ""
        if fault and fault.act:
            fault.act()
        if fault and fault.unanswered:
            return await delivery.end(wire, receive, fault.unanswered)
        answer = await self._answer(scope, body, fault)
        sent = wire.sent
        note = self._note_answer(kind, wire, answer, fault)
        if fault and fault.lost:
            return await delivery.end(wire, receive, fault.lost)
        if fault and fault.is_raw:
            await delivery.send_broken(wire, receive, answer, fault)
        else:
            await delivery.send_plain(send, answer)
        note.wire_bytes = wire.sent - sent

    def _note_request(self, scope, kind, wire, body):
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = "?" + scope["query_string"].decode("latin-1") if scope["query_string"] else ""
        title = "%s %s%s" % (scope["method"], scope["path"], query)
        step = self._bench.transcript.request(kind, wire.number, title, headers, body)
        step.wire_bytes, wire.received = wire.received, 0
        return step

    def _note_answer(self, kind, wire, answer, fault):
        shown = answer.body if kind != "package" else b""
        headers = {**answer.headers, "content-length": str(len(answer.body))}
        step = self._bench.transcript.answer(kind, wire.number, "HTTP %d" % answer.status, headers, shown)
        step.fault = fault.name if fault else ""
        return step

    async def _answer(self, scope, body, fault):
        """Let the application answer, and the fault change that."""
        scope = dict(scope)
        if fault and fault.whole:
            scope["headers"] = [each for each in scope["headers"] if each[0] != b"range"]
        answer = await _ask(self._app, scope, body)
        answer = answer.with_headers(content_length=None, date=formatdate(usegmt=True))
        if fault and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        return fault.change(answer) if fault and fault.change else answer


async def _read(receive) -> bytes | None:
    """Return the body of a request, cut where it is too long; None if it never came whole."""
    body = bytearray()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_BODY_S):
            while len(body) <= BODY_MAX:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            return bytes(body)
    return None


async def _ask(app, scope, body) -> Answer:
    """Call the application and return what it sends, whole."""
    told, status, headers, parts = [{"type": "http.request", "body": body}], 500, {}, []

    async def receive():
        return told.pop() if told else {"type": "http.disconnect"}

    async def send(message):
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, headers, b"".join(parts))
