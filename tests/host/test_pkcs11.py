"""Keys in tokens, on SoftHSM2: they are made there, sign there, and do not leave.

The library reads its configuration once a process, so commands run as processes of their own, and what must be in this one
shares a token.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from flash_tools.errors import BusyError, NotFoundError, RefusedError, SilentError, ToolError, UsageError
from flash_tools.packages import package_read
from flash_tools.server.bench import BenchServer
from flash_tools.signing import keys, pkcs11_keys, pkcs11_token, pkcs11_uri
from flash_tools.sim import sim_files
from tests.host.sim_devices import QUICK, TIMEOUT_S, device

PIN = "correct horse"
ES256 = ec.ECDSA(hashes.SHA256())
PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


class Token:
    def __init__(self, folder: Path, module: str):
        self.folder, self.module = folder, module
        self.environment = {"SOFTHSM2_CONF": str(folder / "softhsm2.conf"), "FUMO_PIN": PIN}

    def uri(self, name="release", token="bench", **more):
        extra = "".join(";%s=%s" % pair for pair in more.items())
        return "pkcs11:token=%s;object=%s%s?module-path=%s" % (token, name, extra, self.module)

    def tool(self, *arguments):
        environment = {**os.environ, **self.environment}
        subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True, env=environment, timeout=30)

    def make(self, label):
        self.tool("--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678")

    def fumo(self, *arguments, code=0, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "flash_tools", *map(str, arguments)], capture_output=True, text=True, timeout=60,
            cwd=self.folder, env={**os.environ, "PYTHONPATH": os.getcwd(), **self.environment, **environment},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert PIN not in done.stdout + done.stderr
        if code:
            assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        return done


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    pytest.importorskip("pkcs11", reason="no python-pkcs11: pip install 'fumo-agent[hsm]'")
    module = next((place for place in PLACES if os.path.exists(place)), None)
    if not module or not shutil.which("softhsm2-util"):
        pytest.skip("no SoftHSM2: apt install softhsm2")
    folder = tmp_path_factory.mktemp("hsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    found = Token(folder, module)
    kept = {name: os.environ.get(name) for name in found.environment}
    found.make("bench")
    os.environ.update(found.environment)
    yield found
    import pkcs11

    pkcs11.unload(module)
    for name, value in kept.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def release(token):
    """Return the URI of a key that `fumo keys new` has made."""
    said = json.loads(token.fumo("keys", "new", token.uri(), "--public", "release.pub.pem", "--json").stdout)
    assert said["kid"] and said["public"] == "release.pub.pem" and "module-path" not in said["private"]
    return token.uri()


def test_packages_signed_in_the_token_verify_as_on_a_device(token, release):
    with keys.open_signer(release) as signer:
        files = sim_files.SimFiles(token.folder, key=signer)
        (token.folder / "update.fup").write_bytes(files.update("2.0", size=8192))
    package_read.inspect((token.folder / "update.fup").read_bytes(), keys.public_bytes(signer))
    done = token.fumo("package", "verify", "update.fup", "--key", "release.pub.pem", "--json")
    assert json.loads(done.stdout)["signature"] == "good"
    other = keys.public_bytes(keys.new_key())
    with pytest.raises(RefusedError):
        package_read.inspect((token.folder / "update.fup").read_bytes(), other)


def test_a_device_that_trusts_the_token_takes_its_update(token, release, tmp_path):
    with BenchServer() as server, keys.open_signer(release) as signer:
        files = sim_files.make(tmp_path / "device", server.add_device("sim:1"), key=signer, size=8192)
        job = server.order("sim:1", server.add_package(files.update("2.0", size=8192)))
        with device(files, *QUICK, "--request-update", "--until-idle") as process:
            assert process.wait(TIMEOUT_S) == 0
        assert job.wait(5).code == 200


def test_the_key_never_leaves(token, release):
    import pkcs11

    with keys.open_signer(release) as signer, pytest.raises(pkcs11.AttributeSensitive):
        assert signer.facts() == {"sensitive": True, "extractable": False, "made_in_token": True}
        signer._private[pkcs11.Attribute.VALUE]
    assert not [path for path in token.folder.glob("*.pem") if b"PRIVATE" in path.read_bytes()]


def test_show_tells_of_the_key_with_and_without_a_pin(token, release):
    kid = keys.key_id(keys.open_public(token.folder / "release.pub.pem"))
    said = json.loads(token.fumo("keys", "show", release, "--json").stdout)
    assert said["kid"] == kid and said["token"]["extractable"] is False and said["problems"] == []
    said = json.loads(token.fumo("keys", "show", release, "--json", FUMO_PIN="").stdout)
    assert said["kid"] == kid and said["token"] is None
    shown = token.fumo("keys", "show", release, "--format", "pem", FUMO_PIN="").stdout
    assert shown == (token.folder / "release.pub.pem").read_text()


def test_a_key_is_not_overwritten_and_a_dry_run_makes_none(token, release):
    before = sorted((token.folder / "tokens").rglob("*"))
    assert "already" in token.fumo("keys", "new", release, code=1).stderr
    assert "exists" in token.fumo("keys", "new", token.uri("x"), "--public", "release.pub.pem", code=1).stderr
    token.fumo("keys", "new", token.uri("dry"), "--dry-run")
    assert sorted((token.folder / "tokens").rglob("*")) == before


def test_the_pin_comes_from_a_file(token, release):
    (token.folder / "pin").write_text(PIN + "\n")
    source = release + "&pin-source=file:%s" % (token.folder / "pin")
    said = json.loads(token.fumo("keys", "show", source, "--json", FUMO_PIN="wrong").stdout)
    assert said["token"]["sensitive"] is True
    assert "cannot read the PIN" in token.fumo("keys", "show", source + "x", code=3).stderr


@pytest.mark.parametrize(
    "change, environment, code, text",
    [
        ({}, {"FUMO_PIN": "wrong"}, 1, "does not take the PIN"),
        ({"name": "nowhere"}, {}, 3, "has no key"),
        ({"token": "nowhere"}, {}, 3, "no token"),
        ({"token": "ben"}, {}, 3, "no token"),
        ({"token": "benchmark"}, {}, 3, "no token"),
        ({"module": "/nowhere.so"}, {}, 3, "no PKCS#11 library at /nowhere.so"),
        ({"module": "/etc/hostname"}, {}, 1, "no PKCS#11 library that works"),
        ({"module": ""}, {}, 2, "which library"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(token, release, change, environment, code, text):
    module = change.pop("module", None) if "module" in change else token.module
    uri = Token(token.folder, module).uri(**change) if module else token.uri().split("?")[0]
    assert text in token.fumo("keys", "show", uri, code=code, **environment).stderr


def test_without_a_pin_nothing_signs(token, release, monkeypatch):
    monkeypatch.delenv("FUMO_PIN")
    with pytest.raises(UsageError, match="wants its PIN"):
        keys.open_signer(release)


def test_two_tokens_of_a_name_have_to_be_told_apart(token):
    token.make("twin")
    token.make("twin")
    assert "add serial=" in token.fumo("keys", "show", token.uri(token="twin"), code=2).stderr


def test_several_keys_of_a_name_are_told_apart_by_id(token, release):
    import pkcs11

    with pkcs11.lib(token.module).get_token(token_label="bench").open(rw=True, user_pin=PIN) as session:
        parameters = {pkcs11.Attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters("secp256r1")}
        for number in b"\x01", b"\x02":
            made = session.create_domain_parameters(pkcs11.KeyType.EC, parameters, local=True)
            made.generate_keypair(store=True, label="double", id=number)
    with pytest.raises(UsageError, match="add id="):
        keys.open_signer(token.uri("double"))
    one, two = (token.uri("double", id="%%%02x" % number) for number in (1, 2))
    with keys.open_signer(one) as first, keys.open_signer(two) as second:
        assert keys.public_bytes(first) != keys.public_bytes(second)
        first.public_key().verify(first.sign(b"x", ES256), b"x", ES256)
    assert keys.open_public(token.uri("double", id="%02")) == keys.public_bytes(second)


def test_a_key_of_another_curve_is_refused(token):
    import pkcs11

    with pkcs11.lib(token.module).get_token(token_label="bench").open(rw=True, user_pin=PIN) as session:
        parameters = {pkcs11.Attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters("secp384r1")}
        session.create_domain_parameters(pkcs11.KeyType.EC, parameters, local=True).generate_keypair(
            store=True, label="p384"
        )
    with pytest.raises(ToolError, match="not a P-256 key"):
        keys.open_signer(token.uri("p384"))


def test_a_public_key_that_is_another_ones_is_noticed(token, release):
    with keys.open_signer(release) as signer:
        wrong = pkcs11_keys.TokenSigner(signer._session, signer._private, keys.new_key().public_key(), signer.uri)
        with pytest.raises(RefusedError, match="not that of the private one"):
            wrong.sign(b"x", ES256)
        with pytest.raises(UsageError):
            signer.sign(b"x", ec.ECDSA(hashes.SHA384()))


@pytest.mark.parametrize(
    "name, kind, text",
    [
        ("PinLocked", BusyError, "locked"),
        ("UserPinNotInitialized", BusyError, "not set"),
        ("DeviceRemoved", SilentError, "went away"),
        ("TokenWriteProtected", RefusedError, "write-protected"),
        ("FunctionFailed", ToolError, "refuses"),
    ],
)
def test_what_a_token_may_say_is_one_line(token, name, kind, text):
    import pkcs11

    with pytest.raises(kind, match=text) as told, pkcs11_token.told(pkcs11_uri.parse(token.uri())):
        raise getattr(pkcs11, name)("a\nb")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        "pkcs11:", "pkcs11:token=a", "pkcs11:object=a", "pkcs11:token=a;object=b;token=c", "pkcs11:token=%zz;object=b",
        "pkcs11:token=a;object=b;slot-id=1", "pkcs11:token=a;object=%ff", "pkcs11:token=a;object=b?pin-value=1234",
        "pkcs11:token=a;object=b?pin-source=|cat", "pkcs11:token=a;object=b?pin-source=pin", "pkcs11:token=a;;object=b",
        "pkcs11:token=a;object=b;type=cert", "pkcs11:token=a;object=b?module-name=x",
    ],
)  # fmt: skip
def test_a_uri_that_could_mean_another_key_is_refused(text):
    with pytest.raises(UsageError) as told:
        pkcs11_uri.parse(text)
    assert "1234" not in str(told.value)
    assert ("command line" in str(told.value)) == ("pin-value" in text)


def test_a_uri_is_read_as_rfc_7512_says():
    uri = pkcs11_uri.parse(
        "PKCS11:token=The%20Software;id=%69%95%3e%5c;type=private?module-path=/l.so&pin-source=file:///p"
    )
    assert (uri.token, uri.id, uri.module, uri.pin_source) == ("The Software", b"i\x95>\\", "/l.so", "/p")
    assert pkcs11_uri.is_uri("pkcs11:x") and not pkcs11_uri.is_uri("key.pem")


def test_a_new_key_needs_a_name(token):
    with pytest.raises(UsageError, match="object="):
        pkcs11_keys.new_token_key("pkcs11:token=bench;id=%01?module-path=" + token.module)
    for missing in (
        token.uri(token="other"),
        token.uri(serial="00"),
        token.uri(model="x"),
        token.uri(manufacturer="x"),
    ):
        with pytest.raises(NotFoundError):
            pkcs11_keys.new_token_key(missing)
