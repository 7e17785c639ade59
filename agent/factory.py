"""The factory region: who the device is and whom it trusts, in two copies; written by provisioning, only read by the agent.

A copy is half of the region: magic, length, CRC32 of the text, the text. The text is the JSON that identity.py describes,
and what the board is: {"board": name, "layout": [[region, start, size], ...]}.
"""

import json
import struct

from agent.compat import const, crc32

MAGIC = b"FUF1"
HEAD_SIZE = const(12)
COPIES = const(2)


def read(region):
    """Return the facts of the first copy that is whole, None where the device was never provisioned."""
    for copy in range(COPIES):
        text = read_copy(region, region.size // COPIES * copy, region.size // COPIES)
        facts = _facts(text) if text else None
        if facts:
            return facts
    return None


def read_copy(flash, addr, room):
    """Return the text of the copy that begins at `addr`, None where there is none that is whole."""
    head = bytearray(HEAD_SIZE)
    flash.read(addr, head)
    size, crc = struct.unpack_from("<II", head, 4)
    if head[:4] != MAGIC or not 0 < size <= room - HEAD_SIZE:
        return None
    text = bytearray(size)
    flash.read(addr + HEAD_SIZE, text)
    return text if crc32(text) == crc else None


def _facts(text):
    try:
        facts = json.loads(str(text, "utf-8"))
    except (ValueError, RuntimeError):  # a UnicodeError is the first, what is nested too deeply the second
        return None
    return facts if isinstance(facts, dict) else None
