"""For the tests of `fumo` and the server: a folder on free ports, a server in a process of its own, `fumo` in this process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from threading import Thread

import pytest

from flash_tools import cli
from flash_tools.cli import output as cli_output
from flash_tools.server.settings import init

WAIT_S = 20
HOSTILE = "\x1b]0;owned\x07[bold]x[/bold]\u202e"


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def make(folder, **options):
    """Make a server's folder on free ports."""
    return init(folder, listen="127.0.0.1:%d" % free_port(), page="127.0.0.1:%d" % free_port(), **options)


def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FUMO_")}
    return {**kept, "PYTHONPATH": os.getcwd(), "PYTHONUNBUFFERED": "1"}


class Running:
    """`fumo server run` as a process; `lines` is what it has said on stderr."""

    def __init__(self, folder, *options):
        words = [sys.executable, "-m", "flash_tools", "server", "run", str(folder), "--json", *options]
        self.process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            stdin=subprocess.DEVNULL,
        )
        self.folder, self.lines = folder, []
        self._reader = Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self._reader.start()
        first = self.process.stdout.readline()
        assert first, self.end()
        self.said = json.loads(first)

    def end(self, number=signal.SIGTERM):
        """Stop it; return its exit code and what it has said."""
        self.process.send_signal(number)
        self.process.stdout.close()
        code = self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        self.process.stderr.close()
        return code, "".join(self.lines)

    def heard(self, text):
        """Wait for a line."""
        deadline = time.monotonic() + WAIT_S
        while not any(text in line for line in list(self.lines)):
            assert time.monotonic() < deadline, (text, self.lines)
            time.sleep(0.02)


@pytest.fixture
def fumo(monkeypatch, capsys):
    """Give a function that runs `fumo` in this process."""
    for name in (cli_output.FOLDER, cli_output.URL, cli_output.TOKEN):
        monkeypatch.delenv(name, raising=False)

    def run(*words, code=0):
        monkeypatch.setattr(sys, "argv", ["fumo", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, said
        assert "Traceback" not in said.err
        if code == 1:
            assert len(said.err.strip().splitlines()) == 1, said.err
        return said

    return run
