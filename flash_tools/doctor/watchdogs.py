"""The watchdogs of this machine: what they can, and who holds them. A second opener gets nothing."""

import os
from collections.abc import Iterator

from flash_tools.doctor.check import Check, Host, fail, number, ok, read, skip, warn

_BCM_MOST_S = 15  # what its register holds; a driver that takes more leaves no watchdog at all
_CARD_RESET = 0x20


def checks(host: Host) -> Iterator[Check]:
    """Look at each watchdog."""
    found = sorted(path for path in (host.sys / "class/watchdog").glob("watchdog[0-9]*") if path.is_dir())
    if not found:
        yield skip("watchdog", "this machine has none: a Linux board needs one for its agent")
    for path in found:
        yield from _watchdog(host, path)


def _watchdog(host, path):
    name, identity = path.name, read(path / "identity") or "unknown"
    timeout, most = number(path / "timeout"), number(path / "max_timeout")
    facts = [identity, "%s s" % ("?" if timeout is None else timeout)]
    facts += ["at most %d s" % most] if most else []
    facts += ["cannot be stopped once opened"] if number(path / "nowayout") else []
    text = ", ".join(facts)
    if "bcm2835" in identity.lower() and (timeout or 0) > _BCM_MOST_S:
        do = "set it to %d s or less: RuntimeWatchdogSec=%d in /etc/systemd/system.conf" % (_BCM_MOST_S, _BCM_MOST_S)
        yield fail(name, text + ": the bcm2835 cannot count further, and then there is none", do)
    elif timeout and most and timeout > most:
        yield fail(name, text + ": more than it can", "set it to %d s or less" % most)
    else:
        yield ok(name, text)
    yield _owner(host, name)
    if (number(path / "bootstatus") or 0) & _CARD_RESET:
        yield warn(name + " reset", "the last reset was this watchdog's", "look into the log for what hung before it")


def _owner(host, name):
    """Say who holds it."""
    holders, hidden = _holders(host, name)
    if not holders:
        text = "nobody who can be seen (run as root to see all)" if hidden else "nobody: it does not run"
        return (skip if hidden else ok)(name + " owner", text)
    pid, command = holders[0]
    if pid == 1:
        do = "run the agent as a service with WatchdogSec=, so that systemd watches it; or RuntimeWatchdogSec=0"
        return warn(name + " owner", "systemd (process 1): the agent cannot open it", do)
    text = "%s (process %d)" % (command or "?", pid)
    if _is_ours(host, pid, command):
        return ok(name + " owner", text)
    do = "stop what holds it (systemctl disable --now watchdog, or end process %d); one program at a time can" % pid
    return warn(name + " owner", text + ": the agent cannot open it", do)


def _is_ours(host, pid, command):
    """Tell whether that is the agent, by its name or by what it was started with."""
    try:
        words = (host.proc / str(pid) / "cmdline").read_bytes()
    except OSError:
        words = b""
    return "fumo" in command or b"fumo-agent" in words


def _holders(host, name):
    """Return ([(pid, command)], whether there are processes that cannot be looked at)."""
    names = {str(host.dev / name)} | ({str(host.dev / "watchdog")} if name == "watchdog0" else set())
    found, hidden = [], False
    for folder in host.proc.glob("[0-9]*"):
        try:
            links = [_target(link) for link in (folder / "fd").iterdir()]
        except PermissionError:
            hidden = True
            continue
        except OSError:  # it has ended
            continue
        if names & set(links):
            found.append((int(folder.name), read(folder / "comm")))
    return sorted(found), hidden


def _target(link):
    """Return where a file descriptor leads, None where it was closed meanwhile: the others still count."""
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return None
