"""Counts the instructions of a program with valgrind's callgrind. The count is the machine's that runs it: here x86-64."""

import os
import re
import shutil
import subprocess
from pathlib import Path

_TIMEOUT_S = 300
_TOTAL = re.compile(rb"^(?:summary|totals): (\d+)$", re.MULTILINE)


class Missing(Exception):
    """What counting needs is not installed; the text says what to do."""


def count(words: list[str], folder: Path, cwd: Path) -> tuple[int, str]:
    """Return (instructions, what the program said on stdout)."""
    if not shutil.which("valgrind"):
        raise Missing("there is no valgrind (Debian package valgrind)")
    out = folder / "callgrind.out"
    out.unlink(missing_ok=True)
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=%s" % out, *words]
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=_TIMEOUT_S)
    found = _TOTAL.search(out.read_bytes()) if out.exists() else None
    if done.returncode or not found:
        raise Missing("valgrind does not count: %s" % (done.stderr.strip().splitlines() or ["it says nothing"])[-1])
    return int(found.group(1)), done.stdout
