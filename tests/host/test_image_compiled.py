"""`fumo package build --compiled`: bytecode beside the modules of a zip, used by this Python and passed over by others."""

import json
import subprocess
import sys
import zipfile

import pytest

from flash_tools.errors import UsageError
from flash_tools.images import Wish, contents, make, zip_image
from tests.host.fumo_inside import inside
from tests.host.kill_server import ROOT

MODULES = {
    "lib.py": b'"""A docstring."""\nWORDS = [word for word in ("a", "b") if word in {"a", "c"}]\n',
    "data.txt": b"x",
}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "app" / "deep"
    place.mkdir(parents=True)
    for name, data in MODULES.items():
        (place / name).write_bytes(data)
    return tmp_path / "app"


def doc_of(path):
    """Return what this Python says of a module in a zip: bytecode has no docstrings, its source has."""
    script = "import sys; sys.path[:0] = [%r]; from deep import lib; print(lib.__doc__, lib.WORDS)" % str(path)
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("deflated", [False, True])
def test_this_python_takes_the_bytecode(folder, tmp_path, deflated):
    made = make(folder, Wish("zip", "1.0", deflated=deflated, compiled=True))
    (tmp_path / "a.zip").write_bytes(made.data)
    assert doc_of(tmp_path / "a.zip") == "None ['a']"
    assert set(contents("zip", made.data)["files"]) == {
        "deep/data.txt", "deep/lib.py", "deep/lib.pyc", "version.py", "version.pyc"
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read("deep/lib.pyc")[4:8] == b"\1\0\0\0", "no start has to compare it with its source"
    assert any("bytecode of Python %d.%d" % sys.version_info[:2] in note for note in made.notes)


def test_another_python_takes_the_source(folder, tmp_path):
    """One whose bytecode has another magic number; without --compiled there is only the source."""
    data = make(folder, Wish("zip", "1.0", compiled=True)).data
    with zipfile.ZipFile(tmp_path / "here.zip", "w") as other:
        other.writestr("deep/", b"")
        other.writestr("deep/lib.py", MODULES["lib.py"])
        (tmp_path / "a.zip").write_bytes(data)
        with zipfile.ZipFile(tmp_path / "a.zip") as archive:
            other.writestr("deep/lib.pyc", b"\0\0\r\n" + archive.read("deep/lib.pyc")[4:])
    assert doc_of(tmp_path / "here.zip") == "A docstring. ['a']"
    plain = make(folder, Wish("zip", "1.0"))
    assert not any(name.endswith(".pyc") for name in contents("zip", plain.data)["files"])
    assert not any("bytecode" in note for note in plain.notes)


def test_the_same_modules_give_the_same_bytes():
    """Also where Python has their names in use already, as it has the second time: a delta has to stay small."""
    files = {path.name: path.read_bytes() for path in (ROOT / "agent").glob("*.py")}
    assert len(files) > 20
    assert zip_image.build(files, compiled=True) == zip_image.build(files, compiled=True)


def test_what_is_no_python_is_one_line(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside(capsys, monkeypatch, "keys", "new", "k.pem")
    words = ["package", "build", "app", "a.fup", "--key", "k.pem", "--product", "p", "--model", "m", "--layout"]
    words += ["rpi_nor_hat", "--flash-size", "16M", "--kind", "zip", "--version", "1.0", "--compiled"]
    out, said = inside(capsys, monkeypatch, *words, "--json")
    assert json.loads(out)["kind"] == "zip" and "bytecode of Python" in said
    (folder / "deep" / "bad.py").write_text("def f(:\n")
    _, said = inside(capsys, monkeypatch, *words, code=2)
    assert "deep/bad.py" in said and said.count("\n") == 1
    (folder / "deep" / "bad.py").write_bytes(b"x = '\xff'\n\0")
    _, said = inside(capsys, monkeypatch, *words, code=2)
    assert "deep/bad.py" in said and said.count("\n") == 1


def test_it_is_for_zips_of_folders(folder, tmp_path):
    (tmp_path / "a.zip").write_bytes(zip_image.build({"version.py": b"VERSION = '1'\n"}))
    for source, kind in ((folder, "lfs2"), (folder, None), (tmp_path / "a.zip", "zip")):
        with pytest.raises(UsageError, match="--compiled is for"):
            make(source, Wish(kind, "1", compiled=True))
