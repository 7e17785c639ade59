"""What goes onto a board: which files of the tree, compiled for MicroPython or as they are for CPython, and a manifest.

Entry files are found by rule: ports/micropython/main.py goes to the top, as source, because MicroPython starts no other;
a Linux board's image is a zip that Python runs by its `__main__.py`; a simulated one is started by `-m ports.sim`.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from flash_tools.deploy.compiled import compile_sources, mpy_version
from flash_tools.deploy.short_names import shorten_sources
from flash_tools.errors import UsageError
from flash_tools.version import version

ROOT = (
    Path(__file__).resolve().parents[2]
)  # of the tree, or of what is installed: the device's folders lie side by side
RUNTIMES = ("micropython", "cpython_linux")
MANIFEST = "manifest.json"
MADE_BY = "fumo deploy"
_ENTRY = "ports/micropython/main.py"
_SIM = "sim"
_LINUX_MAIN = b"from ports.cpython_linux.main import main\n\nraise SystemExit(main())\n"
_OURS = ("agent", "hal", "ports", "board")


@dataclass(frozen=True)
class Wish:
    """What is wanted: runtime, board file (its name in board/, or a path), an application's folder, bytecode for older firmware."""

    runtime: str
    board_file: str
    app: Path | None = None
    bytecode: str | None = None


def build(wish: Wish) -> dict[str, bytes]:
    """Return {place on the board: bytes}, the manifest among them, as the last one."""
    if wish.runtime not in RUNTIMES:
        raise UsageError("%s is no runtime: use %s" % (wish.runtime, " or ".join(RUNTIMES)))
    ours, app = _sources(wish.runtime, wish.board_file), _application(wish.app)
    files = _for_micropython(ours, app, wish.bytecode) if wish.runtime == "micropython" else {**ours, **app}
    entry = {"main.py"} if _ENTRY in ours else set()
    taken = [place for place in app if place in {*ours, *entry, MANIFEST} or place.split("/")[0] in _OURS]
    if taken:
        raise UsageError("the application has %s, which is ours: choose another name" % taken[0])
    facts = {"runtime": wish.runtime, "board": _board(wish.board_file)[0], "mpy": mpy_version(files)}
    return {**files, MANIFEST: manifest(files, facts)}


def manifest(files: dict[str, bytes], facts: dict) -> bytes:
    """Return the manifest: what was put there, the same bytes for the same files."""
    table = {place: {"sha256": digest(data), "size": len(data)} for place, data in sorted(files.items())}
    whole = {"made_by": MADE_BY, "version": 1, "agent": version(), **facts, "files": table}
    return json.dumps(whole, indent=1).encode() + b"\n"


def digest(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _sources(runtime, board_file):
    name, path = _board(board_file)
    folders = ["agent", "hal", "ports/" + runtime] + ["ports/" + _SIM] * name.startswith(_SIM)
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    found += [ROOT / "ports" / "__init__.py", ROOT / "board" / "__init__.py"]
    files = {file.relative_to(ROOT).as_posix(): file.read_bytes() for file in found}
    start = {"__main__.py": _LINUX_MAIN} if runtime == "cpython_linux" else {}  # what Python runs of a zip
    return {**files, **start, "board/%s.py" % name: path.read_bytes()}


def _board(board_file):
    """Return (name, path) of the board file."""
    path = Path(board_file) if board_file.endswith(".py") else ROOT / "board" / (board_file + ".py")
    if path.is_file() and path.stem.isidentifier() and path.stem != "__init__":
        return path.stem, path
    known = sorted(file.stem for file in (ROOT / "board").glob("[!_]*.py"))
    raise UsageError(
        "there is no board file %s: name one of board/ (%s), or a .py file" % (board_file, ", ".join(known))
    )


def _application(folder):
    if folder is None:
        return {}
    if not folder.is_dir():
        raise UsageError("%s is no folder: --app wants the one that holds the application" % folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    wanted = {name: path for name, path in named.items() if "__pycache__" not in name and not name.startswith(".")}
    return {name: path.read_bytes() for name, path in wanted.items()}


def _for_micropython(ours, app, bytecode):
    """Compile ours with short names; an application uses ours and keeps its own names, somebody else chose them."""
    code = {name: _text(name, data) for name, data in app.items() if name.endswith(".py")}
    short = shorten_sources({name: data.decode() for name, data in ours.items()}, code.values())
    entry = {"main.py": short.pop(_ENTRY).encode()} if _ENTRY in short else {}
    if "main.py" in code and not entry:
        entry["main.py"] = code.pop("main.py").encode()
    compiled = compile_sources({**short, **code}, bytecode)
    rest = {name: data for name, data in app.items() if not name.endswith(".py")}
    return {**compiled, **rest, **entry}


def _text(name, data):
    try:
        text = data.decode()
        compile(text, name, "exec", dont_inherit=True)
        return text
    except (ValueError, SyntaxError) as e:
        raise UsageError("%s of the application is no Python: %s" % (name, e)) from None
