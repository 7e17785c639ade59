"""Flash images, settings and boards that are made to hurt the tools: one line each, no traceback, no escapes."""

import contextlib
import io
import json
import os
import pty
import struct
import sys
import threading
import tty
import zlib

import pytest

from board.sim_nor import layout_of
from flash_tools import cli, mpy_line
from flash_tools.boards import monitor_words
from flash_tools.errors import SilentError, ToolError
from flash_tools.server import server_toml
from flash_tools.sim import sim_files

SIZE = 1 << 20
LAYOUT = [list(part) for part in layout_of(SIZE)]
ODD = {
    "nested": "[" * 4000,
    "infinite": '{"layout": [["boot", 1e999, 4096]]}',
    "no number": '{"product": "p", "layout": [["boot", NaN, 4096]]}',
    "fractions": json.dumps({"layout": [[name, float(start), size] for name, start, size in LAYOUT]}),
    "huge": json.dumps({"layout": [["boot", 0, 1 << 70]]}),
    "negative": json.dumps({"layout": [["boot", -4096, 4096]]}),
    "nothing": json.dumps({"layout": [["boot", 0, 0]]}),
    "no layout": json.dumps({"layout": "abc", "board": ["a"]}),
    "a path": json.dumps({"layout": LAYOUT, "board": "../../etc/passwd"}),
    "escapes": json.dumps({"layout": LAYOUT, "board": "\x1b[2J\x07", "product": "\u202eabc", "model": "\x9b2J"}),
    "halves": json.dumps({"layout": LAYOUT, "product": "\ud800"}),
    "names": json.dumps({"layout": [["\x1b[2J", 0, 4096], *LAYOUT[1:]]}),
    "device": json.dumps({"layout": LAYOUT, "device": [1]}),
    "accounts": json.dumps({"layout": LAYOUT, "accounts": [1, {"url": 5}], "anchors": [[1, 2, 3]]}),
    "lines": json.dumps({"layout": LAYOUT, "product": float("nan"), "device": {"DevId": [1]}}),
}
WORDS = (
    ["dump"], ["dump", "--json"], ["status"], ["status", "--json"], ["flash", "info", "--json"], ["provision", "--show"],
    ["rollback", "--dry-run"], ["doctor"],
)  # fmt: skip


@pytest.fixture(scope="module")
def chip(tmp_path_factory):
    """Give the cells of a chip that is well."""
    folder = tmp_path_factory.mktemp("chip")
    sim_files.make(folder, chip_kib=SIZE >> 10)
    return (folder / "flash.bin").read_bytes()


