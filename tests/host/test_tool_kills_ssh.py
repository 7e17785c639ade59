"""`fumo deploy` onto a Linux board, killed at moments spread over its run: what is used is whole, the next run switches."""

import json
import os
import signal
import subprocess
import sys
import time

from flash_tools.deploy import files as build
from tests.host.child import Child
from tests.host.kill_server import ROOT
from tests.host.test_deploy_ssh import server

__all__ = ["server"]
ROUNDS = 8 if "FUMO_TOOL_KILLS" in os.environ else 3


def whole(current):
    """Check each file of what is used."""
    manifest = json.loads((current / build.MANIFEST).read_text())
    for name, about in manifest["files"].items():
        assert build.digest((current / name).read_bytes()) == about["sha256"]


def test_a_kill_at_any_time(server, tmp_path):
    place, app = tmp_path / "place", tmp_path / "app"
    app.mkdir()
    words = [sys.executable, "-m", "flash_tools", "deploy", "-b", "ssh:board:%s" % place, "--board-file", "sim_nor"]
    words += ["--app", str(app), "--ssh", server.command, "--json"]
    began = time.monotonic()
    assert subprocess.run(words, cwd=ROOT, capture_output=True, timeout=60).returncode == 0
    took_s = time.monotonic() - began
    for number in range(ROUNDS):
        (app / "new.txt").write_text(str(number) * 100000)
        how = (signal.SIGKILL, signal.SIGINT)[number % 2]
        with Child(words, cwd=ROOT, stdout=-1, stderr=-1, text=True, start_new_session=True) as process:
            time.sleep(took_s * (number + 1) / (ROUNDS + 1))
            os.killpg(process.pid, how)
            out, said = process.communicate(timeout=60)
        assert "Traceback" not in said or "site" in said, said
        if process.returncode == 130:
            assert json.loads(out)["exit_code"] == 130 and said.count("\n") == 1
        whole(place / "current")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    whole(place / "current")
    assert (place / "current" / "new.txt").read_text() == str(ROUNDS - 1) * 100000
    assert sorted(os.listdir(place)) == ["current", "versions"]
