"""Is a bank what its manifest says? Everything here reads the flash, never what came over the wire.

`trust` is what a device trusts: an object with `anchors` and `verify(key, digest, signature)`.
"""

import hashlib

from agent import bank_header
from agent.compat import const
from agent.errors import PackageError
from agent.manifest import Manifest
from agent.signature import open_jws
from agent.sizes import MAX_JWS

_PIECE = const(1024)
_TRIES = const(2)  # a digest that does not match is taken again once: a read may have been disturbed, not the cells


def read_manifest(bank, trust):
    """Return the manifest of a bank whose header is whole and rightly signed, else None."""
    text = bank_header.text_bytes(bank.header, MAX_JWS)
    if not text:
        return None
    try:
        return Manifest.parse(open_jws(text, trust.anchors, trust.verify))
    except PackageError:
        return None


class Digest:
    """SHA-256 of the first `size` bytes of a region, a piece a step."""

    def __init__(self, region, size):
        self._region = region
        self._size = size
        self._at = 0
        self._sha = hashlib.sha256()
        self._piece = bytearray(max(_PIECE, region.page))

    def step(self):
        """Read one piece; return the digest behind the last one, None before."""
        count = min(len(self._piece), self._size - self._at)
        piece = memoryview(self._piece)[:count]
        self._region.read(self._at, piece)
        self._sha.update(piece)
        self._at += count
        return self._sha.digest() if self._at >= self._size else None


def digest_matches(bank, manifest, feed):
    """Tell whether the image has the manifest's digest, feeding between the pieces."""
    if manifest.size > bank.image.size:
        return False
    for _ in range(_TRIES):
        digest, found = Digest(bank.image, manifest.size), None
        while found is None:
            feed()
            found = digest.step()
        if found == manifest.sha256:
            return True
    return False


def check_bank(bank, trust, feed):
    """Return the manifest of a bank that is whole in header, signature and digest, else None: the first stage's test."""
    manifest = read_manifest(bank, trust)
    if manifest and digest_matches(bank, manifest, feed):
        return manifest
    return None
