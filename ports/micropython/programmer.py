"""Lets a host use the board as a programmer: its tools call this over the raw REPL, bytes go as base64, one line an answer.

The host sends this file and the driver along; nothing of it stays on the board.
"""

import binascii
import hashlib
import json
import sys

from agent.compat import const

_PIECE = const(1024)
_SECTOR = const(4096)


class Programmer:
    """`nor` is a hal.nor_spi.NorSpi; `link` the SpiLink that it has."""

    def __init__(self, nor, link):
        self._nor = nor
        self._link = link
        self._buffer = bytearray(_PIECE)
        self._view = memoryview(self._buffer)

    def facts(self):
        """Say what the chip is."""
        nor, tables = self._nor, self._view[:512]
        self._link.query(b"\x5a\x00\x00\x00\x00", tables)
        _say(json.dumps([nor.name, nor.size, nor.page, nor.erase_units]))
        _send(nor.jedec_id)
        _send(tables)

    def read(self, addr, size):
        """Send what is there."""
        for start in range(0, size, _PIECE):
            piece = self._view[: min(_PIECE, size - start)]
            self._nor.read(addr + start, piece)
            _send(piece)

    def program(self, addr, text):
        """Program a run of bytes, leaving out pages that stay blank; `text` is base64."""
        data = memoryview(binascii.a2b_base64(text))
        page, start = self._nor.page, 0
        while start < len(data):
            count = min(page - (addr + start) % page, len(data) - start)
            piece = data[start : start + count]
            if bytes(piece) != b"\xff" * count:
                self._nor.program(addr + start, piece)
            start += count
        self._nor.wait()

    def erase(self, addr, size):
        """Erase one unit."""
        self._nor.erase(addr, size)
        self._nor.wait()

    def digests(self, addr, size, unit):
        """Send the SHA-256 of each `unit` bytes: what is there already need not be sent."""
        for at in range(addr, addr + size, unit):
            digest, end = hashlib.sha256(), min(at + unit, addr + size)
            while at < end:
                piece = self._view[: min(_PIECE, end - at)]
                self._nor.read(at, piece)
                digest.update(piece)
                at += len(piece)
            _send(digest.digest())

    def scan(self, magic):
        """Say at which sectors these bytes begin one."""
        head, found = self._view[: len(magic)], []
        for addr in range(0, self._nor.size, _SECTOR):
            self._nor.read(addr, head)
            if head == magic:
                found.append(addr)
        _say(json.dumps(found))

    def id_and_status(self, count):
        """Send id and status `count` times, read anew."""
        into = bytearray(4)
        for _ in range(count):
            self._link.query(b"\x9f", self._view[:3])
            into[:3] = self._view[:3]
            into[3] = self._nor.status()
            _send(into)


def _send(data):
    sys.stdout.write(str(binascii.b2a_base64(data), "ascii"))


def _say(text):
    sys.stdout.write(text + "\n")
