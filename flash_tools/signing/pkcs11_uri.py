"""Names of keys in tokens: RFC 7512 URIs, read strictly, so that nothing but the key that is meant can be found.

`pkcs11:token=release;object=fumo-2026?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/fumo/pin`
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from flash_tools.errors import NotFoundError, UsageError

SCHEME = "pkcs11:"
PIN, MODULE = "FUMO_PIN", "FUMO_PKCS11_MODULE"
_PATH = ("token", "serial", "manufacturer", "model", "object", "id", "type")
_QUERY = ("module-path", "pin-source")
_PIN_MOST = 256
_VALUE = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,=]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True)
class Uri:
    """What a URI says; None where it does not say it."""

    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    object: str | None = None
    id: bytes | None = None
    module: str | None = None
    pin_source: str | None = None

    def __str__(self) -> str:
        """Return what a message may show."""
        shown = {"token": self.token, "serial": self.serial, "object": self.object}
        shown["id"] = self.id.hex() if self.id else None
        return SCHEME + ";".join("%s=%s" % pair for pair in shown.items() if pair[1] is not None)

    def module_path(self) -> str:
        """Return the library that speaks to the token."""
        path = self.module or os.environ.get(MODULE)
        if not path:
            raise UsageError("which library speaks to the token? add ?module-path=/…/library.so, or set %s" % MODULE)
        return path

    def pin(self) -> str | None:
        """Return the PIN from its file or the environment, None where neither has one."""
        if self.pin_source is None:
            return os.environ.get(PIN) or None
        try:
            with open(self.pin_source, "rb") as file:
                text = file.read(_PIN_MOST + 1).decode().rstrip("\r\n")
        except OSError as e:
            raise NotFoundError(f"cannot read the PIN from {self.pin_source}: {e.strerror}") from None
        except ValueError:
            raise UsageError(f"{self.pin_source} holds no PIN: it is not text") from None
        if not 0 < len(text) <= _PIN_MOST:
            raise UsageError(f"{self.pin_source} holds no PIN: one line of at most {_PIN_MOST} characters")
        return text


def is_uri(text: str | Path) -> bool:
    """Tell whether a key's name is that of one in a token."""
    return str(text)[: len(SCHEME)].lower() == SCHEME


def parse(text: str | Path) -> Uri:
    """Return what a URI says; what it has that is not understood could mean another key, and is refused."""
    path, _, query = str(text)[len(SCHEME) :].partition("?")
    said = _attributes(path, ";", _PATH) | _attributes(query, "&", _QUERY)
    if said.pop("type", b"private") not in (b"private", b"public"):
        raise UsageError("a signing key's URI has type=private, or no type")
    fields = {"pin_source": said.pop("pin-source", None), "module": said.pop("module-path", None), **said}
    fields = {name: value if name == "id" or value is None else _text(value) for name, value in fields.items()}
    if fields["pin_source"]:
        fields["pin_source"] = _file(fields["pin_source"])
    if not (fields.get("token") or fields.get("serial")):
        raise UsageError("which token? a key's URI has token=… or serial=…")
    if not (fields.get("object") or fields.get("id")):
        raise UsageError("which key? a key's URI has object=… or id=…")
    return Uri(**fields)


def _attributes(text, between, known):
    found = {}
    for part in text.split(between) if text else ():
        name, equals, value = part.partition("=")
        if name in ("pin-value", "pin"):
            raise UsageError("a PIN does not belong on a command line: set %s, or name its file by pin-source" % PIN)
        if name not in known or not equals:
            raise UsageError("a key's URI has %s, not %r" % (", ".join(known), name[:32]))
        if name in found or not _VALUE.fullmatch(value):
            raise UsageError("%s stands twice in the key's URI, or is not percent-encoded" % name)
        found[name] = re.sub(rb"%(..)", lambda match: bytes.fromhex(match[1].decode()), value.encode())
    return found


def _text(value):
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise UsageError("a part of the key's URI is not UTF-8") from None


def _file(source):
    path = source.removeprefix("file://").removeprefix("file:")
    if source.startswith("|") or not path.startswith("/"):
        raise UsageError("pin-source names a file by its whole path, such as /etc/fumo/pin")
    return path
