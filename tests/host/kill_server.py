"""Runs commands of `fumo` in forks of a warm process, and does something to each at its n-th effect on the world.

An effect is a write, a change of a name, a sync: whatever a kill may come before. `Killer` is the tests' end of it,
`python -m tests.host.kill_server` the other one: a JSON line in, a JSON line out, a fork each.

    what: "" nothing, "kill" SIGKILL before the effect, "torn" half of a write and SIGKILL, "int" SIGINT, "term" SIGTERM,
    "stop" SIGSTOP before it, "full" no room from there on, "denied" nothing may be opened for writing from there on
"""

import builtins
import errno
import gc
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import traceback
from contextlib import redirect_stderr, redirect_stdout, suppress

ROOT = pathlib.Path(__file__).resolve().parents[2]
_NAMES = ("replace", "rename", "unlink", "remove", "mkdir", "rmdir", "link", "symlink", "fsync", "ftruncate", "chmod", "fchmod",
          "posix_fallocate")  # fmt: skip
_SIGNALS = {"kill": signal.SIGKILL, "int": signal.SIGINT, "term": signal.SIGTERM, "stop": signal.SIGSTOP}
_WARM = (
    "--version",
    "sim new a --chip-kib 1024 --size 8",
    "status -b sim:a --verify",
    "dump -b sim:a",
    "keys new k.pem",
)
_FULL = ("write", "mkdir", "link", "symlink", "open", "posix_fallocate")


class Killer:
    """The tests' end."""

    def __init__(self):
        words = [sys.executable, "-m", "tests.host.kill_server"]
        self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, folder, words, what="", at=0, wait=True, env=None):
        """Run a command; return {code, out, err, effects}, or {pid} where it is not waited for."""
        job = {"folder": str(folder), "words": [str(word) for word in words], "what": what, "at": at, "wait": wait}
        print(json.dumps({**job, "env": env or {}}), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def end(self, pid):
        """Wait for one that was not waited for; a stopped one goes on first."""
        print(json.dumps({"end": pid}), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def stopped(self, pid):
        """Wait until one that was not waited for stops or ends; tell whether it has stopped."""
        print(json.dumps({"stopped": pid}), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def close(self):
        """End it."""
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Effects:
    """Counts, and strikes."""

    def __init__(self, what, at):
        self.what, self.at, self.count = what, at, 0

    def happen(self, name, half=None):
        """Be told of an effect that is about to happen."""
        self.count += 1
        if not self.what or self.count < self.at:
            return
        if self.what == "full" and name in _FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.what == "denied" and name == "open":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if self.count == self.at and self.what == "torn":
            if half:
                half()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.count == self.at and self.what in _SIGNALS:
            signal.raise_signal(_SIGNALS[self.what])

    def patch(self):
        """Come in between."""
        for name in _NAMES:
            setattr(os, name, self._named(name, getattr(os, name)))
        os.fsync = self._named("fsync", lambda handle: None)  # nobody takes the power
        os.write, os.pwrite = self._writing(os.write), self._writing(os.pwrite)
        os.open = self._opening(os.open)
        io.open = builtins.open = self._file

    def _named(self, name, function):
        def run(*given, **more):
            self.happen(name)
            return function(*given, **more)

        return run

    def _writing(self, function):
        def run(fd, data, *more):
            if fd > 2:
                self.happen("write", lambda: function(fd, bytes(data)[: len(data) // 2], *more))
            return function(fd, data, *more)

        return run

    def _opening(self, function):
        def run(path, flags, *more, **other):
            if flags & (os.O_WRONLY | os.O_RDWR):
                self.happen("open")
            return function(path, flags, *more, **other)

        return run

    def _file(self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        if not set(mode) & set("wax+") or file in (0, 1, 2):
            return _open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if not isinstance(file, int):
            self.happen("open")
        raw = _Raw(file, mode.replace("b", "").replace("t", ""), closefd=closefd, opener=opener)
        raw.effects = self
        if buffering == 0:
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedWriter
        return kind(raw) if "b" in mode else io.TextIOWrapper(kind(raw), encoding, errors, newline)


class _Raw(io.FileIO):
    effects = None

    def write(self, data):
        """Write, if it comes to that."""
        if self.effects:
            self.effects.happen("write", lambda: io.FileIO.write(self, bytes(data)[: len(data) // 2]))
        return super().write(data)


_open = io.open


def _child(job, place):
    os.chdir(job["folder"])
    os.environ.update(job["env"])
    for fd, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(place + "." + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), fd)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv[:] = ["fumo", *job["words"]]
    effects = Effects(job["what"], job["at"])
    effects.patch()
    code = 70
    try:
        from flash_tools.cli import main

        main()
        code = 0
    except SystemExit as e:
        code = 0 if e.code is None else e.code if isinstance(e.code, int) else 71
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            with _open(place + ".count", "w") as file:
                file.write(str(effects.count))
            os._exit(code)


def _told(place, status):
    told = {"code": os.waitstatus_to_exitcode(status), "effects": 0}
    for name in ("out", "err", "count"):
        path = pathlib.Path(place + "." + name)
        told[name] = path.read_text(errors="replace") if path.exists() else ""
        path.unlink(missing_ok=True)
    told["effects"] = int(told.pop("count") or 0)
    return told


def _serve():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        _warm(folder)
        for number, line in enumerate(sys.stdin):
            answer = _do(json.loads(line), os.path.join(folder, str(number)))
            print(json.dumps(answer), flush=True)


def _warm(folder):
    """Load what commands load when they run: each fork is a tenth of a second faster."""
    import flash_tools.cli
    import flash_tools.deploy.ssh

    assert flash_tools.cli.app  # all commands are loaded
    os.chdir(folder)
    for line in _WARM:
        sys.argv[:] = ["fumo", *line.split()]
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), suppress(SystemExit):
            flash_tools.cli.main()
    os.chdir(ROOT)
    gc.freeze()


_places = {}


def _do(job, place):
    if "stopped" in job:
        _, status = os.waitpid(job["stopped"], os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            _places[job["stopped"]] = (_places[job["stopped"]], status)
        return os.WIFSTOPPED(status)
    if "end" in job:
        held = _places.pop(job["end"])
        if isinstance(held, tuple):
            return _told(*held)
        os.kill(job["end"], signal.SIGCONT)
        return _told(held, os.waitpid(job["end"], 0)[1])
    pid = os.fork()
    if not pid:
        _child(job, place)
    if not job["wait"]:
        _places[pid] = place
        return {"pid": pid}
    return _told(place, os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    _serve()
