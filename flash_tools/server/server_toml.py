"""server.toml: which lines there are, what may stand in each, and how it is written for the first time.

A wrong line is told with its number. Knows neither files nor keys.
"""

import json
import re
import tomllib
from urllib.parse import urlsplit

from flash_tools.errors import ToolError

FORMAT = 1
UNKNOWN = ("refuse", "quarantine")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?\Z")
_ID = re.compile(r"[\x21-\x7e]{1,64}\Z")
_NOTIFY = re.compile(r"(([0-9.]+|\[[0-9A-Fa-f:]+\]):)?\d{1,5}\Z|\Z")
_HEAD = "# A server of fumo-agent; docs/server.md explains every line. Start the server again after a change.\n"
_SAID = {  # of each line that `init` writes
    "format": "",
    "server_id": "what devices know this server as; never change it",
    "public_url": "what devices are told; its host is in the certificate",
    "listen": "where devices are answered",
    "page": "where people and scripts are answered",
    "tls": "false: plain http, or something in front speaks TLS",
    "unknown": "or quarantine: what is done with devices that nobody has added",
    "keep_days": "how long sessions and events are kept",
    "notify": "where a new device hears notifications: address:port, or a port where it came from",
}


def text_of(values: dict) -> str:
    """Return the text of a file with these values."""
    return _HEAD + "".join(_line(key, value) for key, value in {"format": FORMAT, **values}.items())


def _line(key, value):
    text = "%s = %s" % (key, json.dumps(value))
    return "%-46s # %s\n" % (text, _SAID[key]) if _SAID[key] else text + "\n"


def check(text: str, path: str) -> dict:
    """Return the values, addresses as (host, port); `path` is what the file is called in a complaint."""
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is no TOMLDecodeError
        raise ToolError("%s: %s" % (path, error)) from None
    version = given.pop("format", None)
    if version != FORMAT:
        raise ToolError(
            "%s has the format %r, this program knows %d: use the one that made it" % (path, version, FORMAT)
        )
    values = {}
    for key, value in given.items():
        values[key] = _value(key, value, path, text)
    for key in ("server_id", "public_url", "listen", "page"):
        if key not in values:
            raise ToolError("%s lacks %s" % (path, key))
    if values.get("tls", True) and values["public_url"].startswith("http:"):
        raise ToolError(
            "%s: %s is plain http, hence tls must be false" % (_place(path, text, "public_url"), values["public_url"])
        )
    return values


def _value(key, value, path, text):
    where = _place(path, text, key)
    rule = _RULES.get(key)
    if rule is None:
        raise ToolError("%s: there is no setting %s, only %s" % (where, key, ", ".join(_RULES)))
    kind, check, wanted = rule
    if type(value) is not kind or not check(value):
        raise ToolError("%s: %s is %s, not %r" % (where, key, wanted, value))
    return address(value, where) if key in ("listen", "page") else value


def _place(path, text, key):
    """Return the file and the line of a key."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*[\[\"']*%s\b" % re.escape(key), line):
            return "%s, line %d" % (path, number)
    return path


def address(text: str, where: str) -> tuple[str, int]:
    """Return an address as (host, port)."""
    host, _, port = text.rpartition(":")
    if not _is_address(text):
        raise ToolError("%s: an address is IPV4:PORT or NAME:PORT, not %s" % (where, text))
    return host, int(port)


def _is_address(text):
    host, _, port = text.rpartition(":")
    return bool(_HOST.match(host)) and port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536


def _is_url(text):
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    good = parts.scheme in ("http", "https") and parts.hostname and _HOST.match(parts.hostname) and port != 0
    plain = not (parts.query or parts.fragment or parts.username or text.endswith("/"))
    return bool(good and plain and text.isascii() and text.isprintable() and " " not in text and '"' not in text)


_RULES = {
    "server_id": (str, lambda text: _ID.match(text) and '"' not in text and "\\" not in text, "1 to 64 letters"),
    "public_url": (str, _is_url, "https://NAME[:PORT][/PATH] or http:, without a slash at the end"),
    "listen": (str, _is_address, "IPV4:PORT or NAME:PORT"),
    "page": (str, _is_address, "IPV4:PORT or NAME:PORT"),
    "tls": (bool, lambda value: True, "true or false"),
    "unknown": (str, UNKNOWN.__contains__, "one of %s" % ", ".join(UNKNOWN)),
    "keep_days": (int, lambda days: 0 < days <= 36500, "1 to 36500 days"),
    "notify": (str, _NOTIFY.match, "a port, address:port or empty"),
}
