"""What the simulated device's process has of its host: files, and where it says what happens."""

import sys

from agent.errors import AgentError
from ports.sim.settings import UsageError


class Busy(AgentError):
    """Somebody else has it."""


class Output:
    """Events on stdout, words for people on stderr, both in the transcript."""

    def __init__(self, settings, clock):
        self._clock, self._verbose = clock, settings.verbose
        self._file = open(settings.transcript, "a") if settings.transcript else None
        self.line = None  # the serial line, while it carries text

    def say(self, *words):
        """Print an event."""
        line = " ".join([str(word) for word in words])
        self._write(sys.stdout, line)
        if self.line:
            self.line.write((line + "\r\n").encode())
        self._keep(line)

    def explain(self, text):
        """Say something to people."""
        if self._verbose:
            self._write(sys.stderr, text)
        self._keep("# " + text)

    def _write(self, stream, line):
        stream.write(line + "\n")
        if hasattr(stream, "flush"):
            stream.flush()

    def _keep(self, line):
        if self._file:
            self._file.write("%9.3f %s\n" % (self._clock.ms() / 1000, line))
            self._file.flush()


def read(path):
    """Return what is in a file."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as e:
        raise UsageError("cannot read %s: %s" % (path, e))


def lock(flash, path):
    """Keep a second process from the same chip, where the interpreter can."""
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:
        return
    try:
        flock(flash.file.fileno(), LOCK_EX | LOCK_NB)
    except OSError:
        raise Busy("%s is in use by another device" % path)
