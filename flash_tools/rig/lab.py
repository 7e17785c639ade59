"""A whole lab on loopback: coordinator, exporter, boards behind a board server, places. For tests, and to see what remote means.

with Lab("sim", boards=2) as lab:
    lab.client("-p", "fumo-0", "acquire")
    subprocess.run(["pytest", "--lg-env", ".../remote.yaml", ...], env=lab.environment)
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from flash_tools.errors import SilentError, ToolError
from flash_tools.rig import environment

HOST = "127.0.0.1"
_START_S = 30
_STOP_S = 10
_LOOK_S = 0.1


class Lab:
    """`kind` is an environment with one board, `boards` how many of it the lab has; each gets a place, fumo-0, fumo-1, ..."""

    def __init__(self, kind: str = "sim", boards: int = 2, folder: Path | None = None):
        self.places = ["fumo-%d" % index for index in range(boards)]
        self._kind, self._count, self._stack, self._folder = kind, boards, ExitStack(), folder
        self._processes: dict[str, subprocess.Popen] = {}

    def __enter__(self):
        with ExitStack() as stack:
            if self._folder is None:
                self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fumo-lab-")))
            self._folder.mkdir(parents=True, exist_ok=True)
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    # -- parts --------------------------------------------------------------------------------------------------------

    def _start(self, stack):
        coordinator, port, consoles = free_port(), free_port(), free_ports(self._count)
        given = {"LG_COORDINATOR": "%s:%d" % (HOST, coordinator), "FUMO_RIG_KIND": _kind(self._kind)}
        given.update(
            {"FUMO_RIG_PORT": str(port), "FUMO_RIG_CONSOLES": str(consoles), "FUMO_RIG_BOARDS": str(self._count)}
        )
        root = str(Path(__file__).resolve().parents[2])
        self.environment = {**os.environ, **given, "PYTHONPATH": root, "PYTHONUNBUFFERED": "1"}
        self.environment.pop("PYTEST_XDIST_WORKER", None)
        folder = str(self._folder.resolve() / "board")
        serve = ("-m", "flash_tools.rig.serve", self._kind, "--boards", str(self._count), "--folder", folder)
        self._run(stack, "board server", serve, "ready", root)
        self._run(stack, "coordinator", ("-m", "labgrid.remote.coordinator", "-l", "%s:%d" % (HOST, coordinator)), "")
        _wait_for_port(coordinator)
        words = ("-m", "labgrid.remote.exporter", "-n", "lab", "--hostname", HOST)
        self._run(stack, "exporter", (*words, str(environment.FOLDER / "exporter.yaml")), "Exporter ready")
        self._wait_for_resources()
        for place in self.places:
            self.client("-p", place, "create")
            self.client("-p", place, "add-match", "lab/%s/*" % place)

    def _run(self, stack, name, words, ready, cwd=None):
        log = self._folder / (name.replace(" ", "-") + ".log")
        out = stack.enter_context(open(log, "wb"))
        where = cwd or self._folder  # the coordinator keeps its places in its working folder
        process = subprocess.Popen([sys.executable, *words], env=self.environment, cwd=where, stdout=out, stderr=out)
        self._processes[name] = process
        stack.callback(_end, process)
        deadline = time.monotonic() + _START_S
        while ready and not any(line.startswith(ready) for line in log.read_text(errors="replace").splitlines()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SilentError("the %s did not start: %s" % (name, _tail(log)))
            time.sleep(_LOOK_S)

    def _wait_for_resources(self):
        """Wait until the coordinator knows what the exporter has: matches are of no use before."""
        deadline = time.monotonic() + _START_S
        while self.client("resources").count("/FumoBoard") < self._count:
            if time.monotonic() > deadline:
                raise SilentError("the exporter's boards never came to the coordinator; see %s" % self._folder)
            time.sleep(_LOOK_S)

    # -- use ----------------------------------------------------------------------------------------------------------

    def client(self, *words: str, **more: str) -> str:
        """Run labgrid-client and return what it prints; raise ToolError where it fails. `more` are environment variables.

        What it does to a place's resources needs our words too: LG_ENV=remote.yaml, or `-c remote.yaml`.
        """
        command = [sys.executable, "-m", "labgrid.remote.client", *words]
        done = subprocess.run(
            command, env={**self.environment, **more}, cwd=self._folder, capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            raise ToolError("labgrid-client %s: %s" % (" ".join(words), (done.stderr or done.stdout).strip()))
        return done.stdout

    def stop(self, name: str) -> None:
        """End one of its programs: "board server", "coordinator" or "exporter"."""
        _end(self._processes[name])


def _kind(name):
    return environment.boards(environment.find(name))[0].get("kind", "sim")


def free_port() -> int:
    """Return a TCP port that nobody has."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """Return the first one of so many neighbouring TCP ports that nobody has."""
    for _ in range(100):
        with ExitStack() as stack:
            first = stack.enter_context(socket.create_server((HOST, 0))).getsockname()[1]
            try:
                for port in range(first + 1, first + count):
                    stack.enter_context(socket.create_server((HOST, port)))
                return first
            except OSError:
                continue
    raise ToolError("there are no %d free ports in a row" % count)


def _wait_for_port(port):
    deadline = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise SilentError("nobody listens at port %d" % port) from None
            time.sleep(_LOOK_S)


def _end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tail(log):
    return " ".join(log.read_text(errors="replace").split())[-400:]
