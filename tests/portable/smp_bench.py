"""A serial recovery on the bench: a target in RAM, a line made of two buffers, and requests as a client makes them."""

import hashlib
import struct

from agent.errors import PackageError
from hal import cbor

SIZE = 1024
VERSION_1, VERSION_2 = 0, 1
READ, WRITE = 0, 2
HASH = bytes(range(32))


class Target:
    """Two banks: the confirmed one, and one that an upload fills; everything can be refused."""

    buffer_size = SIZE

    def __init__(self):
        self.data = bytearray()
        self.size = self.begun = self.resets = 0
        self.sha = None
        self.error = None  # what the next call raises
        self.good = True
        self.pending = False

    def images(self):
        """Return the confirmed one, and the uploaded one once it is whole."""
        self._fail()
        found = [(0, "1.0.0", HASH, True, False, True, True)]
        if self._whole():
            found.append((1, "2.0.0", self.image_hash(), True, self.pending, False, False))
        return found

    def image_hash(self):
        """Return the hash that the list shows, which is not that of the file."""
        return hashlib.sha256(b"image of " + bytes(self.data)).digest()

    def begin(self, size, sha256):
        """Go on where the same file was left."""
        self._fail()
        if sha256 is None or sha256 != self.sha or size != self.size:
            self.data, self.size, self.sha, self.pending = bytearray(), size, sha256, False
            self.begun += 1
        return len(self.data)

    def write(self, offset, data):
        """Take the piece that fits."""
        self._fail()
        if offset == len(self.data):
            self.data.extend(bytes(data))
        return len(self.data)

    def match(self):
        """Tell whether the file is what was announced."""
        self._fail()
        good = self.sha is None or hashlib.sha256(self.data).digest() == self.sha
        return self._whole() and good and self.good

    def test(self, hash32):
        """Arm the uploaded one."""
        self._fail()
        if not self._whole() or hash32 not in (None, self.image_hash()):
            return False
        self.pending = True
        return True

    def reset(self):
        """Count."""
        self._fail()
        self.resets += 1

    def _whole(self):
        return self.size and len(self.data) == self.size

    def _fail(self):
        if self.error:
            raise self.error


class Uart:
    """The board's end of a line: `incoming` is what it will read, `sent` what it wrote."""

    def __init__(self, incoming=b"", piece=64):
        self.incoming, self.piece = incoming, piece
        self.sent = b""

    def read_into(self, into):
        """Give the next few bytes."""
        part = self.incoming[: min(self.piece, len(into))]
        self.incoming = self.incoming[len(part) :]
        into[: len(part)] = part
        return len(part)

    def write(self, data):
        """Keep it."""
        self.sent += bytes(data)


def message(op, group, command, fields, version=VERSION_2, sequence=7):
    """Return a request as a client makes it; `fields` None leaves the payload out."""
    payload = memoryview(bytearray(2 * SIZE))
    end = 0 if fields is None else cbor.write(fields, payload)
    return struct.pack(">BBHHBB", op | version << 3, 0, end, group, sequence, command) + bytes(payload[:end])


def first_piece(data, size, image=0):
    """Return the fields that an upload begins with."""
    return {"off": 0, "len": size, "data": data, "image": image, "upgrade": False}


def refused():
    """Return an error as the installer raises it."""
    return PackageError("the device does not know the key that signed the manifest", 404)
