"""Leads a traceback of a bundled firmware back to the tree: which module, function and line a short name was.

A map is what the bundler says beside an image (bundle.py). `fumo deploy` keeps it on this computer under the image's number, which
the entry's file has in its name: `File "main@1f09c3", line 1, in kf`. Without lines in the image a function is all that is known.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

_FRAME = re.compile(r'\s*File "(?:.*/)?([\w-]+)(?:@([0-9a-f]{6}))?(?:\.m?py)?", line (\d+)(?:, in (\S+))?$')
_HEAD = re.compile(r"([\w/]+)\.py: ")
_MOST = 100  # maps that are kept
_NO_FUNCTION = "<module>"


class CrashMap:
    """What a map says of functions and lines."""

    def __init__(self, text: str):
        self._lines: dict = {}  # {(file, line): places}
        self._functions: dict = {}  # {(file, short name): places}
        stem = ""
        for line in text.splitlines():
            head = _HEAD.match(line)
            first, _, rest = line.partition(" ")
            if head:
                stem = head[1].rpartition("/")[2]
            elif first == "def":
                short, _, place = rest.partition(" ")
                self._functions.setdefault((stem, short), []).append(place)
            elif first.isdigit():
                self._lines[stem, int(first)] = rest

    def find(self, stem: str, line: int, function: str | None) -> str:
        """Return the places that a frame can mean, empty where it is no frame of this image."""
        places = self._functions.get((stem, function), [])
        if line > 1 or function == _NO_FUNCTION:  # a firmware without lines says 1 everywhere
            exact = self._lines.get((stem, line), "")
            names = [place.rpartition(" ")[2] for place in places]
            if exact:
                return " in ".join([exact, " or ".join(names)] if names else [exact])
        return " or ".join(places)


class Translator:
    """Takes the lines of a console one by one; `given` is a map for frames that no number goes before."""

    def __init__(self, given: CrashMap | None = None):
        self._map, self._given = given, given

    def explain(self, line: str) -> str:
        """Return what a line of a traceback means in the tree, empty for any other."""
        frame = _FRAME.match(line)
        if not frame:
            return ""
        stem, number, at, function = frame.groups()
        if number:
            self._map = load(number) or self._given
        return self._map.find(stem, int(at), function) if self._map else ""


def keep(number: str, text: str) -> None:
    """Keep a map on this computer; without a home it is not kept."""
    folder = _folder()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / (number + ".part")
        part.write_text(text)
        part.replace(folder / (number + ".map"))
        old = sorted(folder.glob("*.map"), key=lambda path: path.stat().st_mtime)
        for path in old[:-_MOST]:
            path.unlink()


def load(number: str) -> CrashMap | None:
    """Return the map of an image, None where none is kept."""
    try:
        return CrashMap((_folder() / (number + ".map")).read_text())
    except (OSError, ValueError):
        return None


def _folder():
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fumo" / "maps"
