"""Project Wycheproof's vectors for ECDSA P-256 with SHA-256, against both implementations."""

import hashlib
import json
from pathlib import Path

import pytest

from agent import der, p256
from agent.errors import PackageError
from ports.cpython_linux import signature

_VECTORS = Path(__file__).parents[3] / "shared" / "vectors"


def _cases(name):
    path = _VECTORS / name
    if not path.exists():
        pytest.skip(f"the Wycheproof vectors are not at {path}")
    for group in json.loads(path.read_text())["testGroups"]:
        public = group["publicKey"]
        key = bytes.fromhex(public["uncompressed"])[1:]
        for case in group["tests"]:
            digest = hashlib.sha256(bytes.fromhex(case["msg"])).digest()
            yield case, key, digest, bytes.fromhex(case["sig"])


@pytest.mark.parametrize("verify", [p256.verify, signature.verify], ids=["plain", "cryptography"])
def test_raw_signatures(verify):
    count = 0
    for case, key, digest, raw in _cases("ecdsa_secp256r1_sha256_p1363.json"):
        assert verify(key, digest, raw) == (case["result"] == "valid"), case
        count += 1
    assert count > 200


@pytest.mark.parametrize("verify", [p256.verify, signature.verify], ids=["plain", "cryptography"])
def test_der_signatures(verify):
    count = 0
    for case, key, digest, data in _cases("ecdsa_secp256r1_sha256.json"):
        try:
            good = verify(key, digest, der.to_raw(data))
        except PackageError:
            good = False
        assert good == (case["result"] == "valid"), case
        count += 1
    assert count > 400
