"""Manifests are JWS as everybody knows them: joserfc reads ours, we read joserfc's, and neither a forger's."""

import base64
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from agent import p256
from agent.errors import PackageError
from agent.manifest import Manifest
from agent.package import HEAD_SIZE, MAGIC
from agent.signature import open_jws
from flash_tools.errors import RefusedError, ToolError, VerifyError
from flash_tools.packages import package_read
from flash_tools.packages.package_build import sign_jws
from flash_tools.server.bench import BenchServer
from flash_tools.signing import jws as our_jws
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from ports.cpython_linux import signature
from tests.host.sim_devices import QUICK, TIMEOUT_S, device

KEY, FORGER = keys.new_key(), keys.new_key()
PUBLIC = keys.public_bytes(KEY)
KID = keys.key_id(PUBLIC)
ANCHORS = ((KID, PUBLIC),)
THEIRS, FORGERS = (ECKey.import_key(key) for key in (KEY, FORGER))
GOOD = {"alg": "ES256", "kid": KID}
PAYLOAD = b'{"theirs":1}'
RIGHT = sign_jws(PAYLOAD, KEY)
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def compact(header, key, payload=PAYLOAD, algorithms=("ES256",)):
    return jws.serialize_compact(header, payload, key, algorithms=list(algorithms)).encode()


