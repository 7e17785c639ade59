"""ECDSA over P-256, verification only, in plain Python: for runtimes without a cryptographic library.

Nothing here is secret, so nothing needs to take constant time. Points are (x, y, z) in Jacobian coordinates, z = 0 at infinity.
"""

_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
_GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
_INFINITY = (1, 1, 0)


def verify(key, digest, signature, feed=None):
    """Tell whether `signature` (r and s, 64 bytes) of `digest` is by `key` (x and y, 64 bytes); `feed` is called as it goes."""
    if len(key) != 64 or len(signature) != 64 or len(digest) != 32:
        return False
    x, y, r, s = _number(key, 0), _number(key, 32), _number(signature, 0), _number(signature, 32)
    if not (0 < r < _N and 0 < s < _N and _on_curve(x, y)):
        return False
    inverse = pow(s, _N - 2, _N)
    point = _two_products(_number(digest, 0) * inverse % _N, r * inverse % _N, (x, y, 1), feed)
    if not point[2]:
        return False
    return _affine(point)[0] % _N == r


def _number(data, start):
    return int.from_bytes(bytes(data[start : start + 32]), "big")


def _on_curve(x, y):
    return x < _P and y < _P and (y * y - x * x * x + 3 * x - _B) % _P == 0


def _two_products(u, v, q, feed):
    """Return u * G + v * q, doubling once for both."""
    g = (_GX, _GY, 1)
    both = _add(g, q)
    if both[2]:
        both = _affine(both)
    table = (None, g, q, both)
    point = _INFINITY
    for bit in range(255, -1, -1):
        point = _double(point)
        chosen = table[(u >> bit & 1) | (v >> bit & 1) << 1]
        if chosen:
            point = _add(point, chosen)
        if feed and bit % 8 == 0:
            feed()
    return point


def _affine(point):
    x, y, z = point
    inverse = pow(z, _P - 2, _P)
    square = inverse * inverse % _P
    return (x * square % _P, y * square * inverse % _P, 1)


def _double(point):
    x, y, z = point
    if not z or not y:
        return _INFINITY
    delta, gamma = z * z % _P, y * y % _P
    beta = x * gamma % _P
    alpha = 3 * (x - delta) * (x + delta) % _P
    x3 = (alpha * alpha - 8 * beta) % _P
    return (x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % _P, 2 * y * z % _P)


def _add(a, b):
    """Add `b`, which is affine or infinity, to `a`."""
    if not a[2]:
        return b
    if not b[2]:
        return a
    x, y, z = a
    square = z * z % _P
    h = (b[0] * square - x) % _P
    slope = (b[1] * square * z - y) % _P
    if not h:
        return _INFINITY if slope else _double(a)
    h2 = h * h % _P
    h3, v = h * h2 % _P, x * h2 % _P
    x3 = (slope * slope - h3 - 2 * v) % _P
    return (x3, (slope * (v - x3) - y * h3) % _P, z * h % _P)
