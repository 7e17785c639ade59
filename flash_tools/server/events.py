"""What happened, one line each: kept in the store, and told to whoever listens once it is kept."""

import time
from collections import Counter

from flash_tools.server.store import Store

_TEXT = 512
_OFTEN = ("contact", "session", "report", "request", "notification")  # a device makes as many of them as it likes
_AN_HOUR, _HOUR_S = 2000, 3600  # of one device that are kept


class Events:
    """Whoever calls holds the desk's lock."""

    def __init__(self, store: Store):
        self._store = store
        self._listeners = []
        self._untold = []
        self._hour, self._counts = 0, Counter()  # device -> events of this hour

    def add(self, kind: str, text: str = "", *, device="", order="", campaign="", keep=True, **data):
        """Note an event; one that is not kept has no number and is told to listeners only."""
        event = {"at": time.time(), "kind": kind, "device": device, "order": order, "campaign": campaign}
        event |= {"text": text[:_TEXT], "data": data}
        event["id"] = self._store.add_event(**event) if keep and not self._is_too_much(kind, device) else 0
        self._untold.append(event)

    def _is_too_much(self, kind, device):
        if kind not in _OFTEN:
            return False
        hour = time.time() // _HOUR_S
        if hour != self._hour:
            self._hour, self._counts = hour, Counter()
        self._counts[device] += 1
        return self._counts[device] > _AN_HOUR

    def tell(self):
        """Tell what was noted since the last time."""
        events, self._untold = self._untold, []
        for event in events:
            for listener in list(self._listeners):
                listener(event)

    def forget(self):
        """Tell nobody what was not kept."""
        self._untold = []

    def subscribe(self, listener):
        """Call `listener(event)` for each event from now on; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None
