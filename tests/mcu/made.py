"""What `fumo deploy` puts onto a board, for the fake boards of tests: bundled takes seconds, so it is kept between two runs.

The firmware comes without an application. Every name that one of behaviours.py or the example uses stays what it is, so any of
them can be put beside it.
"""

import hashlib
import os
import pickle
import sys
import tempfile
from pathlib import Path

from flash_tools.deploy import board_file, mpy_files
from tests.mcu.behaviours import BEHAVIOURS
from tests.mcu.fake_board import ROOT

CACHE = ROOT / "build" / "mcu-made"
_MADE_OF = ("agent", "hal", "ports/micropython", "flash_tools/deploy", "examples")
_OURS = ("behaviours.py", "made.py")
_KNOWN = dict(BEHAVIOURS)  # a test may add its own
_EXAMPLE = ROOT / "examples" / "greenhouse" / "app.py"


def board_of(name: str, text: str) -> board_file.BoardFile:
    """Return a board file that has this text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (name + ".py")
        path.write_text(text)
        return board_file.read(name, path)


def firmware(board: board_file.BoardFile) -> dict[str, bytes]:
    """Return {place: bytes} of a bank without an application, in one piece as the field has it."""
    return _kept(board, "firmware", lambda: _without(_apps(), mpy_files.firmware(ROOT, board, _apps(), None)))


def plain(board: board_file.BoardFile) -> dict[str, bytes]:
    """Return the same with a file for each module."""
    return _kept(board, "plain", lambda: _without(_apps(), mpy_files.each_module(ROOT, board, _apps(), None)))


def first_stage(board: board_file.BoardFile) -> dict[str, bytes]:
    """Return {place: bytes} of the board's own file system in the field: no Ctrl-C."""
    found = _kept(board, "stage", lambda: mpy_files.first_stage(ROOT, board, None))
    return {place: data for place, data in found.items() if place != mpy_files.BENCH}


def _apps():
    texts = {**_KNOWN, "greenhouse_as_shown": _EXAMPLE.read_text()}
    return {"%s.py" % name.replace("-", "_"): text.encode() for name, text in texts.items()}


def _without(apps, files):
    return {place: data for place, data in files.items() if place.replace(".mpy", ".py") not in apps}


def _kept(board, what, make):
    """Return what `make` makes; it is kept for the next run with the same sources."""
    name = "%s-%s" % (board.name, what)
    digest = hashlib.sha256((name + board.text + sys.version).encode())
    for path in _sources():
        digest.update(path.read_bytes())
    kept = CACHE / ("%s-%s.pickle" % (name, digest.hexdigest()[:16]))
    if not kept.exists():
        made = make()
        CACHE.mkdir(parents=True, exist_ok=True)
        for older in sorted(CACHE.glob(name + "-*.pickle"), key=lambda path: path.stat().st_mtime)[:-4]:
            older.unlink(missing_ok=True)
        part = kept.with_suffix(".%d" % os.getpid())
        part.write_bytes(pickle.dumps(made))
        part.replace(kept)
    return pickle.loads(kept.read_bytes())


def _sources():
    found = [ROOT / "tests" / "mcu" / name for name in _OURS]
    for folder in _MADE_OF:
        found += sorted((ROOT / folder).rglob("*.py"))
    return found
