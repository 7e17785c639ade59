"""The paths of the server and what happens to each request: recorded, perhaps spoilt, answered.

`/dm` takes management messages, `/d/TOKEN/NAME` and `/d/TOKEN/NAME.dd` serve downloads to whom they are meant for, `/packages/NAME`
and `/descriptors/NAME.dd` to everybody where that is allowed, `/notify/TOKEN` takes install notifications. `bench` is an Office,
or what has its `dm_message`, `find_package`, `private_package`, `private_file`, `notified`, `transcript` and `web_faults`.
"""

import asyncio
import contextlib
import time
from email.utils import formatdate
from functools import lru_cache

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from flash_tools.server import delivery
from flash_tools.server.office.base import StoreFailed
from flash_tools.server.packages import DESCRIPTOR_TYPE
from flash_tools.server.web_faults import Answer

BODY_MAX = 1 << 17  # bytes of a request that are read, a stranger's too; the limits of each path are lower
_NOTE_MAX = 1024
_TOGETHER = 32  # management messages in one transaction: others wait for no more than these
_TEXT = "text/plain; charset=utf-8"
_DM = ("/dm", "/dm/")
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
        try:
            known = self._bench.notified(request.path_params["token"], text)
        except StoreFailed as error:
            return PlainTextResponse("%s\n" % error, 503, {"retry-after": str(error.retry_after_s)})
        return Response(status_code=200) if known else _missing()


def _response(answer):
    return Response(answer.body, answer.status, answer.headers)


def _missing():
    return PlainTextResponse("there is no such thing\n", 404)


class Gate:
    """Stands before the application: reads the request, lets faults happen, records both directions."""

    def __init__(self, app, bench):
        self._app, self._bench, self._batch = app, bench, _Batch(bench)

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
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        step = self._note_request(scope, kind, wire, fields, body)
        step.fault = fault.name if fault and (fault.unanswered or fault.act) else ""
        if fault and fault.act:
            fault.act()
        if fault and fault.unanswered:
            return await delivery.end(wire, receive, fault.unanswered)
        answer = await self._answer(scope, fields, body, fault)
        sent = wire.sent
        note = self._note_answer(kind, wire, answer, fault)
        if fault and fault.lost:
            return await delivery.end(wire, receive, fault.lost)
        if fault and fault.is_raw:
            await delivery.send_broken(wire, receive, answer, fault)
        else:
            await delivery.send_plain(wire, send, answer)
        note.wire_bytes = wire.sent - sent

    def _note_request(self, scope, kind, wire, fields, body):
        query = "?" + scope["query_string"].decode("latin-1") if scope["query_string"] else ""
        title = "%s %s%s" % (scope["method"], scope["path"], query)
        step = self._bench.transcript.request(kind, wire.number, title, fields, body)
        step.wire_bytes, wire.received = wire.received, 0
        return step

    def _note_answer(self, kind, wire, answer, fault):
        shown = answer.body if kind != "package" else b""
        headers = {**answer.headers, "content-length": str(len(answer.body))}
        step = self._bench.transcript.answer(kind, wire.number, "HTTP %d" % answer.status, headers, shown)
        step.fault = fault.name if fault else ""
        return step

    async def _answer(self, scope, fields, body, fault):
        """Let somebody answer, and the fault change that."""
        if scope["path"] in _DM:
            answer = await self._message(scope, fields, body)
        else:
            if fault and fault.whole:
                scope = dict(scope, headers=[each for each in scope["headers"] if each[0] != b"range"])
            answer = await _ask(self._app, scope, body)
        answer = answer.with_headers(content_length=None, date=_date(int(time.time())))
        if fault and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        return fault.change(answer) if fault and fault.change else answer

    async def _message(self, scope, fields, body):
        """Answer a management message: what most requests are, hence without the application."""
        if scope["method"] != "POST":
            return Answer(405, {"allow": "POST", "content-type": _TEXT}, b"management messages come by POST\n")
        address = scope["client"][0] if scope["client"] else ""
        reply = await self._batch.ask(body, fields.get("content-type", ""), fields, address)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return Answer(reply.status, {**headers, "content-type": reply.content_type}, reply.body)


class _Batch:
    """Gathers the management messages that are there at the same time, so that they cost one transaction."""

    def __init__(self, bench):
        self._bench, self._waiting = bench, []

    def ask(self, *request) -> asyncio.Future:
        """Return what will be the reply."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer)
        self._waiting.append((request, loop.create_future()))
        return self._waiting[-1][1]

    def _answer(self):
        turn, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._answer)
        turn = [(request, future) for request, future in turn if not future.done()]
        try:
            replies = self._bench.dm_messages([request for request, _ in turn])
        except Exception:
            return self._answer_each(turn)
        for (_, future), reply in zip(turn, replies, strict=True):
            future.set_result(reply)

    def _answer_each(self, turn):
        """Let a message that nobody foresaw harm no other."""
        for request, future in turn:
            try:
                future.set_result(self._bench.dm_message(*request))
            except Exception as error:
                future.set_exception(error)


@lru_cache(maxsize=1)
def _date(second):
    return formatdate(second, usegmt=True)


async def _read(receive) -> bytes | None:
    """Return the body of a request, cut where it is too long; None if it never came whole, or too late."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return message["body"]
    body = bytearray()
    while message["type"] != "http.disconnect":
        body += message["body"]
        if not message.get("more_body") or len(body) > BODY_MAX:
            return bytes(body)
        message = await receive()
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
    return Answer(status, headers, parts[0] if len(parts) == 1 else b"".join(parts))  # a package is not copied
