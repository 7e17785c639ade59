"""A kernel that the emulator loads ready to run: the image inside of a zImage, with the header that QEMU understands.

The processor of the board is emulated, so unpacking there would take seconds at every boot; here it takes one, once.
"""

import lzma
import struct
import zlib

from flash_tools.errors import ToolError

LOAD_ADDRESS = 0x10208000  # the RAM of an i.MX6 begins at 0x10000000; this kernel wants to stand 0x208000 above that
_MAGIC, _HEADER = 0x27051956, ">7I4B32s"
_OS_LINUX, _CPU_ARM, _TYPE_KERNEL, _NOT_COMPRESSED = 5, 2, 2, 0
_SMALLEST = 4 << 20  # any less is something else that only looks like a compressed kernel
_PACKED = (
    (b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor()),
    (b"\x1f\x8b\x08", lambda: zlib.decompressobj(31)),
    (b"\x5d\0\0", lambda: lzma.LZMADecompressor(format=lzma.FORMAT_ALONE)),
)


def make(zimage: bytes, address: int = LOAD_ADDRESS) -> bytes:
    """Return the kernel of a zImage, unpacked, as a uImage for that address."""
    return wrap(unpack(zimage), address)


def unpack(zimage: bytes) -> bytes:
    """Return the kernel that is packed into a zImage."""
    for magic, unpacker in _PACKED:
        start = zimage.find(magic)
        while start >= 0:
            image = _try(unpacker(), zimage[start:])
            if len(image) >= _SMALLEST:
                return image
            start = zimage.find(magic, start + 1)
    raise ToolError("the kernel is packed in a way that is not known here: neither xz nor gzip nor lzma")


def wrap(image: bytes, address: int) -> bytes:
    """Put the header of a uImage before an image that starts at its first byte."""
    blank = _header(image, address, 0)
    return _header(image, address, zlib.crc32(blank)) + image


def _header(image, address, checksum):
    kind = (_OS_LINUX, _CPU_ARM, _TYPE_KERNEL, _NOT_COMPRESSED)
    return struct.pack(_HEADER, _MAGIC, checksum, 0, len(image), address, address, zlib.crc32(image), *kind, b"linux")


def _try(unpacker, data):
    try:
        return unpacker.decompress(data)
    except (lzma.LZMAError, zlib.error):
        return b""
