"""Keys in files: what is made, what is shown, what is refused."""

import os
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from flash_tools.errors import RefusedError, ToolError
from flash_tools.server.pki import Authority
from flash_tools.signing import key_facts, keys
from tests.host.fumo_here import fumo_here

SEC1 = serialization.PrivateFormat.TraditionalOpenSSL


@pytest.fixture
def fumo(monkeypatch, capfdbinary, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUMO_PASSPHRASE", raising=False)
    return lambda *arguments, **options: fumo_here(monkeypatch, capfdbinary, *arguments, **options)


def pem(key, form=serialization.PrivateFormat.PKCS8, passphrase=None):
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, lock)


def test_new_makes_a_pair_that_only_its_owner_reads(fumo, tmp_path):
    said = fumo("keys", "new", "key.pem", "--json").json
    assert said["private"] == "key.pem" and said["public"] == "key.pub.pem" and len(said["kid"]) == 16
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    signer = keys.open_signer("key.pem")
    assert keys.key_id(keys.public_bytes(signer)) == said["kid"]
    assert keys.open_public("key.pub.pem") == keys.open_public("key.pem") == keys.public_bytes(signer)


def test_a_passphrase_comes_from_a_file_or_the_environment(fumo, monkeypatch, tmp_path):
    (tmp_path / "pass").write_text("from the file\nnot this line\n")
    fumo("keys", "new", "key.pem", "--passphrase-file", "pass")
    assert b"ENCRYPTED" in (tmp_path / "key.pem").read_bytes()
    keys.read_key(tmp_path / "key.pem", b"from the file")
    monkeypatch.setenv("FUMO_PASSPHRASE", "wrong")
    assert "does not open" in fumo("keys", "show", "key.pem", code=1).line
    monkeypatch.setenv("FUMO_PASSPHRASE", "from the file")
    assert fumo("keys", "show", "key.pem", "--json").json["locked"] is True
    (tmp_path / "empty").write_text("\n")
    assert "no passphrase" in fumo("keys", "new", "c.pem", "--passphrase-file", "empty", code=2).line
    assert not (tmp_path / "c.pem").exists()


def test_a_passphrase_that_is_not_needed_does_not_disturb(fumo, monkeypatch):
    fumo("keys", "new", "key.pem")
    monkeypatch.setenv("FUMO_PASSPHRASE", "of another key")
    assert fumo("keys", "show", "key.pem", "--json").json["locked"] is False
    assert keys.open_signer("key.pem", b"of another key")


def test_what_exists_stays(fumo, tmp_path):
    (tmp_path / "a.pub.pem").write_text("mine")
    assert "exists" in fumo("keys", "new", "a.pem", code=1).line
    assert not (tmp_path / "a.pem").exists()
    assert "name of a public one" in fumo("keys", "new", "b.pub.pem", code=2).line
    assert "cannot write" in fumo("keys", "new", "nowhere/b.pem", code=1).line
    assert "the public half" in fumo("keys", "new", "b.pem", "--public", "x", code=2).line
    assert "no passphrase" in fumo("keys", "new", "pkcs11:token=a;object=b", "--passphrase-file", "x", code=2).line
    fumo("keys", "new", "b.pem", "--dry-run")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pub.pem"]


@pytest.mark.parametrize("when", [1, 2])
def test_a_pair_that_does_not_fit_the_disk_is_taken_back(tmp_path, monkeypatch, when):
    calls = iter(range(1, 9))

    def full(handle):
        if next(calls) == when:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ToolError, match="No space"):
        keys.write_pair(keys.new_key(), tmp_path / "a.pem")
    assert not list(tmp_path.iterdir())


def test_show_tells_of_every_form(fumo, tmp_path):
    key = keys.new_key()
    point = keys.public_bytes(key)
    (tmp_path / "sec1.pem").write_bytes(
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + pem(key, SEC1)
    )
    (tmp_path / "public.pem").write_bytes(keys.public_pem(key))
    (tmp_path / "cert.pem").write_text(Authority().pem)
    os.chmod(tmp_path / "sec1.pem", 0o600)
    said = fumo("keys", "show", "sec1.pem", "--json").json
    assert (said["form"], said["public"], said["problems"]) == ("private key", point.hex(), [])
    said = fumo("keys", "show", "public.pem", "--json").json
    assert (said["form"], said["kid"], said["curve"]) == ("public key", keys.key_id(point), "secp256r1")
    assert fumo("keys", "show", "cert.pem", "--json").json["form"] == "certificate"
    assert keys.key_id(point) in fumo("keys", "show", "public.pem").out.decode()


