"""`POST /enrol`: a device that nobody has added shows a one-time token over TLS and gets its account.

Stands before the application of the devices' port, so that tokens and secrets are in no transcript. `office.enrol(token, device,
model)` decides. What is refused is one line of text.
"""

import asyncio
import json

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from flash_tools.errors import ToolError
from flash_tools.server.log import plain
from flash_tools.server.office.base import StoreFailed

PATH = "/enrol"
BODY_MAX, _TEXT_MAX = 4096, 255
_BODY_S = 10
_NO_STORE = {"cache-control": "no-store"}
_PLAIN = "enrolment needs TLS: its answer holds the device's secrets, and this connection can be read on the way"


class Enrolment:
    """An ASGI application in front of `app`; `secure`: devices come by TLS, from here or from what stands in front.

    `say(*words)` takes a line of log for what is refused.
    """

    def __init__(self, app, office, secure: bool, say=lambda *words: None):
        self._app, self._office, self._secure, self._say = app, office, secure, say

    async def __call__(self, scope, receive, send):
        """Answer an enrolment, and let everything else through."""
        if scope["type"] != "http" or scope["path"] != PATH:
            return await self._app(scope, receive, send)
        answer = await self._answer(scope, receive)
        await answer(scope, receive, send)

    async def _answer(self, scope, receive) -> Response:
        if scope["method"] != "POST":
            return PlainTextResponse("enrolment is a POST\n", 405, {"allow": "POST"})
        if not self._secure:
            return self._refuse(scope, _PLAIN, 403)
        body = await _read(receive)
        if len(body) > BODY_MAX:
            return self._refuse(scope, "an enrolment has %d bytes at most" % BODY_MAX, 413)
        try:
            fields = read(body)
        except ToolError as error:
            return self._refuse(scope, str(error), 400)
        try:
            bundle = await run_in_threadpool(self._office.enrol, fields["token"], fields["device"], fields["model"])
        except StoreFailed as error:
            answer = self._refuse(scope, str(error), 503, fields["device"])
            answer.headers["retry-after"] = str(error.retry_after_s)
            return answer
        except ToolError as error:
            return self._refuse(scope, str(error), 403, fields["device"])
        return JSONResponse(bundle, headers=_NO_STORE)

    def _refuse(self, scope, text, status, device=""):
        self._say("refused", "enrolment", device, "from %s:" % (scope.get("client") or ("?",))[0], text)
        return PlainTextResponse(plain(text) + "\n", status, {**_NO_STORE, "connection": "close"})


def read(body: bytes) -> dict[str, str]:
    """Read the request: a JSON object with the texts token, device and, if wanted, model."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise ToolError("an enrolment is a JSON object") from None
    if not isinstance(given, dict):
        raise ToolError("an enrolment is a JSON object")
    fields = {"token": given.get("token"), "device": given.get("device"), "model": given.get("model", "")}
    for name, value in fields.items():
        if not isinstance(value, str) or len(value) > _TEXT_MAX or not (value or name == "model"):
            raise ToolError("%s is no text of 1 to %d characters" % (name, _TEXT_MAX))
        if not all(letter.isprintable() for letter in value):
            raise ToolError("%s has control characters" % name)
    return fields


async def _read(receive) -> bytes:
    """Return the body, a byte too many where it is too long; an empty one where it never came whole."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            while len(body) <= BODY_MAX:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return b""
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
    except TimeoutError:
        return b""
    return bytes(body)
