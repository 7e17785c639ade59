"""The Watchdog contract over `/dev/watchdog`, or over systemd where that holds it: hardware <- systemd <- agent.

The hardware's time-out is read before anything is set: one that already fits is left alone, because some drivers and
emulators do worse after they were told. A unit with `WatchdogSec=` wants `WATCHDOG=1` in either case.
"""

import array
import errno
import fcntl
import os
import time

from agent.errors import AgentError
from ports.cpython_linux.notify import notify, watchdog_ms

PATH = "/dev/watchdog0"
GETSUPPORT, KEEPALIVE = 0x80285700, 0x80045705
SETTIMEOUT, GETTIMEOUT = 0xC0045706, 0x80045707
_BCM_MOST_S = 15  # a register of 20 bits; a driver that took more has left boards without any watchdog
_SHARE = 4  # systemd is told at most four times in its time-out
_TWINS = {"/dev/watchdog": "/dev/watchdog0", "/dev/watchdog0": "/dev/watchdog"}
_MISSING = "%s is not there: load its driver (dtparam=watchdog=on on a Raspberry Pi), or give the unit WatchdogSec="
_REFUSED = "%s may not be opened: run the agent as root, or let a udev rule give it to the agent's group"
_BY_SYSTEMD = (
    "%s is held by systemd (process 1): give the unit Type=notify and WatchdogSec=, or set RuntimeWatchdogSec=0"
)
_BY_OTHER = "%s is held by %s: stop that, only one can feed it"
_BY_SOMEBODY = (  # a unit with ProtectProc=invisible sees no process but its own, not even systemd
    "%s is held, and nobody can be seen: if by systemd (RuntimeWatchdogSec=), give the unit WatchdogSec= (drop-in "
    "systemd-watchdog.conf); if by another program, `sudo fumo doctor` names it: stop that, only one can feed it"
)


class WatchdogError(AgentError):
    """There is no watchdog for the agent; the text says who has it, or how to get one."""


class NoWatchdog(WatchdogError):
    """What was opened is none: it is never written to."""


class Systemd:
    """The watchdog of the service manager: three quarters of its time-out are certain, the rest is what is saved."""

    fd = None

    def __init__(self, timeout_ms, environ=os.environ, monotonic=time.monotonic):
        self.timeout_ms, self.text = timeout_ms, "systemd's, %d ms" % timeout_ms
        self._environ, self._monotonic = environ, monotonic
        self._told_s = None

    def feed(self):
        """Tell systemd, if it is time."""
        now_s = self._monotonic()
        if self._told_s is None or (now_s - self._told_s) * 1000 * _SHARE >= self.timeout_ms:
            if notify("WATCHDOG=1", self._environ):
                self._told_s = now_s

    def close(self):
        """Nothing to do: systemd knows when a process ends."""


