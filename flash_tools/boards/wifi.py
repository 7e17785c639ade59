"""The WLANs that a board is told of: names from the command, keys from a file, the environment or whoever types them, unseen.

A key never stands on a command line, where `ps` and the shell's history show it.
"""

import os
import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path

from flash_tools import text_file
from flash_tools.errors import UsageError

KEY = "FUMO_WIFI_KEY"
_NAME_MOST = 32  # bytes, IEEE 802.11
_KEY_LEAST, _KEY_MOST = 8, 63  # characters of a passphrase; 64 are the key itself, in hexadecimal


def networks(names: list[str], file: Path | None, environ=os.environ, ask: Callable[[str], str] | None = None) -> list:
    """Return [[name, key], ...] for the factory region, nothing for the one name "".

    `ask(question)` where nothing else has a key; None takes a terminal for it.
    """
    if names == [""]:
        return []
    keys = _keys(names, file, environ, ask if ask or not sys.stdin.isatty() else getpass)
    found = [[name, key] for name, key in zip(names, keys, strict=True)]
    check(found)
    return found


def check(found: object) -> None:
    """Raise UsageError for what no radio takes."""
    if not isinstance(found, list) or not all(_is_pair(each) for each in found):
        raise UsageError('the WLANs are [["NAME", "KEY"], ...], a key "" for an open one')
    for name, key in found:
        if not 0 < len(name.encode()) <= _NAME_MOST:
            raise UsageError("the name of a WLAN has 1 to %d bytes, this one %d" % (_NAME_MOST, len(name.encode())))
        if key and not _KEY_LEAST <= len(key.encode()) <= _KEY_MOST and not _is_raw(key):
            text = "the key of the WLAN %s has %d characters: %d to %d, 64 hexadecimal digits, or none for an open one"
            raise UsageError(text % (name, len(key), _KEY_LEAST, _KEY_MOST))
    if len({name for name, _ in found}) < len(found):
        raise UsageError("a WLAN is named twice")


def _keys(names, file, environ, ask):
    if file:
        return _lines(names, text_file.read(file), str(file))
    if KEY in environ:
        return _lines(names, environ[KEY], KEY)
    if not ask:
        raise UsageError(
            "the WLAN needs its key: --wifi-key FILE, %s in the environment, or a terminal to type it" % KEY
        )
    return [ask("key of the WLAN %s (nothing for an open one): " % name) for name in names]


def _lines(names, text, where):
    """Return a line for each network: an empty one for an open network."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != len(names):
        raise UsageError("%s has %d lines for %d WLANs: a key each, in their order" % (where, len(lines), len(names)))
    return [line.removesuffix("\r") for line in lines]


def _is_pair(each):
    return isinstance(each, list) and len(each) == 2 and all(isinstance(part, str) for part in each)


def _is_raw(key):
    return len(key) == 64 and not set(key.lower()) - set("0123456789abcdef")
