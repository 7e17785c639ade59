"""Puts an HTTP answer on the wire: as uvicorn does, or byte by byte with a scripted fault."""

import asyncio
import contextlib
from http import HTTPStatus

from flash_tools.server.web_faults import Answer, WebFault

STALL_S = 300  # a stalled connection is given up then, should the client never do so
_TICKS = 20  # a second
_TOGETHER = 4096  # bytes of a body that leave with its head: one segment, one TLS record
_SLICE = 1 << 16  # of a body; what an answer holds in memory beside the package
_FILLER = bytes(16384)


async def send_plain(wire, send, answer: Answer):
    """Send as every server does: a short body together with the head, a long one in slices, as the client takes them."""
    size = len(answer.body)
    headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.status not in (204, 304):
        headers.append((b"content-length", b"%d" % size))
    if size <= _TOGETHER:
        wire.hold()
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if size <= _SLICE:
            await send({"type": "http.response.body", "body": answer.body})
    finally:
        wire.flush()
    if size > _SLICE:
        await _send_slices(wire, send, memoryview(answer.body))


async def _send_slices(wire, send, body):
    for start in range(0, len(body), _SLICE):
        if wire.is_closing():
            return
        end = start + _SLICE
        await send({"type": "http.response.body", "body": body[start:end], "more_body": end < len(body)})
        await asyncio.sleep(0)  # others are served, too, where the kernel takes whatever it is given


async def send_broken(wire, receive, answer: Answer, fault: WebFault):
    """Send what the fault leaves of the answer; the connection is over then."""
    head = _head(answer, fault)
    if fault.cut is not None and fault.cut < 0:
        wire.write(head[: len(head) // 2])
    else:
        wire.write(head)
        await _send_body(wire, answer.body, fault)
        if fault.twice:
            wire.write(head + answer.body)
    await end(wire, receive, fault.end)


def _head(answer, fault):
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = ["HTTP/1.1 %d %s" % (answer.status, phrase)]
    lines += ["%s: %s" % (name, value) for name, value in answer.headers.items() if name != "content-length"]
    if not fault.endless:
        lines.append("content-length: %d" % (len(answer.body) + fault.announce))
    if fault.rate and fault.cut is None:
        lines.append("connection: close")  # nothing else is wrong with it
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _send_body(wire, body, fault):
    part = body if fault.cut is None else body[: fault.cut]
    step = len(part) if fault.rate is None else max(1, fault.rate // _TICKS)
    for start in range(0, len(part), step or 1):
        if wire.is_closing():
            return
        wire.write(part[start : start + step])
        if fault.rate is not None:
            await asyncio.sleep(min(1, step / fault.rate))
    if fault.endless:
        await _send_for_ever(wire)


async def _send_for_ever(wire):
    deadline = asyncio.get_running_loop().time() + STALL_S
    while not wire.is_closing() and asyncio.get_running_loop().time() < deadline:
        if wire.get_write_buffer_size() < len(_FILLER):
            wire.write(_FILLER)
        await asyncio.sleep(0.001)


async def end(wire, receive, how: str):
    """End the connection: "reset", "close", or nothing more until the client goes ("stall")."""
    await wire.drained()
    if how == "reset":
        wire.reset()
    elif how == "close":
        wire.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_gone(receive), STALL_S)


async def _gone(receive):
    """Wait until the connection is gone: uvicorn must not answer in our place."""
    while (await receive())["type"] != "http.disconnect":
        pass
