"""The emulated Linux board as a board of the rig: the same as sim_board.py, over QEMU.

Its files are the two chips, the settings, and, below `root/`, what else its root file system is to have beside the base and the
first stage, which is installed as the Debian package does it.
"""

import contextlib
import os
import select
import shutil
import threading
from functools import cache
from pathlib import Path, PurePosixPath

from flash_tools import whole_file
from flash_tools.deploy.files import Wish
from flash_tools.deploy.files import build as device_files
from flash_tools.errors import BusyError, NotFoundError
from flash_tools.rig.emulator.build import build
from flash_tools.rig.emulator.machine import EmulatedBoard
from flash_tools.rig.emulator.project_files import module
from flash_tools.rig.emulator.qemu_command import EEPROM, FLASH
from flash_tools.rig.wishes import WISHES

BASE = Path("build") / "rig" / "base"
NOTIFY = ("udp", 2948)
CONFIG = "config.toml"
FILES = (FLASH, EEPROM, CONFIG, WISHES)
_ROOT = "root"
_PLACE = "usr/lib/fumo-agent/"
_MAIN = b"import sys\n\nfrom ports.cpython_linux.__main__ import main\n\nsys.exit(main())\n"
_START = b"#!/bin/sh\nexec python3 -I -B /usr/lib/fumo-agent run\n"
_LOOK_S = 0.2
_PIECE = 4096
_LINES = 200


class RigEmulatedBoard:
    """`machine` is the EmulatedBoard, for what only an emulated board can do."""

    def __init__(self, folder, base: Path = BASE, **equipment):
        self.folder, self.on_bytes = Path(folder), lambda data: None
        self.folder.mkdir(parents=True, exist_ok=True)
        stands = {"exact_cuts": True, "panic_s": 0, **equipment}  # after a panic, until the hardware watchdog bites
        self.machine = EmulatedBoard(self.folder, build(base), ports=(NOTIFY,), **stands)
        self.more: dict[str, bytes] = {}  # files of its root file system that no put() need write
        self._begin_to_listen()

    @property
    def notify_port(self) -> int:
        """Return the port of this computer that leads to the board's port for notifications."""
        return self.machine.forward[NOTIFY]

    @property
    def runs(self) -> bool:
        """Tell whether it has power."""
        return self.machine.alive

    @property
    def code(self) -> None:
        """Say that it never ends by itself."""
        return None

    def on(self) -> None:
        """Give it power; it says itself when it is up."""
        if self.runs:
            return
        if not (self.folder / CONFIG).exists():
            raise NotFoundError("%s holds no board yet: renew it first" % self.folder)
        self.machine.payload = {
            **system_files(),
            "etc/fumo-agent/config.toml": (self.folder / CONFIG).read_bytes(),
            **self._own(),
            **self.more,
        }
        self.machine.on(wait=False)

    def off(self, dirty: bool = False) -> None:
        """Take its power at once; that is inside of whatever it does, hence never more dirty than that."""
        self.machine.off()

    def write(self, data: bytes) -> None:
        """Type at its console."""
        with contextlib.suppress(OSError):
            os.write(self._line, data)

    def put(self, name: str, data: bytes) -> None:
        """Replace one of its files; it has to be off."""
        path = PurePosixPath(name)
        if name not in FILES and (path.parts[:1] != (_ROOT,) or ".." in path.parts or len(path.parts) < 2):
            raise NotFoundError(
                "an emulated board has no file %s, only %s and %s/..." % (name, ", ".join(FILES), _ROOT)
            )
        self._refuse_power()
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        whole_file.write(self.folder / path, data, 0o600)

    def clear(self) -> None:
        """Forget what its root file system had beside the base, and what its chips hold."""
        self._refuse_power()
        shutil.rmtree(self.folder / _ROOT, ignore_errors=True)
        (self.folder / CONFIG).unlink(missing_ok=True)
        self.more = {}
        for name in (FLASH, EEPROM):
            path = self.folder / name
            path.write_bytes(b"\xff" * path.stat().st_size)

    def close(self) -> None:
        """Take its power for good."""
        self._end_listening()
        self.machine.close()

    @contextlib.contextmanager
    def lent_line(self):
        """Give the path of its serial line to another program for a while, which then hears what it says."""
        self._end_listening()
        try:
            yield self.machine.serial
        finally:
            self._begin_to_listen()

    def console(self) -> list[str]:
        """Return the last lines of the kernel's console."""
        return self.machine.console().splitlines()[-_LINES:]

    def banks(self) -> list[dict]:
        """Describe nothing: its layout is the board file's matter."""
        return []

    def _own(self):
        root = self.folder / _ROOT
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def _refuse_power(self):
        if self.runs:
            raise BusyError("the board has power: take it before its files are replaced")

    def _begin_to_listen(self):
        self._line = os.open(self.machine.serial, os.O_RDWR | os.O_NOCTTY)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _end_listening(self):
        self._ends.set()
        self._thread.join()
        os.close(self._line)

    def _listen(self):
        while not self._ends.is_set():
            if select.select((self._line,), (), (), _LOOK_S)[0]:
                try:
                    data = os.read(self._line, _PIECE)
                except OSError:
                    return
                self.on_bytes(data)


@cache
def system_files() -> dict[str, bytes]:
    """Return the first stage as it is installed with the system, and what starts it for ever."""
    found = {"etc/rig/start": _START}
    for place, data in {**device_files(Wish("cpython_linux", "rig_imx6")), "__main__.py": _MAIN}.items():
        found.update(module(place, data, _PLACE) if place.endswith(".py") else {_PLACE + place: data})
    return found
