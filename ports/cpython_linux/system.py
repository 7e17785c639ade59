"""The board as a whole: why it started, how to restart it, who it is.

A cause is only told where something tells it: what nothing tells is UNKNOWN, which counts as not normal.
"""

import ctypes
import os
import platform
import struct
import subprocess
import time

from agent import reset
from agent.errors import AgentError

RUN_FOLDER = "/run/fumo-agent"
_STARTED, _PLANNED = "started", "planned"
_CARD_RESET = 0x20  # WDIOF_CARDRESET: the watchdog was it
_POWER_ON = 0x1000  # PM_RSTS of a Raspberry Pi after power came; any other bit, and it may have been anything
_PARAMETER = "/run/systemd/reboot-param"  # read by systemd-shutdown of every version
_MAGIC, _MAGIC2 = 0xFEE1DEAD, 672274793
_RESTART, _RESTART2 = 0x01234567, 0xA1B2C3D4
_COMES_MS = 60000  # a shutdown that takes longer does not come
_STARVES_MS = 120000
_STEP_MS = 200


class RebootError(AgentError):
    """The restart that was ordered did not come."""


def reset_cause(run_folder=RUN_FOLDER, sys_root="/sys", proc_root="/proc", keep_folder=None):
    """Return (cause, what tells it). Once for each start: a planned mark counts for one start only.

    `run_folder` is lost with power and with a restart of the board. Marks in `keep_folder`, on a disk, outlive the latter.
    """
    boot = _text(proc_root, "sys/kernel/random/boot_id")
    again = boot != "" and _text(run_folder, _STARTED) == boot
    marks = [_take(folder, _PLANNED) for folder in (run_folder, keep_folder) if folder]
    _put(run_folder, _STARTED, boot)
    if again:
        if boot in marks:
            return reset.COMMANDED, "the agent ended on purpose"
        return reset.WATCHDOG, "the agent ended without being told to"
    if any(mark and mark != boot for mark in marks):
        return reset.COMMANDED, "a restart of the board was ordered"
    return _hardware_cause(sys_root, proc_root)


def _hardware_cause(sys_root, proc_root):
    folder = os.path.join(sys_root, "class/watchdog")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        text = _text(folder, name, "bootstatus")
        if text.isdigit() and int(text) & _CARD_RESET:
            return reset.WATCHDOG, "%s says that it reset the board" % name
    register = _cell(proc_root, "device-tree/chosen/bootloader/pm_rsts")
    if register == _POWER_ON:
        return reset.POWER, "PM_RSTS says that power came"
    if register is not None:
        return reset.UNKNOWN, "PM_RSTS is 0x%x: reset by anybody" % register
    return reset.UNKNOWN, "nothing on this board tells why it started"


def run_folder(environ=os.environ):
    """Return the service's folder on the RAM disk."""
    return environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or RUN_FOLDER


def keep_folder(environ=os.environ):
    """Return its folder on a disk, for a mark that outlives a restart of the board; None where it has none."""
    return environ.get("STATE_DIRECTORY", "").partition(":")[0] or None


def mark_planned(run_folder=RUN_FOLDER, keep_folder=None, proc_root="/proc"):
    """Note that the next start is wanted; call it last, just before the end of the process or the restart of the board."""
    boot = _text(proc_root, "sys/kernel/random/boot_id")
    for folder in (run_folder, keep_folder):
        if folder:
            _put(folder, _PLANNED, boot)


def reboot(argument=None, feed=None, log=None, systemd=None, run=subprocess.run, call=None, pause=time.sleep):
    """Restart the board, through systemd where that is process 1. Never returns: RebootError where it does not come.

    `feed` keeps the watchdog quiet while systemd stops its services; once that takes too long, nobody feeds any more.
    """
    os.sync()
    if os.path.isdir("/run/systemd/system") if systemd is None else systemd:
        why = _by_systemd(argument, run)
        if not why and _wait(_COMES_MS, pause, feed):
            why = "systemd did not restart the board within %d s" % (_COMES_MS // 1000)
        if log:
            log(why + ": asking the kernel")
    why = (call or _by_kernel)(argument)
    why = "the board does not restart (%s): the watchdog may end this, else restart it by hand" % why
    if log:
        log(why)
    _wait(_STARVES_MS, pause)
    raise RebootError(why)


def _by_systemd(argument, run):
    """Ask systemd; return "" or what went wrong."""
    try:
        _set_parameter(argument)
        done = run(["systemctl", "reboot"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMES_MS / 1000)
    except (OSError, subprocess.SubprocessError) as e:
        return "systemd cannot be asked (%s)" % e
    if done.returncode:
        return "systemctl says: %s" % (done.stderr.decode(errors="replace").strip().split("\n")[0] or done.returncode)
    return ""


def _set_parameter(argument):
    """Leave the argument where systemd takes it from at the very end; one of an earlier try must not stay there."""
    if argument is not None:
        with open(_PARAMETER, "w") as file:
            file.write(argument)
    elif os.path.exists(_PARAMETER):
        os.remove(_PARAMETER)


def _by_kernel(argument):
    """Make the system call; return what went wrong, because where nothing did it does not come back."""
    libc = ctypes.CDLL(None, use_errno=True)
    text = None if argument is None else ctypes.c_char_p(argument.encode())
    libc.syscall(
        ctypes.c_long(_number()), ctypes.c_uint32(_MAGIC), ctypes.c_uint32(_MAGIC2),
        ctypes.c_uint32(_RESTART if argument is None else _RESTART2), text,
    )  # fmt: skip
    return os.strerror(ctypes.get_errno())


def _number(machine=None, word=None):
    """Return the number of the system call: glibc's reboot() takes no argument for the boot loader."""
    if (word or struct.calcsize("P")) == 4:
        return 88  # ARM and x86
    return 169 if (machine or platform.machine()) == "x86_64" else 142


def _wait(duration_ms, pause, feed=None):
    """Let the time go by; True, because whoever comes back from here is still running."""
    for _ in range(duration_ms // _STEP_MS):
        if feed:
            feed()
        pause(_STEP_MS / 1000)
    return True


def unique_id(proc_root="/proc", etc_root="/etc"):
    """Return (the number that nobody else has, what it is)."""
    serial = _text(proc_root, "device-tree/serial-number").strip("\0")
    if serial.strip("0"):
        return serial, "the board's serial number"
    machine = _text(etc_root, "machine-id")
    if len(machine) == 32:
        return machine, "the system's machine-id"
    raise AgentError("nothing numbers this board: run systemd-machine-id-setup")


# -- small files ---------------------------------------------------------------------------------------------------------


def _text(*path):
    """Return the line in a small file, "" where there is none."""
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _cell(*path):
    """Return a number of the device tree, None where there is none."""
    try:
        with open(os.path.join(*path), "rb") as file:
            data = file.read()
    except OSError:
        return None
    return int.from_bytes(data, "big") if len(data) == 4 else None


def _put(folder, name, text):
    """Write a small file; a full or read-only disk costs no more than what it would tell."""
    try:
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        pass


def _take(folder, name):
    """Return what a small file says, and remove it for good; "" where it cannot be removed, for it would come again."""
    text = _text(folder, name)
    try:
        os.remove(os.path.join(folder, name))
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError:
        return ""
    return text
