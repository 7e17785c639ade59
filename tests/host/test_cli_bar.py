"""On a terminal, what takes long shows how far it is, how fast, and how long still; elsewhere it shows nothing."""

import os
import pty
import re
import subprocess
import sys
import threading

import pytest

from flash_tools.sim import sim_files
from tests.host.test_micropython import ROOT


def shown(*words):
    """Run `fumo words...` with a terminal for people; return what is shown there, without what moves the cursor."""
    ours, theirs = pty.openpty()
    pieces = []

    def listen():
        try:
            while piece := os.read(ours, 4096):
                pieces.append(piece)
        except OSError:  # how a terminal ends
            pass

    listener = threading.Thread(target=listen)
    listener.start()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120", "NO_COLOR": "1"}
    words = [sys.executable, "-m", "flash_tools", *map(str, words)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, env=env, timeout=60)
    os.close(theirs)
    listener.join(10)
    os.close(ours)
    assert done.returncode == 0 and b"\x1b" not in done.stdout
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", b"".join(pieces).decode())


@pytest.mark.parametrize("action", ["write", "read"])
def test_how_far_how_fast_how_long(tmp_path, action):
    sim_files.make(tmp_path / "dev0", size=8192)
    (tmp_path / "raw.bin").write_bytes(bytes(range(256)) * 2048)
    words = ("flash", action, "bank1", tmp_path / "raw.bin", "-b", "sim:%s" % (tmp_path / "dev0"))
    if action == "read":
        (tmp_path / "raw.bin").unlink()
    said = shown(*words)
    assert re.search(r"[0-9.]+/[0-9.]+ [KM]iB", said), said
    assert re.search(r"[0-9.]+ [kMG]?B/s", said), said
    assert re.search(r"[0-9-]:[0-9-]{2}:[0-9-]{2}", said), said


def test_nothing_moves_where_nobody_looks(tmp_path):
    sim_files.make(tmp_path / "dev0", size=8192)
    (tmp_path / "raw.bin").write_bytes(bytes(4096))
    words = ("flash", "write", "bank1", tmp_path / "raw.bin", "-b", "sim:%s" % (tmp_path / "dev0"))
    assert "/s" not in shown(*words, "--json")
    done = subprocess.run(
        [sys.executable, "-m", "flash_tools", *map(str, words)], cwd=ROOT, capture_output=True, timeout=60
    )
    assert done.returncode == 0 and b"\r" not in done.stderr and b"\x1b" not in done.stderr
