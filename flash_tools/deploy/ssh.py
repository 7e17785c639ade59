"""Puts files onto a Linux board by rsync over ssh: into a folder of their own, then one symbolic link is switched.

    PATH/versions/0.1.0-5b1c…/   each whole, by the digest of its manifest
    PATH/current -> versions/0.1.0-5b1c…

ssh is used as its owner has set it up: hosts, keys, ports, jumps are in ~/.ssh/config, and nothing is switched off here.
"""

import shlex
import subprocess
import tempfile
from pathlib import Path

from flash_tools.deploy import folder, sync
from flash_tools.deploy.files import MANIFEST, digest
from flash_tools.errors import NotFoundError, SilentError, ToolError, UsageError
from flash_tools.version import version

USUAL_PATH = "fumo-agent"  # in the home of that user
_KEPT = 2  # versions beside the current one
_TIMEOUT_S = 900  # of one command
_QUIET_S = 60  # without a byte
NOT_THERE = ("resolve hostname", "connection refused", "no route to host", "network is unreachable", "command not found",
             "connection timed out", "not found")  # fmt: skip
DROPPED = ("lost", "closed", "reset by", "broken pipe", "unexpectedly", "timeout", "timed out")
_SSH_FAILED, _RSYNC_LINE = 255, (10, 12, 30, 35)
_SWITCH = """set -e
cd %(path)s
ln -sfn versions/%(name)s .current.new
mv -T .current.new current
cd versions
n=0
for each in $(ls -1dt *-????????????); do
  [ "$each" = %(name)s ] && continue
  n=$((n+1))
  [ $n -gt %(kept)d ] && rm -rf "./$each"
done
exit 0
"""


def send(host: str, path: str, files: dict[str, bytes], ssh_command: str = "ssh") -> sync.Plan:
    """Copy, then switch; return what was sent. A run that was cut short has changed nothing that is used."""
    name = "%s-%s" % (version(), digest(files[MANIFEST])[:12])
    shell = [*shlex.split(ssh_command), host]
    with tempfile.TemporaryDirectory() as staging:
        store = folder.Store(Path(staging))
        for file, data in files.items():
            store.write(file, data)
        target = "%s/versions/%s/" % (path, name)
        _run([*shell, "mkdir -p %s" % shlex.quote(target)], host)
        words = [
            "rsync",
            "-rlptE",
            "--delete",
            "--checksum",
            "--protect-args",
            "--timeout=%d" % _QUIET_S,
            "--chmod=D755,F644",
        ]
        _run([*words, "-e", ssh_command, staging + "/", "%s:%s" % (host, target)], host)
    _run([*shell, _SWITCH % {"path": shlex.quote(path), "name": shlex.quote(name), "kept": _KEPT}], host)
    return sync.Plan(write=files, where="%s/current -> versions/%s" % (path, name))


def parse(place: str) -> tuple[str, str]:
    """Return (user@host, path) of USER@HOST[:PATH]; a path without / in front is in the home of that user."""
    host, _, path = place.partition(":")
    path = path.removeprefix("~/").rstrip("/") or USUAL_PATH
    if not host or host.startswith("-") or path.startswith("-") or not place.isprintable() or " " in host:
        raise UsageError("ssh:%s names no board: use ssh:USER@HOST or ssh:USER@HOST:PATH" % place)
    return host, path


def _run(words, host):
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S
        )
    except FileNotFoundError:
        raise NotFoundError("there is no %s here: install it (Debian: rsync, openssh-client)" % words[0]) from None
    except subprocess.TimeoutExpired:
        raise SilentError("%s does not end after %d s: run it again, it goes on" % (words[0], _TIMEOUT_S)) from None
    if done.returncode:
        raise _error(words[0], done, host)


def _error(program, done, host):
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip() and not line.startswith("rsync error")]
    of_ssh = [line for line in lines if not line.startswith("rsync")] if done.returncode == _SSH_FAILED else []
    said = (of_ssh[-1:] or lines[:1] or ["it ended with %d" % done.returncode])[0]
    text = "%s and %s: %s" % (program, host, said)
    low = said.lower()
    if any(part in low for part in NOT_THERE):
        return NotFoundError(text)
    if any(part in low for part in DROPPED) or (program == "rsync" and done.returncode in _RSYNC_LINE):
        return SilentError(text + "; run it again, it goes on where it was")
    if done.returncode == _SSH_FAILED:
        return NotFoundError(text)
    return ToolError(text)
