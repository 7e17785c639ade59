"""The log of a server for people: one line an event, and one for what went wrong inside; hostile strings defused.

Events come with the office's lock held, hence they are only queued; a thread of its own writes them.
"""

import asyncio
import logging
import queue
import threading
import time

_MOST = 10000  # lines that may wait; more are counted and dropped
_LINE_MAX = 400
_STRANGERS, _A_MINUTE = ("refused", "warning"), 100  # first words of lines that strangers cause; so many stay
_SILENT = ("progress", "message")  # there are too many of them
_LOGGERS = ("fumo", "uvicorn.error", "asyncio")


class Log:
    """`write(line)` takes each line; None for silence."""

    def __init__(self, write=None):
        self._write, self._queue, self._thread = write, queue.Queue(_MOST), None
        self._lost = self._minute = self._said = 0
        self._handler = _Handler(self)

    def start(self) -> None:
        """Begin to write."""
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self._handler)
            logging.getLogger(name).propagate = False
        self._thread = threading.Thread(target=self._run, name="fumo log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then stop."""
        self._queue.put(None)
        self._thread.join(5)
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self._handler)
            logging.getLogger(name).propagate = True

    def event(self, event: dict) -> None:
        """Note an EVENT of the office."""
        if event.get("kind") not in _SILENT and event.get("id"):  # those that are worth keeping
            about = event.get("device") or event.get("campaign") or ""
            self.say(event.get("kind", ""), about, event.get("text") or _numbers(event.get("data") or {}))

    def say(self, *words: str) -> None:
        """Note a line."""
        if words[0] in _STRANGERS and self._is_too_much(time.monotonic() // 60):
            self._lost += 1
            return
        try:
            self._queue.put_nowait("%s %s" % (time.strftime("%H:%M:%S"), " ".join(str(word) for word in words if word)))
        except queue.Full:
            self._lost += 1

    def _is_too_much(self, minute):
        if minute != self._minute:
            self._minute, self._said = minute, 0
        self._said += 1
        return self._said > _A_MINUTE

    def defect(self, where: str, error: BaseException) -> None:
        """Note a defect of the server itself: what and where, in one line."""
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        place = " (%s:%d)" % (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace else ""
        self.say("defect", "%s: %s: %s%s" % (where, type(error).__name__, error, place))

    def _run(self):
        for line in iter(self._queue.get, None):
            self._put(line)
            if self._lost:
                lost, self._lost = self._lost, 0
                self._put("%d lines were lost: they came faster than they could be written" % lost)

    def _put(self, line):
        try:
            if self._write:
                self._write(plain(line)[:_LINE_MAX])
        except (OSError, ValueError):
            self._write = None  # the terminal is gone; the server goes on


class _Handler(logging.Handler):
    """Puts what is logged into one line each."""

    def __init__(self, log):
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record):
        """Take a record."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, asyncio.CancelledError | ConnectionError):
            return  # the server stops, or the peer has gone
        if error:
            self._log.defect(record.getMessage().split("\n")[0], error)
        else:
            self._log.say(record.levelname.lower(), record.getMessage())


def _numbers(data):
    return " ".join("%s %s" % (name, value) for name, value in data.items() if isinstance(value, str | int | float))


def plain(text: str) -> str:
    """Take control characters out: what devices say is hostile."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in str(text))
