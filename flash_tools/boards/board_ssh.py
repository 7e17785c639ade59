"""A Linux board over ssh: `fumo-agent` is run there, for one command or to follow its console.

ssh is used as its owner has set it up (~/.ssh/config, FUMO_SSH for another command), but never asks: a key that is not there is an
error. Who is not root there goes by way of `sudo -n`, which does not ask either. A board may say what it wants: all is bounded.
"""

import os
import select
import selectors
import shlex
import subprocess
import time

from flash_tools.boards.board_line import ANSWER_S, parse_status, sane
from flash_tools.cli.output import plain
from flash_tools.deploy.ssh import DROPPED, NOT_THERE, parse
from flash_tools.errors import NotFoundError, RefusedError, SilentError, ToolError
from flash_tools.target import Target
from ports.cpython_linux.monitor import LISTENING

SSH = "FUMO_SSH"
_OPTIONS = ("-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=3", "-o", "ServerAliveCountMax=3")
_RUN = 'if [ "$(id -u)" = 0 ]; then exec fumo-agent %s; fi; exec sudo -n fumo-agent %s'
_MOST = 1 << 16  # bytes of an answer
_PIECE = 4096
_STUCK_S = 10.0
_PATIENCE_S = 2
_NO_AGENT, _NO_COMMAND, _SSH_FAILED = 3, 127, 255
_NO_ROOT = (
    "only root may ask the agent of %s, and sudo there does not help (%s): name another user, or allow it in sudoers"
)
_OLD = "the fumo-agent of %s does not know the command %s: it is too old"
_MISSING = "there is no fumo-agent on %s: install its package there (docs/boards/service.md)"


class Remote:
    """`fumo-agent COMMAND` on the board, while it runs; a context."""

    def __init__(self, target: Target, command: str) -> None:
        self._target, self._command, self._said = target, command, b""
        host, _ = parse(target.place)
        script = "sh -c %s" % shlex.quote(_RUN % (command, command))
        words = [*shlex.split(os.environ.get(SSH, "ssh")), *_OPTIONS, host, script]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        try:
            self._process = subprocess.Popen(words, bufsize=0, start_new_session=True, **pipes)
        except (OSError, IndexError):
            name = words[0] if words else "ssh"
            raise NotFoundError("there is no %s here: install it (Debian: openssh-client)" % name) from None
        self._pipes = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            self._pipes.register(pipe, selectors.EVENT_READ)

    @property
    def is_open(self) -> bool:
        """Tell whether more may come."""
        return bool(self._pipes.get_map())

    @property
    def listens(self) -> bool:
        """Tell whether a monitor there has its connection to the agent."""
        return LISTENING.encode() in self._said

    def look(self, wait_s: float) -> bytes:
        """Wait for something, so long at most; return what came on stdout."""
        came = b""
        for key, _ in self._pipes.select(wait_s):
            data = os.read(key.fd, _PIECE)
            if not data:
                self._pipes.unregister(key.fileobj)
            elif key.fileobj is self._process.stderr:
                self._said = (self._said + data)[-_PIECE:]
            else:
                came = data
        return came

    def type(self, data: bytes) -> None:
        """Send to its stdin; an OSError where it does not take it."""
        if not select.select((), (self._process.stdin,), (), _STUCK_S)[1]:
            raise TimeoutError("the line is stuck")
        self._process.stdin.write(data)

    def check(self) -> None:
        """Wait for its end; raise what it has failed with."""
        try:
            code = self._process.wait(_STUCK_S)
        except subprocess.TimeoutExpired:
            code = None
        if code:
            raise self._error(code)

    def _error(self, code):
        lines = [plain(line.strip()) for line in self._said.decode("utf-8", "replace").splitlines() if line.strip()]
        said = lines[-1].removeprefix("fumo-agent: ") if lines else "it ended with %d" % code
        low, text = said.lower(), "%s: %s" % (self._target, said)
        if code == _SSH_FAILED:
            is_there = not any(part in low for part in NOT_THERE)
            return (SilentError if is_there and any(part in low for part in DROPPED) else NotFoundError)(text)
        if "invalid choice" in low:
            return ToolError(_OLD % (self._target, self._command))
        if "sudo" in low and not ("fumo-agent" in low and "not found" in low):
            return ToolError(_NO_ROOT % (self._target, said))
        if code == _NO_COMMAND or "not found" in low:
            return NotFoundError(_MISSING % self._target)
        return SilentError(text) if code == _NO_AGENT else ToolError(text)

    def close(self) -> None:
        """End it here; what is left of it there ends with its output."""
        self._process.terminate()  # so that it ends its own proxy
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipes.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            pipe.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        self.close()


class Agent:
    """What board_line.Console is for a line, for the agent of a Linux board: a question is a run of `fumo-agent` there."""

    def __init__(self, target: Target, timeout_s: float = ANSWER_S) -> None:
        self._target, self._timeout_s = target, timeout_s

    def status(self) -> dict:
        """Return what the board says of itself."""
        facts = parse_status(self._ask("status", ("status {",)))
        if facts is None:
            raise SilentError("%s answers, but its answer is damaged: ask again" % self._target)
        return sane(facts)

    def command(self, name: str) -> None:
        """Have something done; what the board refuses is a RefusedError."""
        answer = self._ask(name, ("done %s" % name, "refused %s: " % name))
        if answer.startswith("refused "):
            raise RefusedError("%s refuses: %s" % (self._target, answer.partition(": ")[2]))

    def _ask(self, name, beginnings):
        """Return the line of the answer. An answer counts whatever the command ended with."""
        deadline, out = time.monotonic() + self._timeout_s, b""
        with Remote(self._target, name) as remote:
            while remote.is_open:
                left_s = deadline - time.monotonic()
                if left_s <= 0 or len(out) > _MOST:
                    text = "%s does not answer within %g s: ask again, what was asked may have been done"
                    raise SilentError(text % (self._target, self._timeout_s))
                out += remote.look(left_s)
            for line in out.decode("utf-8", "replace").splitlines():
                if line.startswith(beginnings):
                    return line
            remote.check()
        raise SilentError("%s has not answered: is `fumo-agent` there the one of its package?" % self._target)

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        pass


class Line:
    """The console of the board's agent, as far as a serial line's words go that a monitor uses."""

    in_waiting = _PIECE

    def __init__(self, target: Target, wait_s: float, open_s: float = _STUCK_S) -> None:
        self._remote, self._wait_s, self.is_open = Remote(target, "monitor --with-input"), wait_s, True
        try:
            self._connect(target, time.monotonic() + open_s)
        except BaseException:
            self.close()
            raise

    def _connect(self, target, deadline):
        """Wait until the monitor there listens: nothing that happens from then on is missed."""
        self._first = b""
        while not self._remote.listens:
            if not self._remote.is_open:
                self._remote.check()
                raise SilentError("%s has ended without a word" % target)
            if time.monotonic() >= deadline:
                raise SilentError("%s does not answer: ask again" % target)
            self._first = (self._first + self._remote.look(max(0, deadline - time.monotonic())))[-_MOST:]

    def read(self, size: int) -> bytes:
        """Return what has come, waiting a little; an OSError at the end."""
        first, self._first = self._first, b""
        data = first or self._remote.look(self._wait_s)
        if not data and not self._remote.is_open:
            raise ConnectionError("the line has ended")
        return data

    def write(self, data: bytes) -> None:
        """Type it."""
        self._remote.type(data)

    def close(self) -> None:
        """Let go of it."""
        self.is_open = False
        self._remote.close()
