"""Turns a bsdiff of two images, made by detools, into plain streams that can start at any sector of the new image."""

import io
from dataclasses import dataclass

from flash_tools.errors import ToolError


@dataclass(frozen=True)
class _Piece:
    """A run of the new image: bytes to be added to the source from `source_at` on, or new bytes where that is None."""

    start: int
    data: bytes
    source_at: int | None


class DeltaPlan:
    """The differences of a new image to an old one, cut wherever a block needs it."""

    def __init__(self, old: bytes, new: bytes) -> None:
        self._pieces = _pieces(_sequential_patch(old, new), len(new))

    def source_at(self, start: int) -> int:
        """Return where in the old image a block that starts here begins to read."""
        for piece in self._between(start, start + 1):
            if piece.source_at is not None:
                return piece.source_at
        return 0

    def plain(self, start: int, end: int) -> bytes:
        """Return the stream that makes the new image's bytes from `start` to `end`; see agent/delta.py for its form."""
        out, source = [], self.source_at(start)
        pieces = self._between(start, end)
        while pieces:
            diff = pieces.pop(0) if pieces[0].source_at is not None else None
            extra = pieces.pop(0) if pieces and pieces[0].source_at is None else None
            if out:
                jump = (diff.source_at - source) if diff else 0
                out.append(_count(abs(jump) << 1 | (jump < 0)))
                source += jump
            out.append(_count(len(diff.data)) + diff.data if diff else _count(0))
            source += len(diff.data) if diff else 0
            if extra:
                out.append(_count(len(extra.data)) + extra.data)
            elif pieces:
                out.append(_count(0))
        return b"".join(out)

    def _between(self, start: int, end: int) -> list[_Piece]:
        cut = []
        for piece in self._pieces:
            first, last = max(start, piece.start), min(end, piece.start + len(piece.data))
            if first < last:
                skip = first - piece.start
                source = None if piece.source_at is None else piece.source_at + skip
                cut.append(_Piece(first, piece.data[skip : last - piece.start], source))
        return cut


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