class Hardware:
    """A watchdog device that is open. `also` is fed with it: systemd's, where the unit has one."""

    def __init__(self, fd, path, wanted_ms, also=None, ioctl=fcntl.ioctl, sys_root="/sys"):
        self.fd, self._path, self._also, self._ioctl = fd, path, also, ioctl
        name = os.path.basename(path)
        self._folder = os.path.join(sys_root, "class/watchdog", "watchdog0" if name == "watchdog" else name)
        self.identity = self._support()
        try:
            self._set_up(wanted_ms)
        except BaseException:
            self.close()
            raise

    def feed(self):
        """Start the time-out again."""
        if self.fd >= 0:
            try:
                self._ioctl(self.fd, KEEPALIVE, 0)
            except OSError as e:
                raise WatchdogError("%s cannot be fed: %s" % (self._path, e.strerror)) from e
        if self._also:
            self._also.feed()

    def close(self):
        """Stop it if it can be stopped, because the agent ends on purpose; calling it twice is allowed."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            try:
                os.write(fd, b"V")
            except OSError:
                pass  # it goes on, as after any end that was not on purpose
            os.close(fd)

    def _set_up(self, wanted_ms):
        own_ms = self._fit(wanted_ms) * 1000
        self.timeout_ms = min(own_ms, self._also.timeout_ms) if self._also else own_ms
        self.can_stop = _read(self._folder, "nowayout") != "1"
        self.text = "%s, %d ms%s" % (self.identity, own_ms, "" if self.can_stop else ", cannot be stopped")
        os.set_inheritable(self.fd, True)  # the first stage hands it on: between closing and opening it could bite
        self.feed()

    def _support(self):
        """Return what it calls itself."""
        info = bytearray(40)
        try:
            self._ioctl(self.fd, GETSUPPORT, info)
        except OSError as e:
            raise NoWatchdog("%s is no watchdog: name the right one" % self._path) from e
        return info[8:].split(b"\0")[0].decode("ascii", "replace") or "watchdog"

    def _fit(self, wanted_ms):
        """Set the time-out where it differs from the one wanted that fits; return the one in force, in seconds."""
        wanted_s = self._clamped(max(wanted_ms // 1000, 1))
        found_s = self._number(GETTIMEOUT)
        if found_s != wanted_s:
            try:
                self._number(SETTIMEOUT, wanted_s)
            except OSError:
                pass  # not settable, or not to that: the one in force counts
            found_s = self._number(GETTIMEOUT)
        if found_s <= 0:
            raise WatchdogError("%s does not tell its time-out: update its driver" % self._path)
        return found_s

    def _clamped(self, wanted_s):
        most = _read(self._folder, "max_timeout")
        most_s = int(most) if most and most.isdigit() and int(most) else wanted_s
        if "bcm2835" in self.identity.lower():
            most_s = min(most_s, _BCM_MOST_S)
        least = _read(self._folder, "min_timeout")
        return max(min(wanted_s, most_s), int(least) if least and least.isdigit() else 1)

    def _number(self, request, value=0):
        number = array.array("i", (value,))
        self._ioctl(self.fd, request, number)
        return number[0]


def open_watchdog(
    wanted_ms, path=PATH, fd=None, environ=os.environ, ioctl=fcntl.ioctl, sys_root="/sys", proc_root="/proc"
):
    """Return the board's watchdog, running: the device, else systemd's; `fd` is the device as the first stage opened it."""
    limit_ms = watchdog_ms(environ)
    also = Systemd(limit_ms, environ) if limit_ms else None
    if fd is not None:
        return Hardware(fd, path, wanted_ms, also, ioctl, sys_root)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as e:
        return _instead(e, path, also, proc_root)
    try:
        return Hardware(fd, path, wanted_ms, also, ioctl, sys_root)
    except NoWatchdog:
        os.close(fd)
        raise


def _instead(error, path, also, proc_root):
    """Return systemd's watchdog where the device cannot be had, or say why there is none."""
    if error.errno == errno.EBUSY:
        pid, name = _holder(path, proc_root)
        if pid > 1 or not also:
            raise WatchdogError(_by(path, pid, name)) from error
    elif not also:
        text = {errno.ENOENT: _MISSING, errno.EACCES: _REFUSED, errno.EPERM: _REFUSED}.get(error.errno)
        raise WatchdogError(text % path if text else "%s: %s" % (path, error.strerror)) from error
    also.feed()
    return also


def _by(path, pid, name):
    """Say who holds the device, and what to do."""
    if pid > 1:
        return _BY_OTHER % (path, "%s (process %d)" % (name, pid))
    return (_BY_SYSTEMD if pid else _BY_SOMEBODY) % path


def _holder(path, proc_root):
    """Return (process, its name) of who has the device open, (0, "") where nobody can be seen."""
    names = {path, os.path.realpath(path), _TWINS.get(path)}
    for pid in sorted(int(name) for name in _list(proc_root) if name.isdigit()):
        folder = os.path.join(proc_root, str(pid))
        if any(_target(os.path.join(folder, "fd", each)) in names for each in _list(os.path.join(folder, "fd"))):
            return pid, _read(folder, "comm") or "?"
    return 0, ""


def _list(folder):
    """Return the names in a folder of /proc, none where it is gone or none of our business."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _target(link):
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _read(folder, name):
    try:
        with open(os.path.join(folder, name)) as file:
            return file.read().strip()
    except (OSError, ValueError):
        return None
