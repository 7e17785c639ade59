"""The project's own modules as files of a payload, compiled where the host's Python can do so for the board's."""

import importlib.util
import marshal
import sys
from pathlib import Path

PLACE = "usr/local/lib/python3.11/dist-packages/"  # where the board's Python looks first, even when isolated
DEVICE = ("agent", "board", "hal", "ports")
GUEST_VERSION = (3, 11)
_FLAGS_UNCHECKED = 1  # PEP 552: loaded without a look at its source
_ROOT = Path(__file__).resolve().parents[3]


def project_files(folders: tuple[str, ...] = DEVICE) -> dict[str, bytes]:
    """Return the modules below these folders of the project by their paths on the board."""
    found = {}
    for folder in folders:
        for path in sorted((_ROOT / folder).rglob("*.py")):
            found.update(module(path.relative_to(_ROOT).as_posix(), path.read_bytes()))
    return found


def module(name: str, source: bytes, place: str = PLACE) -> dict[str, bytes]:
    """Return the files of one module: its source, and what the compiler makes of it, so that the board need not."""
    files = {place + name: source}
    if sys.version_info[:2] == GUEST_VERSION:
        folder, _, file = name.rpartition("/")
        cache = (folder + "/" if folder else "") + "__pycache__/"
        files[place + cache + file.removesuffix(".py") + ".cpython-311.pyc"] = _compiled(place + name, source)
    return files


def _compiled(name, source):
    head = importlib.util.MAGIC_NUMBER + _FLAGS_UNCHECKED.to_bytes(4, "little") + importlib.util.source_hash(source)
    return head + marshal.dumps(compile(source, "/" + name, "exec", dont_inherit=True))
