"""One process a server folder: a lock that the kernel gives back when its holder dies, with a note of where the holder is.

The note is for commands that find the folder taken: they talk to its holder instead.
"""

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path

from flash_tools.errors import ToolError

LOCK = "lock"
_NOTE_MAX = 4096
_WAIT_S, _LOOK_S = 10, 0.05


class FolderLock:
    """A holder without a note of an `url` begins, or is a command: others wait for it."""

    def __init__(self, folder: Path):
        self._path, self._file = folder / LOCK, None

    @property
    def is_held(self) -> bool:
        """Tell whether the folder is ours."""
        return self._file is not None

    def take(self, wait_s: float = _WAIT_S) -> dict | None:
        """Take the folder and return None; or return the note of the server that has it."""
        deadline = time.monotonic() + wait_s
        while not self._try():
            note = self._read()
            if note.get("url") or time.monotonic() > deadline:
                return note
            time.sleep(_LOOK_S)
        self.note()
        return None

    def note(self, **fields) -> None:
        """Write where the holder is; nothing is said before that."""
        data = json.dumps({"pid": os.getpid(), **fields}).encode()
        os.pwrite(self._file, data, 0)
        os.ftruncate(self._file, len(data))

    def release(self) -> None:
        """Let others in."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def _try(self):
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ToolError("cannot write %s: %s" % (self._path, error.strerror)) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def _read(self):
        try:
            with open(self._path, "rb") as file:
                note = json.loads(file.read(_NOTE_MAX))
        except (OSError, ValueError):
            return {}  # the holder has only begun
        return note if isinstance(note, dict) else {}