def by_hand(header, sign=FORGER, payload=PAYLOAD):
    """Return a JWS with any header, rightly signed."""
    text = b64(header if isinstance(header, bytes) else json.dumps(header).encode()) + b"." + b64(payload)
    r, s = decode_dss_signature(sign.sign(text, ec.ECDSA(hashes.SHA256())))
    return text + b"." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def by_hmac(header, secret):
    """Return what a verifier takes that lets the header choose: joserfc would not make it."""
    text = b64(json.dumps(header).encode()) + b"." + b64(PAYLOAD)
    return text + b"." + b64(hmac.digest(secret, text, "sha256"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return sim_files.make(tmp_path_factory.mktemp("jws") / "device", key=KEY, size=8192)


def manifest_of(data):
    return data[HEAD_SIZE : HEAD_SIZE + int.from_bytes(data[4:8], "little")]


def signed_by_joserfc(data):
    """Return the same package with a manifest that joserfc has signed."""
    old = manifest_of(data)
    payload = json.loads(base64.urlsafe_b64decode(old.split(b".")[1] + b"=="))
    blocks, size = data[HEAD_SIZE + len(old) :], len(data)
    for _ in range(4):
        text = compact(GOOD, THEIRS, json.dumps({**payload, "package_size": size}).encode())
        if HEAD_SIZE + len(text) + len(blocks) == size:
            return MAGIC + len(text).to_bytes(4, "little") + text + blocks
        size = HEAD_SIZE + len(text) + len(blocks)
    raise AssertionError


def test_joserfc_reads_the_manifest_of_a_package(files):
    text = manifest_of(files.update("2.0", size=8192))
    read = jws.deserialize_compact(text, ECKey.import_key(keys.public_pem(KEY)), algorithms=["ES256"])
    assert json.loads(read.payload)["version"] == "2.0" and read.headers() == GOOD
    with pytest.raises(JoseError):
        jws.deserialize_compact(text, FORGERS, algorithms=["ES256"])


@pytest.mark.parametrize("verify", [p256.verify, signature.verify])
def test_a_manifest_by_joserfc_is_read(files, verify):
    data = signed_by_joserfc(files.update("2.0", size=8192))
    manifest = Manifest.parse(open_jws(manifest_of(data), ANCHORS, verify))
    assert (manifest.version, manifest.package_size) == ("2.0", len(data))
    assert package_read.inspect(data, PUBLIC).signature == "good" and our_jws.signer_of(data) == KID


def test_a_device_installs_a_package_that_joserfc_signed(tmp_path):
    with BenchServer() as server:
        files = sim_files.make(tmp_path / "device", server.add_device("sim:1"), key=KEY, size=8192)
        job = server.order("sim:1", server.add_package(signed_by_joserfc(files.update("2.0", size=8192))))
        with device(files, *QUICK, "--request-update", "--until-idle") as process:
            assert process.wait(TIMEOUT_S) == 0
        assert job.wait(5).code == 200


def test_what_else_may_stand_in_the_header_changes_nothing():
    header = {**GOOD, "typ": "JOSE", "cty": "json"}
    assert open_jws(compact(header, THEIRS), ANCHORS, p256.verify) == PAYLOAD
    assert open_jws(by_hand(GOOD, KEY), ANCHORS, p256.verify) == PAYLOAD


def of_other_algorithms():
    """Yield (name, text): no signature, or one that anybody can make."""
    _, body, mark = RIGHT.split(b".")
    none = b64(b'{"alg":"none","kid":"%s"}' % KID.encode())
    yield "alg none", none + b"." + body + b"."
    yield "alg none with a signature", none + b"." + body + b"." + mark
    public_pem = keys.public_pem(KEY)
    for name, secret in (("the PEM", public_pem), ("the point", PUBLIC)):
        yield "HMAC with %s of the public key" % name, by_hmac({"alg": "HS256", "kid": KID}, secret)
        yield "HMAC with %s that calls itself ES256" % name, by_hmac(GOOD, secret)
    head = RIGHT.split(b".")[0]
    p384 = ECKey.generate_key("P-384")
    yield "P-384", compact({"alg": "ES384", "kid": KID}, p384, algorithms=["ES384"])
    k1 = ECKey.generate_key("secp256k1")
    text = compact({"alg": "ES256K", "kid": KID}, k1, algorithms=["ES256K"])
    yield "secp256k1", text
    yield "secp256k1 that calls itself ES256", head + text[text.index(b".") :]


def with_other_headers():
    """Yield (name, text): the signature is right for what stands there, or a forger's own."""
    yield "another's signature", compact(GOOD, FORGERS)
    yield "another's key id", compact({**GOOD, "kid": keys.key_id(keys.public_bytes(FORGER))}, FORGERS)
    yield "no key id", compact({"alg": "ES256"}, THEIRS)
    for kid in (KID[::-1], KID + " ", KID[:8], "", None, 5, [KID]):
        yield "key id %r" % (kid,), by_hand({**GOOD, "kid": kid}, KEY)
    for alg in ("es256", "ES256 ", "ES384", "ES256K", "EdDSA", "", None, 256, ["ES256"]):
        yield "alg %r" % (alg,), by_hand({**GOOD, "alg": alg}, KEY)
    yield "crit", by_hand({**GOOD, "crit": ["exp"], "exp": 1}, KEY)
    yield "crit that is empty", by_hand({**GOOD, "crit": []}, KEY)
    yield "unencoded payload", by_hand({**GOOD, "b64": False, "crit": ["b64"]}, KEY)
    jwk = FORGERS.as_dict(private=False)
    yield "a key that it brings", by_hand({**GOOD, "jwk": jwk})
    yield "a key that it brings as URL", by_hand({**GOOD, "jku": "https://example.com/keys"})
    yield "a header that is a list", by_hand(b"[]", KEY)
    yield "a header that is no JSON", by_hand(b"{", KEY)
    yield "a header without text", by_hand(b"", KEY)


def with_other_signatures():
    """Yield (name, text): what is signed is right."""
    head, body, mark = RIGHT.split(b".")
    raw = base64.urlsafe_b64decode(mark + b"==")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    front = head + b"." + body + b"."
    yield "DER signature", front + b64(KEY.sign(head + b"." + body, ec.ECDSA(hashes.SHA256())))
    for name, pair in (
        ("zeros", (0, 0)),
        ("r is 0", (0, s)),
        ("s is 0", (r, 0)),
        ("s is n", (r, N)),
        ("s and r", (s, r)),
        ("s + n", (r, s + N)),
    ):
        if max(pair) < 1 << 256:
            yield "signature: " + name, front + b64(pair[0].to_bytes(32, "big") + pair[1].to_bytes(32, "big"))
    yield "signature of 63 bytes", front + b64(raw[:63])
    yield "signature of 65 bytes", front + b64(raw + b"\0")
    yield "no signature", front


def in_other_forms():
    """Yield (name, text): all is right but how it is written."""
    head, body, mark = RIGHT.split(b".")
    front, good = head + b"." + body + b".", RIGHT
    yield "padding", good + b"=="
    yield "padding in the middle", head + b"=." + body + b"." + mark
    yield "spare bits", good[:-1] + bytes((good[-1] + 1,))
    yield "standard alphabet", front + base64.b64encode(b"\xff" * 64).rstrip(b"=")
    yield "a line end", good + b"\n"
    yield "a blank in front", b" " + good
    yield "four parts", good + b"."
    yield "two parts", head + b"." + body
    yield (
        "JSON serialization",
        json.dumps({"protected": head.decode(), "payload": body.decode(), "signature": mark.decode()}).encode(),
    )
    yield "another payload", head + b"." + b64(b'{"theirs":2}') + b"." + mark


HOSTILE = [*of_other_algorithms(), *with_other_headers(), *with_other_signatures(), *in_other_forms()]


@pytest.mark.parametrize("text", [text for _, text in HOSTILE], ids=[name for name, _ in HOSTILE])
def test_what_a_forger_brings_is_refused(text):
    for verify in (p256.verify, signature.verify):
        with pytest.raises(PackageError) as told:
            open_jws(text, ANCHORS, verify)
        assert told.value.code in (402, 404)


def test_the_same_words_rightly_signed_are_taken():
    """Else the list above would prove nothing."""
    assert open_jws(RIGHT, ANCHORS, p256.verify) == PAYLOAD
    assert len({name for name, _ in HOSTILE}) >= 45


def test_who_signed_is_told_of_packages_only(files, tmp_path):
    assert our_jws.signer_of(files.update("2.0", size=8192)) == KID
    for data in (b"", b"FUP1", MAGIC + (5).to_bytes(4, "little") + b"a.b.c", MAGIC + b"\xff\xff\xff\xff" + b"x" * 99):
        with pytest.raises((ToolError, VerifyError, RefusedError)):
            our_jws.signer_of(data)
