"""Writes the factory region that agent/factory.py reads: two copies, one after the other, each read back.

A run that was cut leaves one good copy at least, once there was one: `finish` makes two of it. The first copy counts, it is
the one that is written first.
"""

import json
from dataclasses import dataclass

from agent import factory
from agent.compat import crc32
from flash_tools.errors import ToolError, VerifyError

_OPTIONAL = ("ca_pem", "accounts", "anchors", "layout", "device", "wifi")
SECRETS = ("secret", "server_secret", "nonce", "server_nonce")


@dataclass(frozen=True)
class Copies:
    """What was found: the text of each copy that is whole, None for one that is not."""

    first: bytes | None
    second: bytes | None
    blank: bool  # nothing was ever written

    @property
    def facts(self) -> dict | None:
        """Return what the region says, None where it says nothing."""
        text = self.first or self.second
        return json.loads(text) if text else None

    @property
    def cut_short(self) -> bool:
        """Tell whether a run ended before both copies were the same."""
        return self.first != self.second or (self.first is None and not self.blank)


def look(region) -> Copies:
    """Read both copies."""
    room = _room_of_copy(region)
    texts = [_whole(region, room * number, room) for number in range(factory.COPIES)]
    return Copies(*texts, blank=not any(texts) and _is_blank(region))


def pack(facts: dict) -> bytes:
    """Return the text that the region holds."""
    return json.dumps(facts, separators=(",", ":")).encode()


def room(region) -> int:
    """Return how long the text may be."""
    return _room_of_copy(region) - factory.HEAD_SIZE


def check_size(region, facts: dict) -> None:
    """Raise ToolError where the facts do not fit, and say what could be left out."""
    size = len(pack(facts))
    if size <= room(region):
        return
    parts = sorted(((len(pack(facts[name])), name) for name in _OPTIONAL if facts.get(name)), reverse=True)
    largest = ", ".join("%s %d" % (name, part) for part, name in parts[:3])
    text = (
        "the provisioning has %d bytes, its place %d: leave something out (%s), a certificate with an EC key is short"
    )
    raise ToolError(text % (size, room(region), largest))


def write(region, facts: dict) -> None:
    """Write both copies."""
    check_size(region, facts)
    text = pack(facts)
    for number in range(factory.COPIES):
        _write_copy(region, number, text)


def finish(region, found: Copies) -> bool:
    """Make two copies of the one that is whole; tell whether there is one."""
    text = found.first or found.second
    if not text:
        return False
    if found.first != text:
        _write_copy(region, 0, text)
    if found.second != text:
        _write_copy(region, 1, text)
    return True


def without_secrets(facts: dict) -> dict:
    """Return what people may see."""
    shown = {
        name: value
        for name, value in facts.items()
        if name not in ("device_key", "ca_pem", "accounts", "anchors", "wifi")
    }
    if "wifi" in facts:
        shown["wifi"] = [name for name, _ in facts["wifi"]]
    shown["anchors"] = [name for name, _ in facts.get("anchors", ())]
    shown["accounts"] = [_hidden(account) for account in facts.get("accounts", ())]
    shown["device_key"] = bool(facts.get("device_key"))
    shown["ca_bytes"] = len(facts.get("ca_pem", ""))
    return shown


def _hidden(account):
    return {name: bool(value) if name in SECRETS else value for name, value in account.items()}


def _whole(region, addr, room):
    """Return the text of a copy that is whole and says something."""
    text = factory.read_copy(region, addr, room)
    try:
        return bytes(text) if text and isinstance(json.loads(text), dict) else None
    except (ValueError, RecursionError):
        return None


def _is_blank(region):
    cells = bytearray(region.size)
    region.read(0, cells)
    return not cells.strip(b"\xff")


def _room_of_copy(region):
    room, sector = region.size // factory.COPIES, region.erase_units[0][0]
    if room % sector:
        raise ToolError("the factory region of %d bytes has no room for two copies: give it two sectors" % region.size)
    return room


def _write_copy(region, number, text):
    """Erase, then write from the end on: the page that makes the copy valid comes last."""
    room, page, sector = _room_of_copy(region), region.page, region.erase_units[0][0]
    base = room * number
    for at in range(base, base + room, sector):
        region.erase(at, sector)
    head = factory.MAGIC + len(text).to_bytes(4, "little") + crc32(text).to_bytes(4, "little")
    data = head + text
    for at in reversed(range(0, len(data), page)):
        region.program(base + at, data[at : at + page])
    if factory.read_copy(region, base, room) != text:
        raise VerifyError("the factory region does not hold what was written: try again, then replace the flash")
