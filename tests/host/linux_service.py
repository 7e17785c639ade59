"""The service fumo-agent of a board of files, started again and again as systemd does it, with the watchdog that systemd gives it.

A process that exits with RESTARTS has restarted the board: what lay in RAM is gone. `kill` ends it at once, in the middle of
whatever it does; whether that was a crash or the power is said by the test.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from agent import reset
from tests.host.linux_board import RESTARTS, ROOT
from tests.restarted import Restarted

_PROGRAM = "import sys\nsys.path.insert(0, %r)\nfrom ports.cpython_linux.__main__ import main\nsys.exit(main())\n"
_PAUSE_S = 0.02  # RestartSec=
WATCHDOG_S = 20  # far beyond what a computer that has other things to do needs for a start


class Service(Restarted):
    """`hear(line)` gets what the service logs; `codes` are the exits so far, negative for signals."""

    _patience_s = 40

    def __init__(self, board, hear=lambda line: None, watchdog_s=WATCHDOG_S):
        super().__init__(hear)
        self.board, self.told = board, []
        self.run, self.state = board.folder / "run", board.folder / "state"
        self.program = board.folder / "fumo-agent.py"
        self.program.write_text(_PROGRAM % str(ROOT))
        self._watchdog_s, self._thread = watchdog_s, None
        self._fed, self.feeds = 0.0, 0
        self._wanted, self._power = False, False
        (board.folder / "notify").unlink(missing_ok=True)
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(str(board.folder / "notify"))
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def environment(self):
        """Return what systemd gives a unit with these lines."""
        found = {
            "PATH": os.environ.get("PATH", os.defpath),
            "RUNTIME_DIRECTORY": str(self.run),
            "STATE_DIRECTORY": str(self.state),
        }
        found["NOTIFY_SOCKET"] = str(self.board.folder / "notify")
        if self._watchdog_s:
            found["WATCHDOG_USEC"] = str(self._watchdog_s * 1000000)
        return found

    @property
    def command(self):
        """Return what is started."""
        return [sys.executable, "-I", "-B", str(self.program), "--etc", str(self.board.etc), "run"]

    # -- systemctl ----------------------------------------------------------------------------------------------------

    def start(self):
        """Start it, and again whenever it ends."""
        for folder in (self.run, self.state):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._wanted = True
        self._thread = threading.Thread(target=self._again, daemon=True)
        self._thread.start()
        return self

    def stop(self, number=signal.SIGTERM, timeout_s=20):
        """Stop it for good; return its last exit code."""
        self._wanted = False
        if self._thread:
            self._signal(number)
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                self._signal(signal.SIGKILL)
                self._thread.join()
                raise AssertionError("it did not end within %d s" % timeout_s)
        return self.codes[-1] if self.codes else None

    def kill(self, power=False):
        """End the process at once; with `power` the board loses it: RAM is gone, and the board says why it starts."""
        with self._news:
            self._power = power
            self._end_it()

    def ask(self, *lines, timeout_s=5):
        """Type at the socket; return the answer to `status` that follows."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout_s)
            line.connect(str(self.run / "console"))
            line.sendall("".join(text + "\n" for text in (*lines, "status")).encode())
            for text in line.makefile():
                if text.startswith("status"):
                    return json.loads(text[7:])
        raise AssertionError("no answer")

    def order(self, server, package: bytes):
        """Let the server order an update of this board, and notify it."""
        port, found = int(self.said("listening").split()[-1]), server.add_package(package)
        return server.order(self.board.device_id, found, notify=("127.0.0.1", port))

    def no_traceback(self):
        """Nothing from outside is told as a traceback."""
        assert not [line for line in self.lines if "Traceback" in line], self.lines

    def fumo_agent(self, *words):
        """Run a command of `fumo-agent`."""
        command = [sys.executable, "-I", "-B", str(self.program), *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=20, check=False)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self._wanted = False
        with contextlib.suppress(OSError):
            self.stop(signal.SIGKILL)
        self._sock.close()

    # -- systemd ------------------------------------------------------------------------------------------------------

    def _again(self):
        while self._wanted:
            self._once()
            if self._wanted:
                time.sleep(_PAUSE_S)

    def _once(self):
        self._fed = time.monotonic()
        with subprocess.Popen(
            self.command, env=self.environment, cwd=self.run, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        ) as process:
            self._process = process
            if not self._wanted:
                process.kill()
            for line in process.stderr:
                self._note(self.lines, line.decode(errors="replace").rstrip("\r\n"))
        self._after(process.returncode)
        self._note(self.codes, process.returncode)

    def _after(self, code):
        """Do what becomes of the board."""
        if code == RESTARTS or self._power:
            shutil.rmtree(self.run)
            self.run.mkdir(mode=0o700)
            self.board.set_cause(reset.POWER if self._power else reset.UNKNOWN)
            mark = self.state / "planned"
            if mark.exists():
                mark.write_text("another boot")
        self._power = False
        if code == 78:  # RestartPreventExitStatus=
            self._wanted = False

    def _listen(self):
        self._sock.settimeout(0.1)
        while True:
            try:
                text = self._sock.recv(4096).decode()
            except TimeoutError:
                text = ""
            except OSError:
                return
            if "WATCHDOG=1" in text.split("\n"):
                with self._news:
                    self._fed, self.feeds = time.monotonic(), self.feeds + 1
                    self._news.notify_all()
            elif text:
                self._note(self.told, text)
            late = self._watchdog_s and time.monotonic() - self._fed > self._watchdog_s
            if late and self._signal(signal.SIGABRT):
                self._note(self.lines, "systemd: the watchdog has bitten")
                self._fed = time.monotonic()
