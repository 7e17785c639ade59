"""The factory region: both copies, where they differ, and who the device is; secrets show their size only."""

import hashlib
import json
import struct
import zlib

from agent.factory import COPIES, HEAD_SIZE, MAGIC
from flash_tools.dump.hide import hidden, url

_SHOWN = ("product", "model", "device", "board", "layout")
_ACCOUNT = (
    "name",
    "server_id",
    "auth",
    "server_auth",
    "user",
    "server_user",
    "alert_source",
    "alert_format",
    "request_data",
)


def look(region) -> dict:
    """Return what stands in the region: its copies, and the identity of the first one that is whole."""
    size = region.size // COPIES
    found, facts = [], []
    for number in range(COPIES):
        cells = bytearray(size)
        region.read(number * size, cells)
        said, why = _read(bytes(cells))
        found.append({"copy": number, "valid": said is not None, "why_not": why})
        facts.append(said)
    good = next((said for said in facts if said is not None), None)
    return {
        "copies": found,
        "differences": _differences(*facts) if None not in facts else [],
        "identity": shown(good) if good is not None else None,
    }


def facts_of(region) -> dict | None:
    """Return the facts, with the secrets in them: for looking, not for showing."""
    size = region.size // COPIES
    for number in range(COPIES):
        cells = bytearray(size)
        region.read(number * size, cells)
        said, _ = _read(bytes(cells))
        if said is not None:
            return said
    return None


def anchors_of(facts: dict | None) -> tuple:
    """Return ((key id, 64 bytes), ...) that the device trusts."""
    found = []
    try:
        for name, key in (facts or {}).get("anchors", ()):
            found.append((str(name), bytes.fromhex(key)))
    except (TypeError, ValueError, AttributeError):
        pass
    return tuple(found)


def account_names(facts: dict | None) -> list[str]:
    """Return what the accounts are called."""
    found = (facts or {}).get("accounts")
    accounts = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return [str(each.get("name", each.get("server_id", ""))) for each in accounts]


def shown(facts: dict) -> dict:
    """Return the identity without what nobody may see."""
    out = {}
    for name, value in facts.items():
        if name in _SHOWN:
            out[name] = value
        elif name == "anchors":
            out[name] = [key_id for key_id, _ in anchors_of(facts)]
        elif name == "accounts" and isinstance(value, list):
            out[name] = [_account(each) for each in value if isinstance(each, dict)]
        elif name == "wifi" and isinstance(value, list):
            out[name] = [str(each[0]) for each in value if isinstance(each, list) and each]
        elif name == "ca_pem":
            out[name] = "sha256 " + hashlib.sha256(str(value).encode()).hexdigest()[:16]
        else:
            out[name] = hidden(str(value))
    return out


def _account(account):
    out = {name: value for name, value in account.items() if name in _ACCOUNT}
    for name, value in account.items():
        if name == "url":
            out[name] = url(str(value))
        elif name not in out:
            out[name] = hidden(str(value))
    return out


def _read(cells):
    """Return (facts or None, why not)."""
    if cells.count(0xFF) == len(cells):
        return None, "erased"
    if cells[:4] != MAGIC:
        return None, "it does not begin with %s" % MAGIC.decode()
    size, crc = struct.unpack_from("<II", cells, 4)
    if not 0 < size <= len(cells) - HEAD_SIZE:
        return None, "torn: it says that it has %d bytes" % size
    text = cells[HEAD_SIZE : HEAD_SIZE + size]
    if zlib.crc32(text) != crc:
        return None, "torn: its CRC does not match"
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return None, "its text is no JSON"
    return (facts, "") if isinstance(facts, dict) else (None, "its text is no JSON object")


def _differences(first, second):
    return sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
