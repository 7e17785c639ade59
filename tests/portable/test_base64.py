"""Base64 at every split, and what is refused."""

import binascii

from agent.base64 import Decoder
from agent.base64_encoder import Encoder
from agent.errors import ProtocolError
from tests.portable.check import raises

_RAW = bytes([(i * 7 + i // 3) & 255 for i in range(1000)])
_SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 95, 96, 97, 98, 300, 1000)
_PIECES = (1, 2, 3, 5, 64, 127, 130, 2000)


def decode(text, piece):
    """Return what the text stands for."""
    decoder, out, size = Decoder(), memoryview(bytearray(len(text) + 4)), 0
    take = decoder.decode
    for at in range(0, len(text), piece):
        part = memoryview(text)[at : min(at + piece, len(text))]
        room = out[size : size + len(part) * 3 // 4 + 3]
        size += take(part, room)
    decoder.finish()
    return bytes(out[:size])


def encode(raw, piece):
    """Return the base64 of the bytes."""
    encoder, out, size = Encoder(), memoryview(bytearray(len(raw) * 2 + 4)), 0
    take = encoder.encode
    for at in range(0, len(raw), piece):
        part = memoryview(raw)[at : min(at + piece, len(raw))]
        room = out[size : size + len(part) * 4 // 3 + 4]
        size += take(part, room)
    size += encoder.finish(out[size:])
    return bytes(out[:size])


def test_there_and_back():
    for size in _SIZES:
        raw = _RAW[:size]
        text = binascii.b2a_base64(raw)[:-1]
        lines = b" \t" + b"\r\n".join([text[i : i + 76] for i in range(0, len(text), 76)]) + b"\n"
        spaced = b" ".join([text[i : i + 1] for i in range(len(text))])
        for piece in _PIECES:
            assert encode(raw, piece) == text
            for form in (text, lines, spaced):
                assert decode(form, piece) == raw, (size, piece, form)


def test_every_split_in_two():
    text = binascii.b2a_base64(_RAW[:100])[:-1]
    for at in range(len(text) + 1):
        decoder, out = Decoder(), memoryview(bytearray(110))
        take = decoder.decode
        size = take(text[:at], out)
        size += take(text[at:], out[size:])
        decoder.finish()
        assert bytes(out[:size]) == _RAW[:100]


def test_what_is_not_base64_is_refused():
    good = binascii.b2a_base64(_RAW[:300])[:-1]
    bad = [
        b"Q",
        b"QQ",
        b"QQ=",
        b"QQ===",
        b"=",
        b"====",
        b"QQ==QQ==",
        b"Q=Q=",
        b"QU!D",
        b"QUJDQ",
        b"QUJD=",
        b"QQ=A",
        b"QQ==A",
    ]
    bad += [
        b"Q\xffJD",
        b"QUJ\0",
        b"QUJDQQ== Q",
        b"QUJD====",
        b"QU-_",
        b"QUJDQR==",
        good[:-1],
        good[:200] + b"." + good[200:],
    ]
    bad += [good[:200] + b"=" + good[201:], good + good[:1], b"QQ==" + good]
    for text in bad:
        for piece in (1, 2, 3, 4, 2000):
            with raises(ProtocolError):
                decode(text, piece)
                raise AssertionError(text)
