"""Hardware that does not answer is asked again for ten minutes, and what it lacks is said once: the start of either stage.

A first stage always waits, because a trial that it has not chosen yet loses nothing by it. A native board has none, and its
firmware may be on trial: `for_native` says when that may wait.
"""

import signal
import time

from agent.errors import AgentError
from ports.cpython_linux.install import Locked, lock
from ports.cpython_linux.notify import tell
from ports.cpython_linux.settings import SettingsError, blame

_PATIENCE_S = 600  # then the service begins anew, which may help
_PAUSE_S = 5


class Patience:
    """`log` hears each fault once. One that does not `wait` raises the first of them."""

    def __init__(self, log, waits=True):
        self._log, self._waits = log, waits
        self._said = self._watchdog = self._feed = None

    def feeds(self, watchdog, feed):
        """From here on call `feed` for a watchdog while somebody waits."""
        self._watchdog, self._feed = watchdog, feed

    def ask(self, action):
        """Do it, again and again where the hardware says no."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return action()
            except SettingsError:
                raise
            except AgentError as e:
                if not self._waits:
                    raise
                self.say(e)
                if time.monotonic() > end:
                    raise
            self._pause()

    def build(self, board, name, port):
        """Return the board's hardware; `name` is what the settings call its file."""
        return self.ask(lambda: _build(board, name, port) if self._waits else board.build(port))

    def lock(self, path):
        """Return the open lock, which `fumo-agent install` takes as well: both write the same journal."""
        return self.ask(lambda: _lock(path) if self._waits else lock(path))

    def say(self, error):
        """Say what is wrong, if that was not the last thing said."""
        if str(error) != self._said:
            self._said = str(error)
            self._log("%s", error)
            tell(self._said)

    def _pause(self):
        """Wait; an order to stop is heard meanwhile, though the firmware's start holds it back otherwise."""
        if self._feed:
            self._feed()
        held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))  # one that was sent before is heard here
            time.sleep(min(_PAUSE_S, self._watchdog.timeout_ms / 4000) if self._watchdog else _PAUSE_S)
        except BaseException:
            if self._watchdog:
                self._watchdog.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)


def for_native(board, port):
    """Return the Patience of firmware's start: a native board waits where nothing can be on trial.

    Nobody can ask the boot control before the board is built, so the board file answers, from what needs neither watchdog nor
    disk: `may_be_trial(port)`. Where it does not know, or has no such function, a trial may run, and the first fault ends the
    process. That is safe: a trial is undone by the restart of the board that follows, and a confirmed bank starts again,
    which costs time and nothing that is kept. To wait would be less so: a bank on trial that finds no hardware would stay.
    """
    tells = getattr(board, "may_be_trial", None)
    return Patience(port.log, bool(getattr(board, "NATIVE", False) and tells and not tells(port)))


def _lock(path):
    try:
        return lock(path)
    except Locked:  # a firmware that found that itself would be taken for one that crashes
        raise AgentError("`fumo-agent install` is at work, or another agent: waiting for its end") from None


def _build(board, name, port):
    try:
        return board.build(port)
    except AgentError:
        raise
    except Exception as e:  # whatever a file of somebody's own does
        raise AgentError(blame("the board file %s fails" % name, e)) from None
