"""What a cut leaves in doubt, kept on the host: erase units that were being written read as they should and may not hold.

One small JSON file a chip, in $XDG_STATE_HOME/fumo/flash; the next write of these bytes erases them whatever they read.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from flash_tools.target import Target

_VERSION = 1


class Notes:
    """The notes of one chip."""

    def __init__(self, target: Target) -> None:
        self._name = "%s:%s" % (target.kind, _whole(target))
        self.path = _folder() / (hashlib.sha256(self._name.encode()).hexdigest()[:16] + ".json")
        found = self._read()
        self.job: str = found.get("job", "")
        self.doubtful: list[tuple[int, int]] = [(start, end) for start, end in found.get("doubtful", [])]

    def begin(self, job: str) -> None:
        """Note what is being done."""
        self.job = job
        self._write()

    def suspect(self, start: int, end: int) -> None:
        """Note that these bytes are in doubt from now on: before an erase."""
        if (start, end) not in self.doubtful:
            self.doubtful.append((start, end))
            self._write()

    def trust(self, start: int, end: int) -> None:
        """Take back what was noted of these bytes: they have been erased anew, written and read back."""
        parts = []
        for low, high in self.doubtful:
            parts += [(low, min(high, start)), (max(low, end), high)]
        left = [(low, high) for low, high in parts if low < high]
        if left != self.doubtful:
            self.doubtful = left
            self._write()

    def end(self) -> None:
        """Forget the job; what is in doubt elsewhere is kept."""
        self.job = ""
        if self.doubtful:
            self._write()
            return
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def in_doubt(self, start: int, size: int) -> bool:
        """Tell whether any of these bytes are in doubt."""
        return any(low < start + size and start < high for low, high in self.doubtful)

    def _read(self):
        try:
            found = json.loads(self.path.read_text())
            if found["version"] == _VERSION and found["board"] == self._name:
                [(int(start), int(end)) for start, end in found["doubtful"]]
                return found
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            pass
        return {}

    def _write(self):
        text = json.dumps({"version": _VERSION, "board": self._name, "job": self.job, "doubtful": self.doubtful})
        part = self.path.with_suffix(".part")
        with suppress(OSError):  # without a home nothing is remembered; comparing still finds most of it
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(part, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)


def _folder():
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fumo" / "flash"


def _whole(target):
    """Return the place in the same words wherever the command is started."""
    if target.kind in ("sim", "file", "spi"):
        path, mark, rest = target.place.partition("?")
        return str(Path(path).resolve())
    return target.place
