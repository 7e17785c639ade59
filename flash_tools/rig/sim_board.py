"""A simulated device as a board of the rig: power, a console of bytes, and the files that it is made of.

What every board of the rig has that is no hardware: `on`, `off`, `close`, `runs`, `code`, `write`, `clear`, `put`, `notify_port`,
`console`, `banks`, and `on_bytes(data)`, which hears what it says.
"""

import threading
from pathlib import Path

from flash_tools import whole_file
from flash_tools.errors import BusyError, NotFoundError
from flash_tools.rig.wishes import WISHES, unpack
from flash_tools.sim import sim_process
from flash_tools.sim.sim_files import FLASH, PROVISION


class SimBoard:
    """`put` makes it another board; nothing else outlives a loss of power than what a real one keeps."""

    files = (FLASH, PROVISION, WISHES)
    notify_port = None  # it says itself where it listens

    def __init__(self, folder, micropython: bool = False):
        self.folder, self._micropython = Path(folder), micropython
        self.on_bytes = lambda data: None
        self._process = sim_process.SimProcess([], self._heard)
        self._lock, self._typed = threading.Lock(), b""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def runs(self) -> bool:
        """Tell whether it has power."""
        return self._process.runs

    @property
    def code(self) -> int | None:
        """Return how it ended, None while it runs."""
        return self._process.code

    def on(self) -> None:
        """Give it power."""
        if not self.runs:
            self._process.command = self._command()
            self._typed = b""
            self._process.on()

    def off(self, dirty: bool = False) -> None:
        """Take its power at once, `dirty` inside of a flash operation."""
        self._process.off(dirty)

    def write(self, data: bytes) -> None:
        """Type at its console."""
        *lines, self._typed = (self._typed + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            if line:
                self._process.send(line.decode(errors="replace"))

    def put(self, name: str, data: bytes) -> None:
        """Replace one of its files; it has to be off."""
        if name not in self.files:
            raise NotFoundError("a simulated board has no file %s, only %s" % (name, ", ".join(self.files)))
        self._refuse_power()
        whole_file.write(self.folder / name, data, 0o600)

    def clear(self) -> None:
        """Forget all of its files."""
        self._refuse_power()
        for name in self.files:
            (self.folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Take its power for good."""
        self.off()

    def console(self) -> list[str]:
        """Return its last lines."""
        return self._process.console()

    def banks(self) -> list[dict]:
        """Describe what is in its flash."""
        return self._process.banks()

    def _refuse_power(self):
        if self.runs:
            raise BusyError("the board has power: take it before its files are replaced")

    def _command(self):
        flash, wishes = self.folder / FLASH, self.folder / WISHES
        if not flash.exists() or not wishes.exists():
            raise NotFoundError("%s holds no board yet: renew it first" % self.folder)
        options = unpack(wishes.read_bytes()).options()
        return sim_process.command(flash, self.folder / PROVISION, *options, micropython=self._micropython)

    def _heard(self, line):
        with self._lock:
            self.on_bytes(line.encode() + b"\r\n")
