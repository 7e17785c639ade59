"""The stream of an update package (`.fup`) in fixed memory: magic, length, manifest, then blocks that each start fresh.

Sans-IO: `fill` asks a stream once for what the piece in hand still lacks, however the stream cuts its bytes. The bytes are
described in docs/package.md. A block is checked as a whole, by its CRC, before anything of it is used.
"""

import struct

from agent.compat import const, crc32
from agent.errors import LinkError, PackageError
from agent.inflate import inflated, room_for
from agent.sizes import BLOCK_BUFFER, BLOCK_HEAD_SIZE, BLOCK_OUT, DELTA_OUT, HEAD_SIZE, MAX_JWS, SECTOR, WINDOW_BITS

MANIFEST = const(0)  # wants `fill`
HAVE_MANIFEST = const(1)  # wants `start`
BLOCK = const(2)  # wants `fill`
HAVE_BLOCK = const(3)  # wants `read_into`
END = const(4)

MAGIC = b"FUP1"
BLOCK_HEAD = "<BBHIIII"  # kind, window, packed size, image offset, image size, source offset, CRC32 of all else
STORED = const(0)
DEFLATED = const(1)
_CRC_AT = const(16)
_MIN_WINDOW = const(9)
_TWO_BYTES = const(0xFFFF)
_PIECE = const(1024)  # of a packed block that is read at once
_LARGE_PIECE = const(65536)  # the same where large blocks can be buffered


class PackageReader:
    """Reads one package; what it says is checked against the manifest that `start` is given."""

    def __init__(self):
        self.state = MANIFEST
        self.received = 0  # bytes in all
        self._piece = None
        self._packed = None  # the packed block as a stream, filled a piece at a time
        self._crc = 0  # of its head and of what has come of it
        self._head = bytearray(BLOCK_HEAD_SIZE)
        self._part, self._wanted, self._have = memoryview(self._head), HEAD_SIZE, 0
        self.manifest_text = None  # use it before `start`: what comes then takes its place
        self.offset = 0  # in the package, of the block that is held or comes next
        self.block_size = 0  # image bytes of the block that is held
        self.block_packed = 0  # its bytes in the package, header included
        self._image_at = 0
        self._manifest = self._source = self._decoder = None
        self._left = self._most = 0

    def fill(self, stream):
        """Read once from `stream`; return the number of bytes, None when none are there yet."""
        packed, left = self._packed, self._wanted - self._have
        into = self._piece[:left] if packed else self._part[self._have : self._wanted]
        count = stream.read_into(into)
        if count is None:
            return None
        if not count:
            raise LinkError("the download ended early")
        if packed:
            into = into[:count]
            packed.write(into)
            self._crc = crc32(into, self._crc)
        self._have += count
        self.received += count
        if self._have == self._wanted:
            self._next_part()
        return count

    def start(self, manifest, source, offset=0, image_at=0, packed_max=BLOCK_BUFFER, piece=None):
        """Go on with the blocks: those right behind the manifest, or from `offset`, which makes image byte `image_at`.

        `packed_max` is what the device can buffer of a block; `piece` is a memoryview that nobody else needs while `fill` works.
        """
        self._manifest = manifest
        self._source = source
        self.manifest_text = None
        self._most = most = min(manifest.packed_max, packed_max)
        self._part = None  # first, so that there is room
        self._piece = piece or memoryview(bytearray(_LARGE_PIECE if most > BLOCK_BUFFER else _PIECE))
        if offset:
            self.offset, self._image_at = offset, image_at
        self._await_block()

    def read_into(self, into):
        """Decode the next bytes of the block; return their number, 0 once it is used up."""
        count = min(len(into), self._left)
        if count:
            self._decode(into[:count])
            self._left -= count
            return count
        self._end_block()
        return 0

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _next_part(self):
        if self.state == MANIFEST:
            self._manifest_part()
        elif self._packed:
            self._block_body()
        else:
            self._block_head()

    def _manifest_part(self):
        if self.manifest_text is not None:
            self.offset = HEAD_SIZE + self._wanted
            self.state = HAVE_MANIFEST
            return
        size = struct.unpack_from("<I", self._head, 4)[0]
        if self._head[:4] != MAGIC or not 0 < size <= MAX_JWS:
            raise PackageError("this is not an update package, or its manifest is too long")
        self.manifest_text = memoryview(bytearray(size))
        self._expect(self.manifest_text, size)

    def _expect(self, part, size):
        self._part, self._wanted, self._have = part, size, 0

    def _await_block(self):
        if self._image_at == self._manifest.size:
            if self.offset != self._manifest.package_size:
                raise PackageError("the package is not as long as its manifest says")
            self.state = END
        else:
            self._expect(memoryview(self._head), BLOCK_HEAD_SIZE)
            self.state = BLOCK

    def _block_head(self):
        kind, window, packed, image_at, size, _, _ = struct.unpack_from(BLOCK_HEAD, self._head, 0)
        rest = self._manifest.size - self._image_at
        whole = size == rest or (size % SECTOR == 0 and size < rest)
        large = self._most > BLOCK_BUFFER
        most = DELTA_OUT if large or self._manifest.encoding == "delta" else BLOCK_OUT
        if not packed and size > _TWO_BYTES:
            packed = size  # stored, and more than the field can say
        known = kind <= DEFLATED and (not window or _MIN_WINDOW <= window <= WINDOW_BITS)
        if not known or image_at != self._image_at or not 0 < size <= most or not whole:
            raise PackageError("a block of the package is not where or what it should be")
        self.block_packed = BLOCK_HEAD_SIZE + packed
        if not 0 < packed <= self._most or self.offset + self.block_packed > self._manifest.package_size:
            raise PackageError("a packed block is larger than the manifest says")
        self.block_size = size
        self._packed, self._crc = room_for(packed), crc32(memoryview(self._head)[:_CRC_AT])
        self._expect(None, packed)

    def _block_body(self):
        plain, self._packed = self._packed, None
        if self._crc != struct.unpack_from("<I", self._head, _CRC_AT)[0]:
            raise PackageError("a block of the package was damaged on its way")
        self._left = self.block_size
        plain.seek(0)
        if self._head[0] == DEFLATED:
            plain = inflated(plain, self._head[1] or WINDOW_BITS)
        if self._manifest.encoding == "delta":
            from agent.delta import DeltaBlock

            from_at = struct.unpack_from("<I", self._head, 12)[0]
            plain = DeltaBlock(plain, self._source, self._manifest.source_size, from_at, self.block_size)
        self._decoder = plain
        self.state = HAVE_BLOCK

    def _decode(self, into):
        try:
            count = self._decoder.readinto(into)
        except (ValueError, OSError, EOFError):
            raise PackageError("a block of the package cannot be unpacked")
        if count != len(into):
            raise PackageError("a block of the package unpacks to less than it says")

    def _end_block(self):
        """The decoder must be at its end too: a block that inflates past its size is refused."""
        extra = bytearray(1)
        try:
            more = self._decoder.readinto(extra)
        except (ValueError, OSError, EOFError):
            raise PackageError("a block of the package cannot be unpacked")
        if more:
            raise PackageError("a block of the package unpacks to more than it says")
        self.skip()

    def skip(self):
        """Leave the rest of the block; it was whole as far as its CRC tells."""
        self._decoder = None
        self._left = 0
        self.offset += self.block_packed
        self._image_at += self.block_size
        self._await_block()
