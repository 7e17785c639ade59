"""One work of an update, as the agent does it, on MicroPython: `micropython tests/counts/works.py WORK PACKED`.

A WORK of `nothing` is what is taken off the others. The result is printed, so that what was counted is known to have been done.
Runs from the top of the tree.
"""

import binascii
import hashlib
import sys

sys.path.insert(0, ".")

from agent import p256
from agent.inflate import inflated, room_for

MIB = 1 << 20
_PIECE = 1024  # as agent/verify.py reads a bank
_MOST = 8192  # bytes of a packed block
_SECTOR = 4096  # as agent/bank_writer.py takes what is unpacked
# RFC 6979, A.2.5, of the message "sample": curve P-256, SHA-256.
KEY = (
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
SIGNATURE = (
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
)


def check_signature(path):
    """Check one."""
    key, signature = binascii.unhexlify(KEY), binascii.unhexlify(SIGNATURE)
    return p256.verify(key, hashlib.sha256(b"sample").digest(), signature)


def hash_1mib(path):
    """Hash a mebibyte, a piece a step."""
    piece, sha = memoryview(bytearray(_PIECE)), hashlib.sha256()
    for _ in range(MIB // _PIECE):
        sha.update(piece)
    return binascii.hexlify(sha.digest()).decode()


def inflate_1mib(path):
    """Unpack a mebibyte, a block after the other; tell what the last sector was."""
    packed, into, sectors = bytearray(_MOST), bytearray(_SECTOR), 0
    head, view = bytearray(2), memoryview(packed)
    with open(path, "rb") as file:
        while file.readinto(head):
            block = view[: head[0] | head[1] << 8]
            file.readinto(block)
            room = room_for(len(block))
            room.write(block)
            room.seek(0)
            plain = inflated(room)
            while plain.readinto(into):
                sectors += 1
    return "%d:%x" % (sectors, binascii.crc32(into))


def nothing(path):
    """Only start."""


if __name__ == "__main__":
    work = {"signature": check_signature, "sha256_1mib": hash_1mib, "inflate_1mib": inflate_1mib, "nothing": nothing}
    print(sys.argv[1], work[sys.argv[1]](sys.argv[2]))
