"""What goes onto a board: which files of the tree, compiled for MicroPython or as they are for CPython, and a manifest.

Entry files are found by rule: a MicroPython bank's is `main.mpy` at the top, from ports/micropython/main.py, which the first stage
imports; a Linux board's image is a zip that Python runs by its `__main__.py`; a simulated one is started by `-m ports.sim`.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flash_tools.deploy import board_file, frozen, mpy_files
from flash_tools.deploy.compiled import mpy_version
from flash_tools.errors import UsageError
from flash_tools.version import version

ROOT = (
    Path(__file__).resolve().parents[2]
)  # of the tree, or of what is installed: the device's folders lie side by side
RUNTIMES = ("micropython", "cpython_linux")
MANIFEST = "manifest.json"
MADE_BY = "fumo deploy"
_SIM = "sim"
_LINUX_MAIN = b"from ports.cpython_linux.main import main\n\nraise SystemExit(main())\n"
_OURS = ("agent", "hal", "ports", "board")
_ENTRIES = ("main.py", "main.mpy")


@dataclass(frozen=True)
class Wish:
    """What is wanted: runtime, board file (its name in board/, or a path), an application's folder, bytecode for older firmware.

    For MicroPython: `plain` for a file a module; `first_stage` for what a board starts by itself instead of what a bank holds;
    `freeze` is the port for which a folder is made from that a firmware is built; `lines` leaves line numbers in a small board's.
    """

    runtime: str
    board_file: str
    app: Path | None = None
    bytecode: str | None = None
    plain: bool = False
    first_stage: bool = False
    freeze: str | None = None
    lines: bool = False


def build(wish: Wish, keep: Callable[[str, str], None] | None = None) -> dict[str, bytes]:
    """Return {place on the board: bytes}, the manifest among them, as the last one; `keep(number, map)` as in mpy_files.py."""
    if wish.runtime not in RUNTIMES:
        raise UsageError("%s is no runtime: use %s" % (wish.runtime, " or ".join(RUNTIMES)))
    if wish.runtime != "micropython" and (wish.plain or wish.first_stage or wish.freeze or wish.lines):
        raise UsageError("--plain, --first-stage, --freeze and --lines are for MicroPython")
    app = _application(wish.app)
    board = _board(wish.board_file)
    files = _for_micropython(wish, board, app, keep) if wish.runtime == "micropython" else _for_linux(board, app)
    facts = {"runtime": wish.runtime, "board": board.name, "mpy": mpy_version(files)}
    return {**files, MANIFEST: manifest(files, facts)}


def manifest(files: dict[str, bytes], facts: dict) -> bytes:
    """Return the manifest: what was put there, the same bytes for the same files."""
    table = {place: {"sha256": digest(data), "size": len(data)} for place, data in sorted(files.items())}
    whole = {"made_by": MADE_BY, "version": 1, "agent": version(), **facts, "files": table}
    return json.dumps(whole, indent=1).encode() + b"\n"


def digest(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _for_linux(board, app):
    folders = ["agent", "hal", "ports/cpython_linux"] + ["ports/" + _SIM] * board.name.startswith(_SIM)
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    found += [ROOT / "ports" / "__init__.py", ROOT / "board" / "__init__.py"]
    files = {file.relative_to(ROOT).as_posix(): file.read_bytes() for file in found}
    files.update({"__main__.py": _LINUX_MAIN, "board/%s.py" % board.name: board.text.encode()})
    _refuse_ours(app, files)
    return {**files, **app}


def _for_micropython(wish, board, app, keep):
    _refuse_ours(app, _ENTRIES)
    code = {name: data for name, data in app.items() if name.endswith(".py")}
    for name, data in code.items():
        _check_python(name, data)
    lines = wish.lines or None
    if wish.freeze:
        return frozen.folder(ROOT, board, app, wish.freeze, lines)
    if wish.first_stage:
        return mpy_files.first_stage(ROOT, board, wish.bytecode, lines, keep)
    if wish.plain or board.name.startswith(_SIM):
        return mpy_files.each_module(ROOT, board, app, wish.bytecode)
    return mpy_files.firmware(ROOT, board, app, wish.bytecode, lines, keep)


def _refuse_ours(app, ours):
    taken = [name for name in app if name in {*ours, MANIFEST} or name.split("/")[0] in _OURS]
    if taken:
        raise UsageError("the application has %s, which is ours: choose another name" % taken[0])


def _board(name):
    """Return the board file, by its name in board/ or by its path."""
    path = Path(name) if name.endswith(".py") else ROOT / "board" / (name + ".py")
    if path.is_file() and path.stem.isidentifier() and path.stem not in ("__init__", "chosen"):
        return board_file.read(path.stem, path)
    known = sorted(file.stem for file in (ROOT / "board").glob("[!_]*.py"))
    raise UsageError("there is no board file %s: name one of board/ (%s), or a .py file" % (name, ", ".join(known)))


def _application(folder):
    if folder is None:
        return {}
    if not folder.is_dir():
        raise UsageError("%s is no folder: --app wants the one that holds the application" % folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    wanted = {name: path for name, path in named.items() if "__pycache__" not in name and not name.startswith(".")}
    return {name: path.read_bytes() for name, path in wanted.items()}


def _check_python(name, data):
    try:
        compile(data.decode(), name, "exec", dont_inherit=True)
    except (ValueError, SyntaxError) as e:
        raise UsageError("%s of the application is no Python: %s" % (name, e)) from None
