"""Stands in for the agent below the real unit: falls, hangs or refuses as it is told, and tries what the unit lets it do.

It runs inside a container of the tests, on Debian's own Python.
"""

import ctypes
import errno
import json
import os
import pathlib
import socket
import sys
import time

MODE = pathlib.Path("/etc/fumo-agent/mode")
_LIBRARIES = ("spidev", "smbus2", "gpiozero", "serial", "ssl", "asyncio", "ctypes", "zipfile")


def attempt(act):
    """Return "" where it could be done, else the name of the error."""
    try:
        act()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
    except Exception as e:
        return "%s: %s" % (type(e).__name__, e)
    return ""


def write(path):
    """Return what tries to write a file."""
    return lambda: pathlib.Path(path).write_text("x")


def reboot_with(magic):
    """Call reboot(2); with a wrong magic number the answer is EINVAL for who may, EPERM for who may not."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(169 if os.uname().machine == "x86_64" else 142, magic, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "reboot")


def overfill(folder):
    """Write 65 MiB."""
    path = pathlib.Path(folder, "large")
    try:
        with open(path, "wb") as file:
            for _ in range(65):
                file.write(bytes(1 << 20))
    finally:
        path.unlink()


def probe():
    """Return what this process is and may."""
    run, state = os.environ["RUNTIME_DIRECTORY"], os.environ["STATE_DIRECTORY"]
    tried = {
        name: attempt(write(name)) for name in ("/etc/x", "/usr/x", "/x", "/root/x", "/home/x", "/sys/x", "/boot/x")
    }
    tried.update({name: attempt(write(name + "/x")) for name in (run, state, run + "/firmware", "/tmp")})
    status = pathlib.Path("/proc/self/status").read_text()
    return {
        "uid": os.getuid(), "started": sys.argv[0], "isolated": sys.flags.isolated, "folder": os.getcwd(), "tried": tried,
        "capabilities": status.split("CapEff:\t")[1].split()[0], "no_new_privileges": status.split("NoNewPrivs:\t")[1].split()[0],
        "imports": {name: attempt(lambda name=name: __import__(name)) for name in _LIBRARIES},
        "reboot": attempt(lambda: reboot_with(0)),
        "netlink": attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
        "inet": attempt(lambda: socket.socket(socket.AF_INET)),
        "become_root": attempt(lambda: os.setuid(0)), "overfill": attempt(lambda: overfill(run + "/firmware")),
        "runtime_mode": oct(os.stat(run).st_mode & 0o777),
    }  # fmt: skip


def notify(text):
    """Tell systemd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


def main():
    """Do what the mode says."""
    starts = pathlib.Path(os.environ["STATE_DIRECTORY"], "starts")
    with open(starts, "a") as file:
        file.write("x")
    mode, _, count = MODE.read_text().strip().partition(":")
    if mode == "fall" and starts.stat().st_size <= int(count):
        os.kill(os.getpid(), 11)
    if mode == "unconfigured":
        sys.exit(print("no board is chosen", file=sys.stderr) or 78)
    pathlib.Path(os.environ["STATE_DIRECTORY"], "probe.json").write_text(json.dumps(probe()))
    notify("READY=1")
    while True:
        time.sleep(0.3)
        if mode != "hang" and "WATCHDOG_USEC" in os.environ:
            notify("WATCHDOG=1")


if __name__ == "__main__":
    main()