def with_factory(cells, text):
    """Return the cells with that text in both copies of the factory region."""
    _, start, size = next(part for part in LAYOUT if part[0] == "factory")
    copy = (b"FUF1" + struct.pack("<II", len(text), zlib.crc32(text)) + text).ljust(size // 2, b"\xff")
    return cells[:start] + 2 * copy + cells[start + size :]


def fumo(monkeypatch, *words):
    """Run `fumo` here; return its exit code and all that it said."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "argv", ["fumo", *map(str, words)])
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = cli.main()
        except SystemExit as e:
            code = e.code
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("name", sorted(ODD))
def test_a_factory_region_that_nobody_has_provisioned(tmp_path, monkeypatch, chip, name):
    image = tmp_path / "flash.bin"
    image.write_bytes(with_factory(chip, ODD[name].encode("utf-8", "surrogatepass")))
    for words in WORDS:
        code, out, err = fumo(monkeypatch, *words, "-b", "file:%s" % image)
        assert code in (0, 1, 2, 3, 5, 6, 8, 10, 11), words
        assert "Traceback" not in out + err and not set("\x1b\x07\x9b\u202e") & set(out + err), words
        if "--json" in words:
            json.loads(out, parse_constant=pytest.fail)


def test_an_image_of_a_whole_chip_is_for_its_owner(tmp_path, monkeypatch, chip):
    (tmp_path / "flash.bin").write_bytes(chip)
    code, _, _ = fumo(monkeypatch, "dump", "-b", "file:%s" % (tmp_path / "flash.bin"), "-o", tmp_path / "copy.bin")
    assert code == 0 and os.stat(tmp_path / "copy.bin").st_mode & 0o777 == 0o600


@pytest.mark.parametrize("state", ["1e999", "NaN", "[1]", "{}", '"x"', "9" * 5000, "[" * 3000])
def test_a_console_with_strange_numbers(state):
    assert isinstance(
        monitor_words.explain('status {"state": %s, "bank": 0, "version": "1"}' % state), monitor_words.Meaning
    )


@pytest.mark.parametrize("said", [b">>> ", b"x" * 64, b"raw REPL", os.urandom(200)])
def test_a_board_that_talks_without_end(monkeypatch, said):
    """mpremote takes silence for the end of an answer: it never came."""
    monkeypatch.setattr(mpy_line, "_ANSWER_S", 1)
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    over = threading.Event()

    def talk():
        with contextlib.suppress(OSError):
            while not over.wait(0.001):
                os.write(ours, said * 8)

    def listen():
        with contextlib.suppress(OSError):
            while not over.is_set() and os.read(ours, 4096):
                pass

    threads = [threading.Thread(target=each, daemon=True) for each in (talk, listen)]
    [thread.start() for thread in threads]
    try:
        with pytest.raises((SilentError, ToolError)), mpy_line.connect(os.ttyname(theirs), interrupt=True):
            pytest.fail("it is no MicroPython board")
    finally:
        over.set()


MAD_TOML = {"nested": "a=" + "[" * 3000, "inline": "a=" + "{a=" * 1000, "digits": "x=" + "9" * 5000}


@pytest.mark.parametrize("name", sorted(MAD_TOML))
def test_settings_that_nobody_wrote(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fumo.toml").write_text(MAD_TOML[name])
    for words in (["config", "check"], ["config", "show", "--json"], ["status"]):
        code, out, err = fumo(monkeypatch, *words)
        assert code in (0, 1, 2) and "Traceback" not in out + err
    with pytest.raises(ToolError):
        server_toml.check(MAD_TOML[name], "server.toml")


class _Line:
    def __init__(self, answers):
        self._answers = answers

    def exec(self, command):
        """Answer."""
        return next((answer for name, answer in self._answers.items() if name in command), b"")


FACTS = b'["x", 1048576, 256, [[4096, 100]]]'


@pytest.mark.parametrize(
    "facts",
    [
        b"[" * 5000, b'["x", 1e999, 256, [[4096, 1]]]', b'["x", -1, 256, [[4096, 1]]]', b'["x", 4096, 0, [[4096, 1]]]', b"5",
        b'["x", 4096, 256, []]', b'["x", 4096, 256, [[0, 1]]]', b'["x", 4096, 256, 7]', b'["x", 4096, true, [[1, 1]]]', b"",
    ],
)  # fmt: skip
def test_a_board_that_says_strange_things_of_its_chip(facts):
    from flash_tools.chips.mpy import MpyFlash

    assert MpyFlash(_Line({"facts": FACTS + b"\n7wAA\n7wAA"}), "mpy:x").size == SIZE
    with pytest.raises(SilentError):
        MpyFlash(_Line({"facts": facts + b"\n7wAA\n7wAA"}), "mpy:x")


@pytest.mark.parametrize("found", [b"[" * 5000, b"7", b"[1e999]", b"[-1]", b"[1048576]", b'["a"]', b""])
def test_a_board_that_finds_strange_places(found):
    from flash_tools.chips.mpy import MpyFlash

    with pytest.raises(SilentError):
        MpyFlash(_Line({"facts": FACTS + b"\n7wAA\n7wAA", "scan": found}), "mpy:x").scan(b"FUF1")
