"""Reads a part of a flash into a file. What a cut has left (`FILE.part`, and `FILE.part.json` about it) is gone on with.

The part counts only if it still has the digest that was noted, and if its two ends read on the chip as they read in the file.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flash_tools import whole_file
from flash_tools.chips import Chip
from flash_tools.errors import BusyError, ToolError
from flash_tools.flash.flash_job import Progress, nobody
from flash_tools.flash.flash_place import Place

_BLOCK = 65536
_PROBE = 4096


@dataclass(frozen=True)
class Taken:
    """What was read; `resumed` bytes of it were there from an earlier run."""

    place: str
    start: int
    size: int
    resumed: int
    sha256: str


def read(chip: Chip, place: Place, path: Path, progress: Progress = nobody) -> Taken:
    """Read a place into a file: all of it is there in the end, or a part that the next run goes on with."""
    whole_file.refuse_dash(path)
    if path.exists() and not path.is_file():  # a pipe or a terminal is not replaced
        raise ToolError("cannot write %s: it is no file that a later run could go on with" % path)
    part = _Part(chip, place, path)
    try:
        resumed = part.resume()
        progress("read", resumed, place.size)
        for at in range(resumed, place.size, _BLOCK):
            cells = bytearray(min(_BLOCK, place.size - at))
            chip.flash.read(place.start + at, cells)
            part.append(cells)
            progress("read", len(cells), place.size)
        return Taken(place.name, place.start, place.size, resumed, part.finish())
    except OSError as e:
        raise ToolError("cannot write %s: %s" % (path, e.strerror or e)) from None
    finally:
        part.close()


class _Part:
    def __init__(self, chip: Chip, place: Place, path: Path) -> None:
        self._chip, self._place, self._path = chip, place, path
        self._part = path.with_name(path.name + ".part")
        self._about = path.with_name(path.name + ".part.json")
        self._digest, self._size, self._file = hashlib.sha256(), 0, None

    def resume(self) -> int:
        # a chip holds its device's secrets: for its owner only, and in no file that somebody else has put there
        self._file = open(os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b")
        os.fchmod(self._file.fileno(), 0o600)
        whole_file.lock(self._file.fileno(), self._path)
        if not whole_file.is_at(self._file.fileno(), self._part):
            raise BusyError("%s has just been written by another command: run it again" % self._path)
        size = self._usable()
        self._file.truncate(size)
        self._file.seek(size)
        self._size = size
        return size

    def append(self, cells: bytearray) -> None:
        self._file.write(cells)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._digest.update(cells)
        self._size += len(cells)
        about = {**self._facts(), "read": self._size, "sha256": self._digest.hexdigest()}
        new = self._about.with_suffix(".new")
        new.write_text(json.dumps(about))
        new.replace(self._about)

    def finish(self) -> str:
        self._part.replace(self._path)
        with suppress(OSError):
            self._about.unlink()
        self.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _facts(self):
        identity = self._chip.jedec_id.hex() if self._chip.jedec_id else None
        return {"board": str(self._chip.target), "id": identity, "start": self._place.start, "size": self._place.size}

    def _usable(self) -> int:
        """Return how much of what is there is a part of this chip's place, and take its digest."""
        try:
            about = json.loads(self._about.read_text())
            data = self._part.read_bytes()[: about["read"]]
            same = all(about[name] == value for name, value in self._facts().items())
            good = same and len(data) == about["read"] and hashlib.sha256(data).hexdigest() == about["sha256"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return 0
        if not good or not data or not (self._reads(data, 0) and self._reads(data, max(len(data) - _PROBE, 0))):
            return 0
        self._digest.update(data)
        return len(data)

    def _reads(self, data, at):
        cells = bytearray(min(_PROBE, len(data) - at))
        self._chip.flash.read(self._place.start + at, cells)
        return cells == data[at : at + len(cells)]
