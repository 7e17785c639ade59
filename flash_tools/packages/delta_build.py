"""Turns a bsdiff of two images, made by detools, into plain streams that can start at any sector of the new image."""

import io
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from agent.delta import ADD, COPY, INSERT, JUMP
from agent.sizes import SECTOR
from flash_tools.errors import ToolError

_RUNS = (
    24,
    64,
    256,
)  # unchanged bytes in a row from which on they are copied, not added as zeros; the best one is taken
_ZEROS = re.compile(rb"\x00{%d,}" % min(_RUNS))


@dataclass(frozen=True)
class _Piece:
    """A run of the new image: bytes to be added to the source from `source_at` on, or new bytes where that is None."""

    start: int
    data: bytes
    source_at: int | None


class DeltaPlan:
    """The differences of a new image to an old one, cut wherever a block needs it."""

    def __init__(self, old: bytes, new: bytes) -> None:
        self._new = new
        self._pieces = _pieces(_sequential_patch(old, new), len(new))
        self._starts = [piece.start for piece in self._pieces]

    def source_at(self, start: int) -> int:
        """Return where in the old image a block that starts here begins to read."""
        for piece in self._from(start):
            if piece.source_at is not None:
                return piece.source_at
        return 0

    def forms(self, start: int, end: int) -> Iterator[bytes]:
        """Give streams that make the new image's bytes from `start` to `end`; see agent/delta.py for their form."""
        pieces = list(self._from(start, end))
        for shortest in _RUNS:
            yield _stream(pieces, self.source_at(start), shortest)
        if end - start <= SECTOR:  # what nothing shrinks must fit a block all the same
            yield _order(INSERT, self._new[start:end])

    def _from(self, start: int, end: int | None = None) -> Iterator[_Piece]:
        """Give the pieces from there on, cut where they stick out."""
        for piece in self._pieces[max(bisect_right(self._starts, start) - 1, 0) :]:
            first, last = max(start, piece.start), piece.start + len(piece.data)
            last = last if end is None else min(end, last)
            if first >= last:
                return
            skip = first - piece.start
            source = None if piece.source_at is None else piece.source_at + skip
            yield _Piece(first, piece.data[skip : last - piece.start], source)


def _stream(pieces: list[_Piece], source: int, shortest: int) -> bytes:
    """Return the orders for the pieces; `source` is where reading begins."""
    out = []
    for piece in pieces:
        if piece.source_at is None:
            out.append(_order(INSERT, piece.data))
            continue
        jump = piece.source_at - source
        if jump:
            out.append(_count((abs(jump) << 1 | (jump < 0)) << 2 | JUMP))
        out.extend(_orders(piece.data, shortest))
        source = piece.source_at + len(piece.data)
    return b"".join(out)


def _orders(data: bytes, shortest: int) -> Iterator[bytes]:
    """Give the orders for differences: long runs of none are copied."""
    at = 0
    for run in _ZEROS.finditer(data):
        if len(run[0]) < shortest:
            continue
        if run.start() > at:
            yield _order(ADD, data[at : run.start()])
        yield _count(len(run[0]) << 2 | COPY)
        at = run.end()
    if at < len(data):
        yield _order(ADD, data[at:])


def _order(order: int, data: bytes) -> bytes:
    return _count(len(data) << 2 | order) + data


def _sequential_patch(old: bytes, new: bytes) -> bytes:
    try:
        import detools
    except ImportError:
        raise ToolError("deltas need detools: install fumo-agent[tools]") from None
    patch = io.BytesIO()
    detools.create_patch(
        io.BytesIO(old),
        io.BytesIO(new),
        patch,
        compression="none",
        patch_type="sequential",
        algorithm="bsdiff",
        use_mmap=False,
    )
    return patch.getvalue()


def _pieces(patch: bytes, size: int) -> list[_Piece]:
    at = 1  # the header byte: sequential, not compressed
    _, at = _signed(patch, at)
    _, at = _signed(patch, at)  # size of a data-format patch: none
    pieces, done, source = [], 0, 0
    while done < size:
        count, at = _signed(patch, at)
        if count:
            pieces.append(_Piece(done, patch[at : at + count], source))
        at, done, source = at + count, done + count, source + count
        count, at = _signed(patch, at)
        if count:
            pieces.append(_Piece(done, patch[at : at + count], None))
        at, done = at + count, done + count
        jump, at = _signed(patch, at)
        source += jump
    return pieces


def _signed(data: bytes, at: int) -> tuple[int, int]:
    """Read a number as detools writes it: sign in bit 6 of the first byte, then groups of seven bits."""
    byte = data[at]
    negative, value, shift = byte & 0x40, byte & 0x3F, 6
    while byte & 0x80:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
    return (-value if negative else value), at + 1


def _count(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])
