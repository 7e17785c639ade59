"""Events as they happen: server-sent events with a bounded queue for each reader, resumed where a reader was.

A reader that does not keep up loses progress first, then its connection, after a comment that says so; with the number of
the last event that it has (`Last-Event-ID`) it misses nothing that is kept.
"""

import asyncio
import contextlib
from collections import deque

from starlette.responses import Response

from flash_tools.server.admin.ask import Ask
from flash_tools.server.admin.hub import Hub
from flash_tools.server.admin.json_text import write
from flash_tools.server.admin.refusals import Bound, Wrong
from flash_tools.server.admin.threads import in_thread
from flash_tools.server.admin.waiting import until_gone

KEEP_ALIVE_S, SEND_S = 15, 30
STREAMS_MAX, QUEUE_MAX, PAGE = 64, 1000, 500
_BATCH, _RETRY_MS, _ID_MAX = 100, 2000, (1 << 63) - 1
_HEADERS = {"x-accel-buffering": "no"}
_TYPE = "text/event-stream"


class Wanted:
    """Which events a request asks for."""

    def __init__(self, ask: Ask):
        self.device, self.campaign = ask.text("device"), ask.text("campaign")
        self.kinds = ask.names("kinds")

    def timeline(self, office, after: int, limit: int) -> list[dict]:
        """Return those that are kept."""
        chosen = {"device_id": self.device, "campaign": self.campaign, "kinds": self.kinds}
        return office.timeline(after=after, limit=limit, **chosen)

    def matches(self, event: dict) -> bool:
        """Tell whether it is one of them."""
        wanted = ((self.device, event["device"]), (self.campaign, event["campaign"]))
        return all(not text or text == given for text, given in wanted) and (
            not self.kinds or event["kind"] in self.kinds
        )


class Streams:
    """Makes the answers; how many there are at the same time is bounded."""

    def __init__(self, office, hub: Hub):
        self.office, self.hub, self.bound = office, hub, Bound(STREAMS_MAX, "event streams")

    def answer(self, ask: Ask, last_seen: str | None):
        """Return a stream; `last_seen` is the header Last-Event-ID."""
        after = ask.number("after", None, 0, _ID_MAX)
        if last_seen:
            if not last_seen.isascii() or not last_seen.isdigit() or int(last_seen[:20]) > _ID_MAX:
                raise Wrong("Last-Event-ID must be the number of an event")
            after = int(last_seen)
        return EventStream(self, Wanted(ask), after)


class EventStream(Response):
    """One reader's stream; `after` None: only what happens from now on."""

    def __init__(self, streams: Streams, wanted: Wanted, after: int | None):
        super().__init__(None, 200, _HEADERS, _TYPE)
        del self.headers["content-length"]
        self._streams, self._wanted, self._after, self._replayed = streams, wanted, after, 0
        self._queue, self._wake = deque(), asyncio.Event()
        self._lost = self._gone = False

    async def __call__(self, scope, receive, send):
        """Send events until the client goes, is too slow, or the server ends."""
        gone = asyncio.get_running_loop().create_task(until_gone(receive))
        gone.add_done_callback(self._note_gone)
        try:
            with self._streams.bound:
                stop = await self._streams.hub.listen(self._take)
                try:
                    await self._run(send)
                finally:
                    stop()
        except TimeoutError:
            if "wire" in scope:
                scope["wire"].abort()  # who reads nothing would keep the rest in our memory
        finally:
            gone.cancel()

    def _note_gone(self, _):
        self._gone = True
        self._wake.set()

    def _take(self, event):
        if self._lost or not self._wanted.matches(event):
            return
        room = QUEUE_MAX - len(self._queue)
        if not event["id"] and room < QUEUE_MAX // 2:
            return
        if room:
            self._queue.append(event)
        self._lost = not room
        self._wake.set()

    async def _run(self, send):
        head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(head)
        await _put(send, b"retry: %d\n: events follow\n\n" % _RETRY_MS)
        if self._after is not None:
            await self._replay(send)
        while not (self._lost or self._gone):
            await self._send_batch(send)
        if self._lost:
            await _put(send, b": you are too slow: connect again, and name the last event in Last-Event-ID\n\n")
        await send({"type": "http.response.body", "body": b""})

    async def _replay(self, send):
        after = self._after
        while not self._gone:
            kept = await in_thread(self._wanted.timeline, self._streams.office, after, PAGE)
            kept = [event for event in kept if event["id"] > after]
            if not kept:
                break
            await _put(send, b"".join(_block(event) for event in kept))
            after = self._replayed = kept[-1]["id"]

    async def _send_batch(self, send):
        if not self._queue:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), KEEP_ALIVE_S)
        count = min(_BATCH, len(self._queue))
        batch = [self._queue.popleft() for _ in range(count)]
        blocks = [_block(each) for each in batch if not 0 < each["id"] <= self._replayed]
        if blocks or not (batch or self._gone):
            await _put(send, b"".join(blocks) or b": still here\n\n")


async def _put(send, data):
    async with asyncio.timeout(SEND_S):
        await send({"type": "http.response.body", "body": data, "more_body": True})


def _block(event):
    number = b"id: %d\n" % event["id"] if event["id"] else b""
    return number + b"data: " + write(event) + b"\n\n"
