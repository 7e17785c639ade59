"""A bench with one emulated microcontroller and a management server: orders an update, watches what comes of it.

What the board is given time for goes by its own clock: a busy host makes nothing fail.
"""

import tempfile
import time
from pathlib import Path

from flash_tools.errors import SilentError
from flash_tools.rig.mcu.build import build
from flash_tools.rig.mcu.goods import NOTIFY_PORT, McuGoods
from flash_tools.rig.mcu.machine import Microcontroller
from flash_tools.rig.mcu.memory import Settings
from flash_tools.rig.mcu.proxy import Proxy
from flash_tools.server.bench import BenchServer

STACK_KIB = 7.75  # what MicroPython may use of a Pico's 8
ROOMY_KIB = 512
_UPDATE_S, _BOUND_S, _LOOK_S = 240, 60, 0.05
_SLOWEST = 10  # so much longer than by its clock a board may take: one whose clock stands still has ended, too
_TROUBLE = ("Traceback", "MemoryError", "crash ", "fault ", "FATAL", "uncaught", "exception caught")


class Limit:
    """So many seconds by the clock of a board."""

    def __init__(self, board, seconds):
        self._memory, self._end_ms = board.memory, board.memory.elapsed_ms + seconds * 1000
        self._real_end = time.monotonic() + seconds * _SLOWEST

    @property
    def over(self):
        """Tell whether they are over; looked at often."""
        time.sleep(_LOOK_S)
        return self._memory.elapsed_ms > self._end_ms or time.monotonic() > self._real_end


class Bench:
    """One board with `heap_kib` and an account; a context manager."""

    def __init__(self, heap_kib=ROOMY_KIB, kind="lfs2", folder=None, seed=1, say=None):
        self.goods = McuGoods(kind, folder=folder)
        self._place = tempfile.TemporaryDirectory(prefix="rig-mcu-")
        self.server = BenchServer(tls=False)
        self.proxy = None
        settings = Settings(heap_kib << 10, seed)
        settings.stack = int(STACK_KIB * 1024)
        self.board = Microcontroller(
            Path(self._place.name), build(say=say or (lambda text: None)), settings, self._connect, steady=True
        )
        self.heard = []  # what the console said before the power was cut

    def __enter__(self):
        self.server.start()
        bundle = self.server.add_device(self.goods.device_id)
        self.board.memory.load_chip(self.goods.chip(bundle))
        self.board.memory.load_rom(self.goods.rom())
        return self

    def __exit__(self, *_):
        self.board.off()
        self.server.stop()
        self._place.cleanup()

    def on(self):
        """Give the board power."""
        self.board.on()

    def cut(self):
        """Take the power; keep what was said."""
        self.board.off()
        self.heard.append(self.board.console.text)

    def order(self, version="2.0", behaviour="good", counter=1):
        """Order an update and wake the board up; returns the order."""
        package = self.server.add_package(self.goods.update(version, behaviour, counter))
        return self.server.order(self.goods.device_id, package, notify=("127.0.0.1", self.wait_port()))

    def wait_port(self, seconds=_BOUND_S):
        """Wait until the board listens for notifications; return where they are to be sent."""
        limit = Limit(self.board, seconds)
        while NOTIFY_PORT not in self.proxy.ports:
            if limit.over or self.trouble():
                raise SilentError("the board does not listen; it said: %s" % self.said()[-600:])
        return self.proxy.ports[NOTIFY_PORT]

    def finish(self, order, timeout_s=_UPDATE_S):
        """Wait for the order's end; return (its code or None, what went wrong on the board or "")."""
        limit = Limit(self.board, timeout_s)
        while not limit.over:
            if order.finished:
                return order.code, ""
            trouble = self.trouble()
            if trouble:
                return order.code, trouble
        raise SilentError("the update did not end within %d s; the board said: %s" % (timeout_s, self.said()[-600:]))

    def trouble(self):
        """Return the line of the console that says that something went wrong, "" where none does."""
        lines = self.said().splitlines()
        found = [line for line in lines if line.startswith(_TROUBLE) or "MemoryError" in line]
        return found[-1] if found else ""

    def said(self):
        """Return what the board said since the power came."""
        return self.board.console.text if self.board.console else ""

    def _connect(self, channel):
        self.proxy = Proxy(channel)
        return self.proxy
