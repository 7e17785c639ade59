"""A bench with one emulated microcontroller and a management server: orders an update, watches what comes of it."""

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

ROOMY_KIB = 512
_UPDATE_S, _BOUND_S, _LOOK_S = 240, 60, 0.05
_TROUBLE = ("Traceback", "MemoryError", "crash ", "fault ", "FATAL", "uncaught", "exception caught")


class Bench:
    """One board with `heap_kib` and an account; a context manager."""

    def __init__(self, heap_kib=ROOMY_KIB, kind="lfs2", folder=None, seed=1, say=None):
        self.goods = McuGoods(kind, folder=folder)
        self._place = tempfile.TemporaryDirectory(prefix="rig-mcu-")
        self.server = BenchServer(tls=False)
        self.proxy = None
        settings = Settings(heap_kib << 10, seed)
        self.board = Microcontroller(
            Path(self._place.name), build(say=say or (lambda text: None)), settings, self._connect
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
        port = self.proxy.wait_port(NOTIFY_PORT, _BOUND_S)
        return self.server.order(self.goods.device_id, package, notify=("127.0.0.1", port))

    def finish(self, order, timeout_s=_UPDATE_S):
        """Wait for the order's end; return (its code or None, what went wrong on the board or "")."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if order.finished:
                return order.code, ""
            trouble = self.trouble()
            if trouble:
                return order.code, trouble
            time.sleep(_LOOK_S)
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
