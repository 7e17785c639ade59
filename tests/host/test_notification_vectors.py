"""Package 0 and the formulas against the project's vectors, two of them captured from a real phone suite; and noise."""

import base64
import json
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import dm_auth, dm_guard
from agent.compat import md5
from tests.portable.package0 import GOOD, NONCE, UDH, WSP, Device, seal, trigger

_FILE = pathlib.Path(__file__).resolve().parents[3] / "shared" / "vectors" / "omadm-auth-and-package0.json"
_VECTORS = json.loads(_FILE.read_text()) if _FILE.exists() else {}


def _vectors(kind):
    missing = pytest.mark.skip(reason="no vectors: %s is not there" % _FILE)
    return _VECTORS.get(kind) or [pytest.param(None, marks=missing)]


@pytest.mark.parametrize("vector", _vectors("auth_basic"))
def test_basic(vector):
    assert dm_auth.basic(vector["user"], vector["password"]).decode() == vector["data"]


@pytest.mark.parametrize("vector", _vectors("auth_md5"))
def test_md5(vector):
    code = dm_auth.digest(vector["user"], vector["password"], bytes.fromhex(vector["nonce_hex"]))
    assert dm_auth.b64(code).decode() == vector["data"]
    assert dm_auth.from_b64(vector["data"].encode()) == code


@pytest.mark.parametrize("vector", _vectors("auth_mac"))
def test_mac(vector):
    body = bytes.fromhex(vector["body_hex"]) if "body_hex" in vector else vector["body"].encode()
    nonce = bytes.fromhex(vector["nonce_hex"])
    code = dm_auth.mac(vector["user"], vector["password"], nonce, md5(body).digest())
    assert base64.b64encode(code).decode() == vector["mac"]
    header = 'algorithm=MD5, username="%s", mac=%s' % (vector["user"], vector["mac"])
    assert dm_auth.header(vector["user"], code) == header
    assert dm_guard.parse_header(header) == (vector["user"], code)


@pytest.mark.parametrize("vector", _vectors("pkg0"))
def test_package_0_is_what_we_would_make(vector):
    message = bytes.fromhex(vector["message_hex"])
    nonce, version = bytes.fromhex(vector["nonce_hex"]), vector.get("version", 11)
    size = 24 + len(vector["server_id"])
    made = trigger(
        vector["session_id_int"],
        vector["server_id"],
        vector["ui_mode"],
        vector["initiator"],
        version,
        message[size:],
    )
    if version == 12:  # what follows the session id in the phone suite's frame is of its own kind, the digest is not
        made = message[16:]
    assert seal(made, nonce, vector["server_id"], vector["password"]) == message
    code = dm_auth.mac(vector["server_id"], vector["password"], nonce, md5(message[16:]).digest())
    assert code == message[:16]
    assert vector.get("vendor_hex", message[size:].hex()) == message[size:].hex()


@pytest.mark.parametrize("vector", _vectors("pkg0"))
def test_package_0_is_judged(vector):
    """With an empty nonce or secret, or the session id 0 of the captures, it is authentic and refused all the same."""
    message, nonce = bytes.fromhex(vector["message_hex"]), bytes.fromhex(vector["nonce_hex"])
    device = Device(vector["server_id"], "name", vector["password"], nonce, known=bool(nonce.strip(b"\x00")))
    found = device.judge(message)
    if not nonce or not vector["password"]:
        assert found is None
        device = Device(vector["server_id"], "name", "secret", NONCE)
        found = device.judge(seal(message[16:], NONCE, vector["server_id"]))
    if not vector["session_id_int"]:
        assert found is None
        return
    assert (found.session_id, found.ui_mode) == (vector["session_id_int"], vector["ui_mode"])
    assert "%X" % found.session_id == vector["session_id_text"]
    assert found.initiator == vector["initiator"]
    assert found.resync == (nonce == dm_auth.SPECIAL_NONCE)


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=400))
def test_noise(data):
    for frame in (b"", WSP, UDH + WSP):
        assert Device().judge(frame + data) is None


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 255), st.binary(max_size=60))
def test_authentic_noise(head, size, rest):
    """Even with the right digest nothing but a whole notification gets through."""
    body = head + bytes([size]) + rest
    found = Device().judge(seal(body))
    if found:
        assert body[8 : 8 + body[7]] == b"com.mgmtsrv.manage"


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_changed_bytes(data):
    framed = data.draw(st.sampled_from((GOOD, WSP + GOOD, UDH + WSP + GOOD)))
    changed = bytearray(framed)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    found = Device().judge(changed)
    assert found is None or changed.endswith(GOOD), "only the framing may differ"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.binary(max_size=80))
def test_any_header_text(text, mac):
    for header in (text, 'username="%s",mac=%s' % (text, base64.b64encode(mac).decode())):
        user, code = dm_guard.parse_header(header)
        assert (user is None and code == b"") or (isinstance(user, str) and len(code) == 16)
    found = dm_auth.from_b64(mac)
    assert found is None or isinstance(found, bytes)
