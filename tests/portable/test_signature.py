"""Signatures and manifests: only what a trusted key signed, and only where every field is in its range."""

import hashlib
import json

from agent import p256
from agent.errors import PackageError
from agent.manifest import Manifest, check
from agent.signature import MAX_JWS, open_jws
from agent.sizes import BLOCK_BUFFER
from tests.data import vectors
from tests.portable.check import raises

ANCHORS = ((vectors.KID, vectors.KEY),)


class Device:
    """What the device is."""

    product = "bench"
    model = "sim2"


def _code(run):
    with raises(PackageError) as caught:
        run()
    return caught.error.code


def _signed(data):
    parts = data.split(b".")
    digest = hashlib.sha256(parts[0] + b"." + parts[1]).digest()
    return digest, parts


def test_a_signed_payload_is_opened():
    assert open_jws(vectors.JWS, ANCHORS, p256.verify) == vectors.PAYLOAD


def test_unknown_keys_and_wrong_signatures_are_404():
    assert _code(lambda: open_jws(vectors.FOREIGN_JWS, ANCHORS, p256.verify)) == 404
    assert _code(lambda: open_jws(vectors.JWS, (("0", vectors.KEY),), p256.verify)) == 404
    head, payload, signature = vectors.JWS.split(b".")
    for wrong in (signature[:-2] + b"AA", signature[:10] + b"A" + signature[11:]):
        if wrong != signature:
            code = _code(lambda: open_jws(head + b"." + payload + b"." + wrong, ANCHORS, p256.verify))
            assert code in (404, 402), code


def test_every_changed_byte_is_refused():
    for at in range(0, len(vectors.JWS), 5):
        broken = bytearray(vectors.JWS)
        broken[at] ^= 1
        assert _code(lambda: open_jws(broken, ANCHORS, _quick)) in (402, 404)


def _quick(key, digest, signature):
    """Compare with the one right signature: the full check takes too long for every byte."""
    right, parts = _signed(vectors.JWS)
    import binascii

    text = parts[2].replace(b"-", b"+").replace(b"_", b"/") + b"=="
    return digest == right and bytes(signature) == binascii.a2b_base64(text)


def test_malformed_text_is_402():
    for wrong in (b"", b"..", b"a.b", b"a.b.c.d", b"=.=.=", b"e30.e30.AA", b"\xff" * 30, b"x" * (MAX_JWS + 1)):
        assert _code(lambda: open_jws(wrong, ANCHORS, p256.verify)) in (402, 404), wrong


def test_range_and_curve_are_checked():
    digest, zero = bytes(32), bytes(64)
    assert not p256.verify(vectors.KEY, digest, zero)
    assert not p256.verify(zero, digest, b"\x01" * 64)
    assert not p256.verify(vectors.KEY, digest, b"\xff" * 64)
    assert not p256.verify(vectors.KEY[:63], digest, zero)


def _fields(**changes):
    fields = {
        "product": "bench",
        "models": ["sim2"],
        "layout": "00" * 8,
        "version": "2",
        "built": 1700000000,
        "counter": 7,
        "kind": "raw",
        "size": 9000,
        "sha256": "ab" * 32,
        "encoding": "none",
        "packed_max": 4096,
        "package_size": 9999,
    }
    fields.update(changes)
    return json.dumps(fields).encode()


def test_a_manifest_is_parsed():
    manifest = Manifest.parse(_fields(unknown="is left alone"))
    assert manifest.size == 9000 and manifest.sha256 == b"\xab" * 32 and manifest.counter == 7


def test_wrong_fields_are_402():
    for changes in (
        {"size": -1},
        {"size": 0},
        {"size": "1"},
        {"size": True},
        {"size": 1 << 40},
        {"sha256": "ab"},
        {"sha256": "zz" * 32},
        {"kind": "virus"},
        {"encoding": []},
        {"models": "sim2"},
        {"models": [1]},
        {"product": ""},
        {"version": "x" * 65},
        {"counter": None},
        {"encoding": "delta"},
    ):
        assert _code(lambda: Manifest.parse(_fields(**changes))) == 402, changes
    for payload in (b"", b"[]", b"{", b"\xff", b"1", b'{"size":' + b"[" * 60):
        assert _code(lambda: Manifest.parse(payload)) == 402, payload


def test_what_the_device_must_not_take_has_its_code():
    running = Manifest.parse(_fields(counter=7, size=500, sha256="cd" * 32))
    delta = {"encoding": "delta", "source_size": 500, "source_sha256": "cd" * 32}
    check(Manifest.parse(_fields(**delta)), Device, 9000, "00" * 8, running)
    for changes, code in (
        ({"product": "other"}, 403),
        ({"models": ["sim"]}, 403),
        ({"layout": "11" * 8}, 403),
        ({"counter": 6}, 405),
        ({"size": 9001}, 502),
        ({"packed_max": BLOCK_BUFFER + 1}, 402),
        ({"encoding": "delta", "source_size": 501, "source_sha256": "cd" * 32}, 403),
        ({"encoding": "delta", "source_size": 500, "source_sha256": "ce" * 32}, 403),
    ):
        assert _code(lambda: check(Manifest.parse(_fields(**changes)), Device, 9000, "00" * 8, running)) == code, (
            changes
        )
