"""Keeps what may be shown only once, secrets and tokens, between the form that made it and the page that shows it."""

import secrets
from collections import OrderedDict
from threading import Lock

_MOST = 32


class Once:
    """In memory only, and not for long: the oldest goes where there are many."""

    def __init__(self):
        self._kept: OrderedDict[str, object] = OrderedDict()
        self._lock = Lock()

    def put(self, value) -> str:
        """Keep a value and return the key to it."""
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return key

    def take(self, key: str):
        """Return the value and forget it; None where it was shown already."""
        with self._lock:
            return self._kept.pop(key, None)
