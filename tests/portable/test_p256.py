"""ECDSA P-256 in plain Python: ranges, the curve, the corners of the addition, and a watchdog that is fed."""

import binascii
import hashlib

from agent import p256
from tests.data import vectors

_P, _N = p256._P, p256._N


def _bytes(*numbers):
    return b"".join([number.to_bytes(32, "big") for number in numbers])


def _signed():
    parts = vectors.JWS.split(b".")
    signature = parts[2].replace(b"-", b"+").replace(b"_", b"/") + b"=="
    return hashlib.sha256(parts[0] + b"." + parts[1]).digest(), binascii.a2b_base64(signature)


def _number(data):
    return int.from_bytes(data, "big")


def _multiple(k):
    """Return k * G, made by the slow way round: additions only."""
    point = (p256._GX, p256._GY, 1)
    for _ in range(k - 1):
        point = p256._affine(p256._add(point, (p256._GX, p256._GY, 1)))
    return point


def test_a_good_signature_and_each_part_of_it_changed():
    digest, signature = _signed()
    assert p256.verify(vectors.KEY, digest, signature)
    assert p256.verify(memoryview(vectors.KEY), memoryview(digest), memoryview(signature))
    for at in (0, 31, 32, 63):
        wrong = bytearray(signature)
        wrong[at] ^= 1
        assert not p256.verify(vectors.KEY, digest, wrong), at
    assert not p256.verify(vectors.KEY, hashlib.sha256(b"another").digest(), signature)


def test_r_and_s_must_lie_between_zero_and_the_order():
    digest, signature = _signed()
    r, s = _number(signature[:32]), _number(signature[32:])
    for wrong in ((0, s), (r, 0), (_N, s), (r, _N), (r, (s + _N) & ((1 << 256) - 1))):
        assert not p256.verify(vectors.KEY, digest, _bytes(wrong[0], wrong[1])), wrong


def test_s_plus_the_order_is_not_s():
    """r and s are small here, so both would fit into 32 bytes once more with the order added."""
    key, digest, r, s = _small_signature()
    assert p256.verify(key, digest, _bytes(r, s))
    assert not p256.verify(key, digest, _bytes(r, s + _N))


def _small_signature():
    """Return a signature with s = 1 by the key d = 2 and k = 1: r = G.x, digest = 1 - 2 r."""
    r = p256._GX % _N
    point = _multiple(2)
    return _bytes(point[0], point[1]), _bytes((1 - 2 * r) % _N), r, 1


def test_the_key_must_be_on_the_curve_and_reduced():
    digest, signature = _signed()
    x, y = _number(vectors.KEY[:32]), _number(vectors.KEY[32:])
    assert p256._on_curve(x, y)
    for point in ((x, y ^ 1), (x ^ 1, y), (0, 0), (x + _P, y), (x, y + _P)):
        assert not p256._on_curve(point[0], point[1]), point
        if point[0] >> 256 == 0 and point[1] >> 256 == 0:
            assert not p256.verify(_bytes(point[0], point[1]), digest, signature)


def test_a_signature_that_only_a_point_off_the_curve_would_bear_out():
    """With digest 0 the sum is v * Q alone: r = s = Q.x makes it Q, wherever Q lies."""
    assert not p256.verify(_bytes(5, 7), bytes(32), _bytes(5, 5))


def test_addition_where_the_points_are_equal_opposite_or_nothing():
    g, nothing = (p256._GX, p256._GY, 1), p256._INFINITY
    assert p256._affine(p256._add(g, g)) == p256._affine(p256._double(g))
    assert not p256._add(g, (g[0], _P - g[1], 1))[2]
    assert p256._add(g, nothing) == g and p256._add(nothing, g) == g
    assert not p256._double(nothing)[2]


def test_a_sum_at_infinity_is_no_signature():
    """u * G + v * Q is nothing where Q = -G and digest = r."""
    key = _bytes(p256._GX, _P - p256._GY)
    for r in (1, 5):
        assert not p256.verify(key, _bytes(r), _bytes(r, 7)), r


def test_lengths_are_checked():
    digest, signature = _signed()
    assert not p256.verify(vectors.KEY[:63], digest, signature)
    assert not p256.verify(vectors.KEY, digest[:31], signature)
    assert not p256.verify(vectors.KEY, digest, signature + b"\x00")


def test_the_watchdog_is_fed_all_along():
    digest, signature = _signed()
    fed = []
    assert p256.verify(vectors.KEY, digest, signature, lambda: fed.append(1))
    assert len(fed) >= 16
