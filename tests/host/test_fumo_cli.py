"""The command as a user runs it: a process, its exit code, what stands on stdout and on stderr."""

import json
import os
import subprocess
import sys

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from agent import p256
from agent.package import HEAD_SIZE
from agent.signature import open_jws
from flash_tools.packages.package_build import sign_jws
from flash_tools.signing.keys import key_id, public_bytes, read_key


def fumo(*arguments, code=0, cwd=None, env=None):
    done = subprocess.run(
        [sys.executable, "-m", "flash_tools", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.getcwd(), **(env or {})},
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fumo")
    (folder / "old.bin").write_bytes(b"firmware one " * 3000)
    (folder / "new.bin").write_bytes(b"firmware one " * 1500 + b"and news" + b"firmware one " * 1500)
    fumo("keys", "new", folder / "key.pem")
    build(folder, "new.fup")
    return folder


def build(folder, name, *more, code=0):
    options = ["--key", folder / "key.pem", "--product", "p", "--model", "m", "--layout", "0" * 16, "--version", "2"]
    return fumo("package", "build", folder / "new.bin", folder / name, *options, *more, code=code)


def test_a_key_is_its_owners_and_never_overwritten(bench):
    assert (bench / "key.pem").stat().st_mode & 0o777 == 0o600
    done = fumo("keys", "new", bench / "key.pem", code=1)
    assert len(done.stderr.strip().splitlines()) == 1 and "exists" in done.stderr


def test_a_passphrase_protects_the_key(bench):
    fumo("keys", "new", bench / "locked.pem", env={"FUMO_PASSPHRASE": "secret"})
    assert b"ENCRYPTED" in (bench / "locked.pem").read_bytes()


@pytest.mark.parametrize("encoding", ["none", "deflate", "delta"])
def test_build_show_verify(bench, encoding):
    more = ("--old", bench / "old.bin") if encoding == "delta" else ()
    done = build(bench, encoding + ".fup", "--encoding", encoding, *more, "--json")
    assert json.loads(done.stdout)["package_bytes"] == (bench / (encoding + ".fup")).stat().st_size
    shown = json.loads(fumo("package", "show", bench / (encoding + ".fup"), "--json").stdout)
    assert shown["manifest"]["encoding"] == encoding and shown["signature"] == "not checked"
    verified = fumo("package", "verify", bench / (encoding + ".fup"), "--key", bench / "key.pub.pem", *more, "--json")
    assert json.loads(verified.stdout)["image"] == "good"


def test_dry_run_writes_nothing(bench):
    build(bench, "dry.fup", "--dry-run")
    fumo("keys", "new", bench / "dry.pem", "--dry-run")
    assert not (bench / "dry.fup").exists() and not (bench / "dry.pem").exists()


def test_a_foreign_key_is_6_and_broken_bytes_are_5(bench):
    fumo("keys", "new", bench / "other.pem")
    fumo("package", "verify", bench / "new.fup", "--key", bench / "other.pub.pem", code=6)
    data = bytearray((bench / "new.fup").read_bytes())
    data[-1] ^= 1
    (bench / "broken.fup").write_bytes(data)
    fumo("package", "verify", bench / "broken.fup", "--key", bench / "key.pub.pem", code=5)
    (bench / "cut.fup").write_bytes(data[:-100])
    done = fumo("package", "verify", bench / "cut.fup", "--key", bench / "key.pub.pem", "--json", code=5)
    assert json.loads(done.stdout)["ok"] is False


def test_what_the_user_can_mend_is_one_line(bench):
    for arguments, code in (
        (("package", "show", bench / "nowhere.fup"), 1),
        (("package", "show", bench / "key.pem"), 5),
        (("package", "verify", bench / "new.fup", "--key", bench / "new.bin"), 1),
    ):
        assert len(fumo(*arguments, code=code).stderr.strip().splitlines()) == 1
    build(bench, "x.fup", "--layout", "zz", code=2)
    build(bench, "x.fup", "--kind", "floppy", code=2)
    build(bench, "x.fup", "--encoding", "delta", code=1)
    fumo("package", "build", code=2)


def test_manifests_agree_with_joserfc(bench):
    key = read_key(bench / "key.pem")
    public = public_bytes(key)
    data = (bench / "new.fup").read_bytes()
    text = data[HEAD_SIZE : HEAD_SIZE + int.from_bytes(data[4:8], "little")]
    theirs = ECKey.import_key((bench / "key.pem").read_bytes())
    assert json.loads(jws.deserialize_compact(text, theirs, algorithms=["ES256"]).payload)["version"] == "2"
    made = jws.serialize_compact({"alg": "ES256", "kid": key_id(public)}, b'{"theirs":1}', theirs)
    assert open_jws(made.encode(), ((key_id(public), public),), p256.verify) == b'{"theirs":1}'
    assert jws.deserialize_compact(sign_jws(b"ours", key), theirs, algorithms=["ES256"]).payload == b"ours"


def test_two_keys_do_not_share_a_public_file(tmp_path):
    for name in ("fleet.a", "fleet.b"):
        fumo("keys", "new", tmp_path / name)
    publics = sorted(tmp_path.glob("*.pub.pem"))
    assert len(publics) == 2 and publics[0].read_bytes() != publics[1].read_bytes()
    (tmp_path / "fleet.a").unlink()
    fumo("keys", "new", tmp_path / "fleet.a", code=1)  # its public half is still there
    assert not (tmp_path / "fleet.a").exists()


def test_a_locked_key_verifies_with_its_passphrase(bench, tmp_path):
    env = {"FUMO_PASSPHRASE": "secret"}
    fumo("keys", "new", tmp_path / "locked.pem", env=env)
    options = ["--product", "p", "--model", "m", "--layout", "0" * 16, "--version", "2"]
    fumo("package", "build", bench / "new.bin", tmp_path / "x.fup", "--key", tmp_path / "locked.pem", *options, env=env)
    fumo("package", "verify", tmp_path / "x.fup", "--key", tmp_path / "locked.pem", env=env)


def test_a_key_of_another_curve_is_one_line(bench, tmp_path):
    # secp192k1, which `cryptography` does not know at all
    odd = (
        "-----BEGIN PUBLIC KEY-----\n"
        "MEYwEAYHKoZIzj0CAQYFK4EEAB8DMgAE2xD/Dq6bftV/KwKA9BwuwOxX6aXGxt0d\n"
        "m0Mv5atEM/Y0Gfoo3pZ8FH9YqG6h6P4q\n"
        "-----END PUBLIC KEY-----\n"
    )
    (tmp_path / "odd.pem").write_text(odd)
    done = fumo("package", "verify", bench / "new.fup", "--key", tmp_path / "odd.pem", code=1)
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_delta_is_refused_with_another_old_image(bench, tmp_path):
    build(bench, "d.fup", "--encoding", "delta", "--old", bench / "old.bin")
    (tmp_path / "empty").write_bytes(b"")
    for other in (tmp_path / "empty", bench / "new.bin"):
        done = fumo("package", "verify", bench / "d.fup", "--key", bench / "key.pem", "--old", other, code=6)
        assert "old image" in done.stderr
    build(bench, "e.fup", "--encoding", "delta", "--old", tmp_path / "empty", code=1)


def test_a_failed_write_leaves_nothing_behind(bench, tmp_path):
    (tmp_path / "taken").mkdir()
    build(bench, tmp_path / "taken", code=1)
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]
