"""An authority and a server's certificate kept in a folder: made once, read at each start, renewed before they run out.

`ca.pem` is what devices trust, `ca-key.pem` signs new certificates. A folder without `ca-key.pem` has a certificate of somebody
else's: it is used as it is and never replaced. Knows no settings and no sockets.
"""

import contextlib
import datetime
import os
import time
from pathlib import Path

from flash_tools import text_file
from flash_tools.errors import ToolError
from flash_tools.server import pki
from flash_tools.server.pki import Authority, Certificate

CA, CA_KEY, SERVER, SERVER_KEY = "ca.pem", "ca-key.pem", "server.pem", "server-key.pem"
RENEW_DAYS = 30  # a certificate with less than this left is replaced
LIFE_DAYS = 397
_DAY_S = 86400
_PUBLIC, _PRIVATE = 0o644, 0o600


def make(folder: Path, name: str, names: tuple[str, ...], now: float | None = None) -> Certificate:
    """Make an authority with that name and a certificate for host names and addresses."""
    authority = Authority(name)
    write_file(folder / CA_KEY, authority.kept.key_pem)
    write_file(folder / CA, authority.pem, _PUBLIC)
    return _issue(folder, authority, names, time.time() if now is None else now)


def authority_pem(folder: Path) -> str:
    """Return what devices must trust."""
    return _text(folder / CA)


def current(folder: Path, names: tuple[str, ...], now: float | None = None) -> tuple[Certificate, str]:
    """Return the certificate to use, a new one where the names changed or it runs out, and what was done or is wrong."""
    now = time.time() if now is None else now
    authority = _authority(folder)
    kept = _kept(folder)
    if authority and kept and not pki.is_issued_by(kept.pem, authority.pem):
        raise ToolError(
            "%s is not signed by %s: remove it for a new one; or, where it is your own, remove %s and put its authority "
            "in %s" % (folder / SERVER, CA, CA_KEY, CA)
        )
    why = _why_new(kept, names, now)
    if not why:
        return kept, ""
    if authority:
        return _issue(folder, authority, names, now), "made a new certificate: %s" % why
    return _foreign(folder, kept, why)


def _why_new(kept, names, now):
    if kept is None:
        return "there was none"
    if not pki.is_pair(kept):
        return "the key was another one's"
    if set(pki.names_of(kept.pem)) != set(names):
        return "it is for %s now" % ", ".join(names)
    left = (pki.end_of(kept.pem) - now) / _DAY_S
    return "the old one had %d days left" % max(left, 0) if left < RENEW_DAYS else ""


def _foreign(folder, kept, why):
    if kept is None or not pki.is_pair(kept):
        raise ToolError(
            "%s and %s are no certificate with its key, and without %s none can be made: put them back from the backup"
            % (folder / SERVER, SERVER_KEY, CA_KEY)
        )
    return kept, "%s is not replaced, %s is missing (%s)" % (folder / SERVER, CA_KEY, why)


def _issue(folder, authority, names, now):
    last = datetime.datetime.fromtimestamp(now + LIFE_DAYS * _DAY_S, datetime.UTC).replace(tzinfo=None, microsecond=0)
    made = authority.issue(names, not_after=last)  # it begins in the past: devices' clocks may be years behind
    write_file(folder / SERVER_KEY, made.key_pem)
    write_file(folder / SERVER, made.pem, _PUBLIC)
    return made


def _authority(folder):
    """Return the authority, None where its key is not here."""
    if not (folder / CA_KEY).exists():
        return None
    kept = Certificate(_text(folder / CA), _text(folder / CA_KEY))
    try:
        return Authority(kept=kept)
    except ToolError as error:
        raise ToolError(
            "%s does not belong to %s: %s; put both back from the backup" % (folder / CA_KEY, CA, error)
        ) from None


def _kept(folder):
    if not (folder / SERVER).exists():
        return None
    kept = Certificate(_text(folder / SERVER), _text(folder / SERVER_KEY) if (folder / SERVER_KEY).exists() else "")
    try:
        pki.end_of(kept.pem)
        return kept if kept.key_pem and pki.is_pair(kept) is not None else None
    except ToolError as error:
        raise ToolError("%s or %s: %s; put them back, or remove both" % (folder / SERVER, SERVER_KEY, error)) from None


def _text(path):
    return text_file.read(path, ": put it back from the backup")


def write_file(path: Path, text: str, mode: int = _PRIVATE) -> None:
    """Write all of a file or nothing of it; others cannot read it unless `mode` says so."""
    part = path.with_name(path.name + ".part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise ToolError("cannot write %s: %s" % (path, error.strerror)) from None
