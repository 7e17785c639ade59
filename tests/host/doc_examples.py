"""The examples of a page: what begins with `    $ ` is typed into a shell, the lines below it are what must come back."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT_S = 100
_SOON_S = 30


def blocks(text):
    """Return (command, lines expected) for each example of a page."""
    found, expected = [], None
    for line in text.splitlines():
        if line.startswith("    $ "):
            expected = []
            found.append((line[6:], expected))
        elif line.startswith("    ") and expected is not None:
            expected.append(line[4:])
        else:
            expected = None
    return found


def environment():
    """Return an environment in which the project's commands are found."""
    bin_folder = str(pathlib.Path(sys.executable).parent)
    return {**os.environ, "PATH": bin_folder + ":" + os.environ["PATH"], "PYTHONPATH": str(ROOT)}


def follow(text, folder):
    """Do what a page says, in a folder that is the home of whoever does it: all of it has to work as the page says."""
    for line, expected in blocks(text):
        done = shell(line, folder, HOME=str(folder), COLUMNS="200")
        said = done.stderr + done.stdout
        assert done.returncode == 0 and matches(expected, said), (line, done.returncode, said[-4000:])


def shell(line, folder, **more):
    """Type a line; return what became of it. `more` goes into the environment."""
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env={**environment(), **more}, timeout=TIMEOUT_S, text=True, stdin=subprocess.DEVNULL,
        capture_output=True,
    )  # fmt: skip


def matches(expected, said):
    """Tell whether the lines were said in that order; `…` stands for anything within a line."""
    lines = iter(said.splitlines())
    for want in expected:
        pattern = ".*".join(map(re.escape, want.split("…")))
        if not any(re.fullmatch(pattern, line.rstrip()) for line in lines):
            return False
    return True


class Background:
    """What an example leaves running: ended with everything that it started."""

    def __init__(self, line, folder):
        self._process = subprocess.Popen(
            ["sh", "-c", line.rstrip("& ")], cwd=folder, env=environment(), stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def wait_for(self, path):
        """Wait until a file is there."""
        deadline = time.monotonic() + _SOON_S
        while not path.exists():
            assert time.monotonic() < deadline and self._process.poll() is None, "no %s" % path
            time.sleep(0.05)

    def end(self):
        """End it."""
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        finally:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.stdin.close()
            self._process.wait()
