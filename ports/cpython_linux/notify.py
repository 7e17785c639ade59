"""What systemd is told: one datagram to the socket that it names, without a library."""

import os
import socket


def notify(text, environ=os.environ):
    """Tell the service manager (`READY=1`, `STATUS=...`, `WATCHDOG=1`); False where there is none, or it cannot take it now.

    Never waits: a service manager that hangs must not hang the agent.
    """
    path = environ.get("NOTIFY_SOCKET", "")
    if path[:1] not in ("/", "@") or len(path) < 2:
        return False
    address = "\0" + path[1:] if path[0] == "@" else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line:
        try:
            line.sendto(text.encode(), address)
        except OSError:
            return False
    return True


def tell(status, *states, environ=os.environ):
    """Tell the service manager in words how it is, and such as `READY=1` before that; whatever is in them, it is one line."""
    return notify("\n".join((*states, "STATUS=" + " ".join(status.split()))), environ)


def watchdog_ms(environ=os.environ, pid=None):
    """Return the time-out in which systemd wants to hear `WATCHDOG=1` from this process, 0 where it does not."""
    if environ.get("WATCHDOG_PID", "") not in ("", str(os.getpid() if pid is None else pid)):
        return 0
    if not environ.get("NOTIFY_SOCKET"):
        return 0
    try:
        return max(int(environ.get("WATCHDOG_USEC", "0")) // 1000, 0)
    except ValueError:
        return 0
