"""Packages as streams: every encoding, however the bytes are cut, and nothing but PackageError or LinkError for a wrong one."""

from agent import p256, package
from agent.errors import LinkError, PackageError
from agent.manifest import Manifest
from agent.signature import open_jws
from ports.sim.firmware import GOOD, make_image
from tests.data import vectors

ANCHORS = ((vectors.KID, vectors.KEY),)
OLD = make_image("1", GOOD, vectors.OLD_SIZE)
_memory = {}


class Stream:
    """Bytes, so many at a time."""

    def __init__(self, data, piece):
        self.data, self.piece, self.at = data, piece, 0

    def read_into(self, into):
        count = min(len(into), self.piece, len(self.data) - self.at)
        into[:count] = self.data[self.at : self.at + count]
        self.at += count
        return count


class Source:
    """The running image."""

    def read(self, addr, into):
        into[:] = OLD[addr : addr + len(into)]


def _verify(key, digest, signature):
    name = (bytes(digest), bytes(signature))
    if name not in _memory:
        _memory[name] = p256.verify(key, digest, signature)
    return _memory[name]


def _unpack(data, piece, out=1000):
    reader, stream, image = package.PackageReader(), Stream(data, piece), bytearray()
    buffer = memoryview(bytearray(out))
    while reader.state != package.END:
        if reader.state == package.HAVE_MANIFEST:
            manifest = Manifest.parse(open_jws(reader.manifest_text, ANCHORS, _verify))
            reader.start(manifest, Source())
        elif reader.state == package.HAVE_BLOCK:
            image.extend(buffer[: reader.read_into(buffer)])
        else:
            reader.fill(stream)
    return bytes(image)


def test_every_encoding_however_it_is_cut():
    for encoding, data in vectors.PACKAGES.items():
        for piece in (1, 7, 1460, 100000):
            for out in (1, 333, 4096):
                if piece > 1 or out > 1:
                    assert _unpack(data, piece, out) == vectors.NEW, (encoding, piece, out)


def test_bytes_behind_the_end_are_not_read():
    data = vectors.PACKAGES["deflate"]
    assert _unpack(data + b"trailing", 1460) == vectors.NEW


def test_truncated_at_every_length_is_a_broken_link():
    for encoding in ("deflate", "delta"):
        data = vectors.PACKAGES[encoding]
        for size in range(0, len(data), 7):
            try:
                _unpack(data[:size], 512)
                assert False, (encoding, size)
            except LinkError:
                pass


def test_a_flipped_bit_anywhere_is_refused():
    for encoding, data in vectors.PACKAGES.items():
        for at in range(0, len(data), 13):
            broken = bytearray(data)
            broken[at] ^= 1 << at % 8
            try:
                assert _unpack(broken, 4096) == vectors.NEW and False, (encoding, at)
            except (PackageError, LinkError):
                pass


def test_a_resumed_reader_goes_on_at_a_block():
    for encoding, data in vectors.PACKAGES.items():
        first = package.PackageReader()
        stream, marks, buffer, done = Stream(data, 1460), [], memoryview(bytearray(4096)), 0
        while first.state != package.END:
            if first.state == package.HAVE_MANIFEST:
                manifest = Manifest.parse(open_jws(first.manifest_text, ANCHORS, _verify))
                first.start(manifest, Source())
                marks.append((first.offset, 0))
            elif first.state == package.HAVE_BLOCK:
                count = first.read_into(buffer)
                done += count
                if not count:
                    marks.append((first.offset, done))
            else:
                first.fill(stream)
        for offset, at in marks:
            assert _resume(data, manifest, offset, at) == vectors.NEW[at:], (encoding, offset)


def _resume(data, manifest, offset, at):
    reader, image, buffer = package.PackageReader(), bytearray(), memoryview(bytearray(4096))
    reader.start(manifest, Source(), offset, at)
    stream = Stream(data[offset:], 999)
    while reader.state != package.END:
        if reader.state == package.HAVE_BLOCK:
            image.extend(buffer[: reader.read_into(buffer)])
        else:
            reader.fill(stream)
    return bytes(image)
