"""The MD5 of our own: RFC 1321's examples, and the same as hashlib's where there is one."""

import binascii
import hashlib

from agent.compat import md5
from agent.md5 import MD5
from tests.portable.check import Skip

RFC_1321 = (
    (b"", b"d41d8cd98f00b204e9800998ecf8427e"),
    (b"a", b"0cc175b9c0f1b6a831c399e269772661"),
    (b"abc", b"900150983cd24fb0d6963f7d28e17f72"),
    (b"message digest", b"f96b697d7cb7938d525a2f31aaf161d0"),
    (b"abcdefghijklmnopqrstuvwxyz", b"c3fcd3d76192e4007dfb496cca67e13b"),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", b"d174ab98d277d9f5a5611c2c9f419d9f"),
    (b"1234567890" * 8, b"57edf4a22be3c955ac49da2e2107b67a"),
)


def _pattern(size):
    return bytes([i * 167 + size & 255 for i in range(size)])


def test_the_examples_of_the_text():
    for data, wanted in RFC_1321:
        assert binascii.hexlify(MD5(data).digest()) == wanted
        assert binascii.hexlify(md5(data).digest()) == wanted


def test_in_pieces():
    data = _pattern(200)
    wanted = MD5(data).digest()
    for piece in (1, 3, 63, 64, 65, 199):
        hasher = MD5()
        for start in range(0, len(data), piece):
            hasher.update(memoryview(data)[start : start + piece])
            hasher.update(b"")
        assert hasher.digest() == wanted


def test_two_at_once():
    one, other = MD5(b"a"), MD5(b"")
    one.update(b"bc")
    other.update(bytearray(b"message digest"))
    assert binascii.hexlify(one.digest()) == RFC_1321[2][1]
    assert binascii.hexlify(other.digest()) == RFC_1321[3][1]


def test_every_length_as_hashlib_has_it():
    if not hasattr(hashlib, "md5"):
        return Skip("hashlib has no md5 here")
    for size in range(131):
        data = _pattern(size)
        assert MD5(data).digest() == hashlib.md5(data).digest(), size


def test_long_ones_as_hashlib_has_it():
    if not hasattr(hashlib, "md5"):
        return Skip("hashlib has no md5 here")
    for data in (b"\xff" * 1000, bytes(4096), _pattern(3001)):
        assert MD5(data).digest() == hashlib.md5(data).digest()


def test_the_fallback_is_taken_where_hashlib_has_none():
    from agent import compat

    class Without:
        pass

    kept, compat.hashlib = compat.hashlib, Without()
    try:
        hasher = compat.md5(b"abc")
    finally:
        compat.hashlib = kept
    assert isinstance(hasher, MD5)
    assert binascii.hexlify(hasher.digest()) == RFC_1321[2][1]
