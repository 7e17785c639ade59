"""Brings the office's events to the event loop, for as many as listen there; one subscription for all of them.

The office calls from whatever thread and with its lock held, so nothing happens there but a call of the loop's queue.
"""

import asyncio

from flash_tools.server.admin.threads import in_thread


class Hub:
    """Subscribes when somebody listens for the first time, and stays: without listeners an event costs one look."""

    def __init__(self, office):
        self._office, self._loop, self._subscribed = office, None, None
        self._listeners = []

    @property
    def count(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    async def listen(self, take):
        """Call `take(event)` on this loop for each event from now on; return what ends that."""
        self._loop = asyncio.get_running_loop()
        self._listeners.append(take)
        if self._subscribed is None:
            self._subscribed = asyncio.ensure_future(in_thread(self._office.subscribe, self._come))
        try:
            await asyncio.shield(self._subscribed)
        except BaseException:
            self._forget(take)
            raise
        return lambda: self._forget(take)

    def _forget(self, take):
        if take in self._listeners:
            self._listeners.remove(take)

    def _come(self, event):
        if self._listeners:
            try:
                self._loop.call_soon_threadsafe(self._spread, event)
            except RuntimeError:
                pass  # the loop is closed

    def _spread(self, event):
        for take in tuple(self._listeners):
            take(event)
