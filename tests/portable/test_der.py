"""DER signatures: the one right form, and nothing near it. Needs no file from elsewhere, unlike Wycheproof's."""

from agent.der import to_raw
from agent.errors import PackageError
from tests.portable.check import raises

_R, _S = b"\x11" * 32, b"\x22" * 32


def _der(*parts):
    body = b"".join([b"\x02" + bytes((len(part),)) + part for part in parts])
    return b"\x30" + bytes((len(body),)) + body


def test_short_and_long_integers():
    assert to_raw(_der(_R, _S)) == _R + _S
    assert to_raw(_der(b"\x01", b"\x00" + b"\xff" * 32)) == bytes(31) + b"\x01" + b"\xff" * 32
    assert to_raw(memoryview(_der(_R, _S))) == _R + _S


def test_every_other_form_is_refused():
    good = _der(_R, _S)
    cases = [good[:size] for size in range(len(good))]
    cases += [
        good + b"\x00",
        b"\x31" + good[1:],
        b"\x30\x81" + good[1:],  # long form of the length
        b"\x30\x80" + good[2:] + b"\x00\x00",  # indefinite length
        bytes((good[0], good[1] + 1)) + good[2:],
        bytes((good[0], good[1] - 1)) + good[2:],
        bytes((good[0], good[1] + 2)) + good[2:] + b"\x05\x00",
        _der(_R),
        _der(_R, _S, _S),
        _der(_R, b""),
        _der(b"\x81" + _R[1:], _S),  # negative
        _der(b"\x00" + _R, _S),  # a zero too many
        _der(b"\x00\x00", _S),
        _der(_R, b"\x00\x00\x22"),
        _der(b"\x01" + _R, _S),  # 257 bits
        _der(_R, b"\x00\xff" + _S),
        good[:2] + b"\x03" + good[3:],
    ]
    for case in cases:
        with raises(PackageError):
            to_raw(case)
            raise AssertionError(case)
