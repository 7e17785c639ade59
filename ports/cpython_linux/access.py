"""Whom does the service run as, and may that user open a device? Root passes every test that it makes for itself."""

import os
import subprocess

USER = "fumo-agent"
AS_ROOT = "the service has to run as root for that: the drop-in rpi_tryboot.conf does it"
_TIMEOUT_S = 5


def service_user(ask=None):
    """Return (name, uid, groups) of the user that the service runs as; None where that is root, or there is no such user."""
    import pwd

    name = (ask or _unit_user)()
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return (name, found.pw_uid, tuple(os.getgrouplist(name, found.pw_gid))) if found.pw_uid else None


def allows(found, user, groups):
    """Tell whether the user may read and write, as the kernel decides it: only the first class that fits counts."""
    if user == 0:
        return True
    shift = 6 if found.st_uid == user else 3 if found.st_gid in groups else 0
    return found.st_mode >> shift & 6 == 6


def remedy(found, name):
    """Return what gives a device to the user of the service; `found` is its stat."""
    import grp

    try:
        group = grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        group = "root"
    if group == "root" or found.st_mode & 0o060 != 0o060:
        return "let the package's udev rules give it to a group of that user: udevadm trigger"
    return "usermod -aG %s %s, then systemctl restart fumo-agent" % (group, name)


def _unit_user():
    """Return whom systemd has, with its drop-ins; the user of the unit that is shipped where it does not tell."""
    command = ["systemctl", "show", "fumo-agent.service", "--property=LoadState,User"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return USER
    said = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    return (said.get("User") or "root") if said.get("LoadState") == "loaded" else USER
