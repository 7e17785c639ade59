"""A thread that carries bytes for as long as a `with` lasts: between pseudo-terminals and what has their other ends."""

import os
import threading


class Pumped:
    """Whoever is made from this has `_begin`, `_pump`, which returns when `_stop_read` can be read, and `_end`."""

    def __enter__(self):
        self._stop_read, self._stop = os.pipe()
        self._begin()
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception):
        os.close(self._stop)
        self._thread.join(20)
        self._end()
        os.close(self._stop_read)

    def _end(self):
        """Close what is left."""
