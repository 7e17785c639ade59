"""`fumo package` as a user runs it: exit codes, what stands on stdout, and one line where something can be mended."""

import functools
import os
import shutil

import pytest

from flash_tools.images import lfs2, zip_image
from flash_tools.packages import package_read
from flash_tools.packages.package_build import Target, build_package
from flash_tools.sim import sim_files
from tests.host.images import make_tree
from tests.host.packages import KEY, run
from tests.host.test_boot_mcuboot_imgtool import imgtool
from tests.host.test_pkcs11 import PLACES, Token


@pytest.fixture
def fumo(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return functools.partial(run, capsys, monkeypatch)


def test_the_commands(tmp_path, fumo):
    make_tree(tmp_path / "app")
    sim_files.make(tmp_path / "dev0")
    fumo("keys", "new", "key.pem")
    done = fumo("package", "build", "app", "a.fup", "--key", "key.pem", "--for", "sim:dev0", "--kind", "lfs2", "--version", "1.0",
               "--json")  # fmt: skip
    said = done.said
    assert said["version"] == 1 and said["firmware"] == "1.0" and said["air_bytes"] > said["package_bytes"]
    assert (
        "s of flash time on a W25Q128" in done.stderr and "on the air" in done.stderr and "wrote a.fup" in done.stderr
    )
    (tmp_path / "app" / "main.py").write_text("print('two')\n")
    fumo(
        "package",
        "build",
        "app",
        "b.fup",
        "--key",
        "key.pem",
        "--for",
        "sim:dev0",
        "--kind",
        "lfs2",
        "--version",
        "1.1",
    )
    done = fumo("package", "delta", "a.fup", "b.fup", "d.fup", "--key", "key.pem", "--dry-run", "--json")
    assert not done.said["written"] and not (tmp_path / "d.fup").exists()
    assert "the full package would have" in done.stderr
    fumo("package", "delta", "a.fup", "b.fup", "d.fup", "--key", "key.pem")
    fumo("package", "verify", "d.fup", "--key", "key.pub.pem", "--old", "a.fup")
    fumo("package", "verify", "d.fup", "--key", "key.pub.pem", "--old", "b.fup", code=6)
    assert "lib/answer.py" in fumo("package", "show", "d.fup", "--old", "a.fup").stdout
    assert "main.py" in fumo("package", "diff", "a.fup", "d.fup").stdout
    assert fumo("package", "diff", "a.fup", "b.fup", "--json").said["files"]["main.py"]["what"] == "changed"
    done = fumo("package", "build", "app", "c.fup", "--key", "key.pem", "--for", "sim:dev0", code=2)
    assert len(done.stderr.strip().splitlines()) == 1 and "is a folder" in done.stderr


def test_modules_that_lie_around_are_not_run(tmp_path, fumo):
    """Who builds images stands among modules for other machines."""
    for name in ("json.py", "struct.py", "littlefs.py", "resource.py"):
        (tmp_path / name).write_text("raise SystemExit('not this one')\n")
    image = lfs2.build({"a.py": b"1"})
    (tmp_path / "x.fup").write_bytes(build_package(image, Target("p", ["m"], "0" * 16, "1", 0, "lfs2"), KEY))
    assert "a.py" in fumo("package", "show", "x.fup").stdout


_MODULE = next((place for place in PLACES if os.path.exists(place)), None)


@pytest.mark.skipif(not (_MODULE and shutil.which("softhsm2-util")), reason="no SoftHSM2: apt install softhsm2")
def test_a_key_in_a_token_signs_package_and_image(tmp_path):
    pytest.importorskip("pkcs11", reason="no python-pkcs11: pip install 'fumo-agent[hsm]'")
    token = Token(tmp_path, _MODULE)
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text("directories.tokendir = %s\n" % (tmp_path / "tokens"))
    token.make("bench")
    (tmp_path / "fw.bin").write_bytes(bytes(5000))
    token.fumo("keys", "new", token.uri(), "--public", "release.pub.pem")
    options = ["--product", "p", "--model", "m", "--layout", "0" * 16, "--kind", "mcuboot", "--version", "1.2.3"]
    said = token.fumo("package", "build", "fw.bin", "m.fup", "--key", token.uri(), *options).stderr
    assert "signed as MCUboot image" in said and "its signature is good" in said
    token.fumo("package", "verify", "m.fup", "--key", "release.pub.pem")
    (tmp_path / "m.bin").write_bytes(package_read.load_image(tmp_path / "m.fup")[0])
    assert "correctly validated" in imgtool("verify", "--key", tmp_path / "release.pub.pem", tmp_path / "m.bin")


def test_names_in_an_image_do_not_reach_the_terminal(tmp_path, fumo):
    image = zip_image.build({"a\x1b[31mred.py": b"1", "b\nc.py": b"2"})
    (tmp_path / "x.fup").write_bytes(build_package(image, Target("p", ["m"], "0" * 16, "1", 0, "zip"), KEY))
    assert (
        "\x1b" not in fumo("package", "show", "x.fup").stdout
        and "\nc.py" not in fumo("package", "show", "x.fup").stdout
    )


def test_an_mcuboot_package_from_a_binary(tmp_path, fumo):
    (tmp_path / "fw.bin").write_bytes(bytes(range(256)) * 30)
    fumo("keys", "new", "key.pem")
    fumo("keys", "new", "boot.pem")
    options = ["--key", "key.pem", "--product", "p", "--model", "m", "--layout", "0" * 16]
    mcuboot = ["--kind", "mcuboot", "--image-key", "boot.pem", "--slot-size", "64K", "--version", "2.1.0"]
    fumo("package", "build", "fw.bin", "m.fup", *options, *mcuboot)
    (tmp_path / "m.img").write_bytes(package_read.load_image(tmp_path / "m.fup")[0])
    shown = fumo("package", "show", "m.fup").stdout
    assert "version 2.1.0, header 512, payload 7680 bytes" in shown and "ECDSA" in shown
    done = fumo("package", "build", "m.img", "n.fup", *options, "--image-key", "boot.pub.pem")
    assert "its signature is good" in done.stderr and "kind mcuboot" in done.stderr
    done = fumo("package", "build", "m.img", "n.fup", *options)
    assert "another key" in done.stderr
    (tmp_path / "n.fup").unlink()
    done = fumo("package", "build", "m.img", "n.fup", *options, "--image-key", "key.pub.pem", code=6)
    assert "not signed by the key" in done.stderr and not (tmp_path / "n.fup").exists()
    done = fumo(
        "package",
        "build",
        "fw.bin",
        "n.fup",
        *options,
        *mcuboot[:2],
        *mcuboot[4:],
        "--image-key",
        "boot.pub.pem",
        code=1,
    )
    assert "private one" in done.stderr


def test_what_is_built_for_a_board_is_not_refused_by_it(tmp_path, fumo):
    """Its security counter is that of the board's firmware, unless another is said."""
    fumo("keys", "new", "key.pem")
    fumo("sim", "new", "dev0", "--key", "key.pem")
    (tmp_path / "fw.bin").write_bytes(b"firmware" * 100)
    words = ("package", "build", "fw.bin", "fw.fup", "--key", "key.pem", "--version", "2", "--for", "sim:dev0")
    fumo(*words)
    assert fumo("package", "show", "fw.fup", "--json").said["manifest"]["counter"] == 1
    fumo("flash", "write", "bank1", "fw.fup", "-b", "sim:dev0")
    fumo(*words, "--counter", "0")
    said = fumo("flash", "write", "bank1", "fw.fup", "-b", "sim:dev0", code=6).stderr
    assert "counter 0 is below the device's 1: build it" in said
    (tmp_path / "old.bin").write_bytes(b"firmware" * 90)
    fumo("package", "delta", "old.bin", "fw.bin", "d.fup", *words[4:])
    assert fumo("package", "show", "d.fup", "--json").said["manifest"]["counter"] == 1
