"""The first steps: what `fumo server init` prints and docs/server.md says, typed into a shell."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from flash_tools.server import server_toml
from tests.host import server_process
from tests.host.server_process import environment, free_port

fumo = server_process.fumo


@pytest.mark.slow
def test_the_first_steps_as_they_are_printed(tmp_path):
    """What `fumo server init` prints is typed into a shell, line by line."""
    options = "--listen 127.0.0.1:%d --page 127.0.0.1:%d" % (free_port(), free_port())
    environ = {**environment(), "PATH": "%s:%s" % (os.path.dirname(sys.executable), os.environ["PATH"])}

    def shell(line, **more):
        return subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environ, text=True, capture_output=True, timeout=100, **more
        )

    printed = shell("fumo server init " + options)
    steps = [line.strip() for line in printed.stdout.splitlines() if line.startswith("  fumo ")]
    assert len(steps) == 7 and steps[-1] == "fumo order sim:1 fw.fup --wait", printed
    script = "set -m; trap 'kill $(jobs -p); wait' EXIT\n"
    for step in steps:
        background = step.endswith("&")
        script += (
            (step[:-1] + (" </dev/null 2>>errors.log &" if background else "")) if background else step + " || exit 9"
        )
        script += "\n" + (
            "for i in $(seq 100); do test -s %s && break; sleep 0.1; done\n" % _sign(step) if background else ""
        )
    done = shell(script)
    errors = (tmp_path / "errors.log").read_text()
    assert done.returncode == 0, (done, errors)
    assert re.search(r"state +done", done.stdout) and re.search(r"firmware after +2\.0", done.stdout)
    assert "Traceback" not in done.stderr + errors and errors.splitlines()[-1] == "stopped", errors


def test_the_page_of_the_docs(tmp_path, fumo):
    text = (pathlib.Path(__file__).parents[2] / "docs" / "server.md").read_text()
    printed = fumo("server", "init", tmp_path / "x").out.replace(" --dir %s" % (tmp_path / "x"), "")
    steps = [line.strip() for line in printed.splitlines() if line.startswith("  fumo ")]
    assert "".join("    %s\n" % step for step in ["fumo server init", *steps]) in text
    for name in (*server_toml._SAID, "ca-key.pem", "admin-token", "FUMO_SERVER", "FUMO_URL", "FUMO_TOKEN"):
        assert "`%s`" % name in text, name
    assert len(text.splitlines()) < 200


def _sign(step):
    """Return the file that is not empty once a step in the background is under way."""
    return "fumo-server/lock" if "server run" in step else shlex.split(step)[-2]
