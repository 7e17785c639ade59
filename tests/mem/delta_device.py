"""The device of the figure `delta_apply_heap_kib`: applies the delta of a package to the running image, into the spare bank.

Arguments: the package, the flash file, its half. The running image is at 0, the erased spare bank in the upper half. What came
over the air is read in pieces of 512 bytes, as a socket gives them. Reading the manifest is a phase of its own, whose code is
dropped behind it; the signature is not checked here, and what is written is compared with the digest at the end.
"""

import gc
import hashlib
import sys

from flash import Flash

from agent import package
from agent.compat import unload

_PIECE = 512
_PAGE = 256


class Stream:
    """The package as a link brings it."""

    def __init__(self, path):
        self._file = open(path, "rb")

    def read_into(self, into):
        """Read what comes next."""
        return self._file.readinto(into[:_PIECE])


def read_manifest(reader, stream):
    """Return the manifest, and forget how it was read."""
    import binascii

    from agent.manifest import Manifest

    while reader.state != package.HAVE_MANIFEST:
        reader.fill(stream)
    text = bytes(reader.manifest_text).split(b".")[1].replace(b"-", b"+").replace(b"_", b"/")
    manifest = Manifest.parse(binascii.a2b_base64(text + b"=" * (-len(text) % 4)))
    unload(("manifest", "signature"))
    return manifest


def apply(reader, stream, flash, at):
    """Write block after block, page by page."""
    page = memoryview(bytearray(_PAGE))
    filled = 0
    while reader.state != package.END:
        if reader.state != package.HAVE_BLOCK:
            reader.fill(stream)
            continue
        count = reader.read_into(page[filled:])
        filled += count
        if filled == _PAGE or (filled and not count):
            flash.program(at, page[:filled])
            at, filled = at + filled, 0


def main():
    """Apply; exit code 0 where the bank then holds what was signed."""
    gc.threshold(1024)
    flash = Flash(sys.argv[2], int(sys.argv[3]) * 2)
    half = flash.size // 2
    reader, stream = package.PackageReader(), Stream(sys.argv[1])
    manifest = read_manifest(reader, stream)
    gc.collect()
    reader.start(manifest, flash)
    apply(reader, stream, flash, half)
    digest, piece = hashlib.sha256(), bytearray(_PAGE)
    for start in range(0, manifest.size, _PAGE):
        part = memoryview(piece)[: min(_PAGE, manifest.size - start)]
        flash.read(half + start, part)
        digest.update(part)
    sys.exit(0 if digest.digest() == manifest.sha256 else 1)


main()
