"""Waits for an order's or a task's end without keeping a thread: looks again when an event says that it may be time."""

import asyncio
import contextlib

from starlette.exceptions import HTTPException

from flash_tools.server.admin.hub import Hub
from flash_tools.server.admin.refusals import Bound
from flash_tools.server.admin.threads import in_thread

WAITING_MAX, WAIT_MAX_S = 200, 600
_LOOK_S = 2  # also looks that often: not all that ends an order is an event


class Waiting:
    """How many wait at the same time is bounded."""

    def __init__(self, hub: Hub):
        self._hub, self.bound = hub, Bound(WAITING_MAX, "waiting requests")

    async def until(self, receive, look, ended, device: str, seconds: float):
        """Return what `look()` gives once `ended(it)`, the time is over, or the client has gone."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        deadline = loop.time() + seconds
        with self.bound:
            gone = loop.create_task(until_gone(receive))
            gone.add_done_callback(lambda _: woken.set())
            stop = await self._hub.listen(lambda event: event["device"] == device and woken.set())
            try:
                while True:
                    woken.clear()
                    value = await in_thread(look)
                    left = deadline - loop.time()
                    if ended(value) or left <= 0 or gone.done():
                        return value
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(woken.wait(), min(left, _LOOK_S))
            finally:
                stop()
                gone.cancel()


async def until_gone(receive):
    """Wait until the client has gone."""
    with contextlib.suppress(HTTPException):  # a body that was announced and never came
        while (await receive())["type"] != "http.disconnect":
            pass