def test_the_forms_of_a_public_key_are_read_by_those_they_are_for(fumo, tmp_path):
    fumo("keys", "new", "key.pem")
    point = keys.open_public("key.pem")
    assert fumo("keys", "show", "key.pem", "--format", "raw").out == point
    assert bytes.fromhex(fumo("keys", "show", "key.pem", "--format", "hex").out.decode()) == point
    assert fumo("keys", "show", "key.pem", "--format", "pem").out == (tmp_path / "key.pub.pem").read_bytes()
    space = {}
    exec(fumo("keys", "show", "key.pem", "--format", "python").out, space)
    assert space["KEY"] == (keys.key_id(point), point)
    source = fumo("keys", "show", "key.pem", "--format", "c").out.decode()
    numbers = source.split("{")[1].split("}")[0].replace(",", " ").split()
    assert "[64]" in source and bytes(int(number, 16) for number in numbers) == point
    said = fumo("keys", "show", "key.pem", "--format", "raw", "--json").json
    assert said["text"] == point.hex() and said["format"] == "raw"
    assert "not klingon" in fumo("keys", "show", "key.pem", "--format", "klingon", code=2).line


def test_c_source_is_taken_by_a_compiler(tmp_path):
    cc = next((cc for cc in ("cc", "gcc") if subprocess.run(["which", cc], capture_output=True).returncode == 0), None)
    if not cc:
        pytest.skip("no C compiler: apt install gcc")
    (tmp_path / "key.c").write_bytes(key_facts.render(keys.public_bytes(keys.new_key()), "c"))
    subprocess.run([cc, "-Wall", "-Werror", "-c", "key.c"], cwd=tmp_path, check=True, timeout=20)


def test_what_is_wrong_with_the_file_is_said(fumo, tmp_path):
    fumo("keys", "new", "key.pem")
    assert fumo("keys", "show", "key.pem").err == ""
    os.chmod(tmp_path / "key.pem", 0o640)
    assert "mode 640" in fumo("keys", "show", "key.pem").err
    os.chmod(tmp_path / "key.pem", 0o600)
    os.chmod(tmp_path, 0o777)
    assert "writable for all" in fumo("keys", "show", "key.pem").err
    os.chmod(tmp_path, 0o755)
    os.chmod(tmp_path / "key.pub.pem", 0o644)
    assert fumo("keys", "show", "key.pub.pem").err == ""


def test_a_locked_key_is_told_of_by_its_public_half(fumo, tmp_path):
    (tmp_path / "pass").write_text("secret")
    kid = fumo("keys", "new", "key.pem", "--passphrase-file", "pass", "--json").json["kid"]
    said = fumo("keys", "show", "key.pem", "--json").json
    assert (said["kid"], said["locked"]) == (kid, True) and "locked" in said["problems"][0]
    (tmp_path / "key.pub.pem").unlink()
    assert "locked" in fumo("keys", "show", "key.pem", code=1).line
    assert fumo("keys", "show", "key.pem", "--passphrase-file", "pass", "--json").json["problems"] == []


@pytest.mark.parametrize("make", ["p384", "rsa", "ed25519", "k1"])
def test_other_kinds_of_keys_are_shown_and_not_used(fumo, tmp_path, make):
    key = {
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "k1": lambda: ec.generate_private_key(ec.SECP256K1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[make]()
    (tmp_path / "odd.pem").write_bytes(pem(key))
    os.chmod(tmp_path / "odd.pem", 0o600)
    said = fumo("keys", "show", "odd.pem", "--json").json
    assert said["kid"] is None and "not a P-256 key" in said["problems"][0]
    assert "not a P-256 key" in fumo("keys", "show", "odd.pem", "--format", "hex", code=6).line
    with pytest.raises(ToolError, match="not a P-256 key"):
        keys.open_signer(tmp_path / "odd.pem")
    with pytest.raises(RefusedError):
        key_facts.public_of(tmp_path / "odd.pem")


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 100, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"x" * 100000]
)
def test_what_is_no_key_is_one_line(fumo, tmp_path, data):
    (tmp_path / "bad.pem").write_bytes(data)
    fumo("keys", "show", "bad.pem", code=1).line  # noqa: B018
    fumo("keys", "show", "nowhere.pem", code=1).line  # noqa: B018
    fumo("keys", "show", ".", code=1).line  # noqa: B018


def test_a_key_that_cannot_sign_is_called_what_it_is(fumo, tmp_path):
    fumo("keys", "new", "key.pem")
    (tmp_path / "image").write_bytes(b"image")
    whom = ("--product", "p", "--model", "m", "--layout", "0" * 16)
    build = ("package", "build", "image", "x.fup", *whom, "--version", "1")
    assert "is a public key: signing needs the private half" in fumo(*build, "--key", "key.pub.pem", code=1).line
    assert "image is no key in PEM form" in fumo(*build, "--key", "image", code=1).line


def test_nobody_needs_pkcs11_for_a_file(tmp_path):
    """A wheel without the extra `hsm` makes, shows and uses keys in files."""
    code = "import sys; sys.modules['pkcs11'] = None; sys.argv = ['fumo', *sys.argv[1:]]; from flash_tools.cli import main; main()"
    run = lambda *arguments: subprocess.run(  # noqa: E731
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert run("keys", "new", "key.pem").returncode == 0
    done = run("keys", "show", "pkcs11:token=a;object=b?module-path=/bin/true")
    assert done.returncode == 1 and "fumo-agent[hsm]" in done.stderr and len(done.stderr.splitlines()) == 1
