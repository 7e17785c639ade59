"""What happened, one line each: kept in the store, and told to whoever listens once it is kept."""

import time

from flash_tools.server.store import Store

_TEXT = 512


class Events:
    """Whoever calls holds the desk's lock."""

    def __init__(self, store: Store):
        self._store = store
        self._listeners = []
        self._untold = []

    def add(self, kind: str, text: str = "", *, device="", order="", campaign="", keep=True, **data):
        """Note an event; one that is not kept has no number and is told to listeners only."""
        event = {"at": time.time(), "kind": kind, "device": device, "order": order, "campaign": campaign}
        event |= {"text": text[:_TEXT], "data": data}
        event["id"] = self._store.add_event(**event) if keep else 0
        self._untold.append(event)

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
