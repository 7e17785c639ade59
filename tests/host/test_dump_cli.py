"""`fumo dump` as a user runs it."""

import json
import os
import re
import threading
import tty

import pytest

from flash_tools import dump
from flash_tools.chips import open_chip
from flash_tools.errors import UsageError
from flash_tools.sim import sim_files
from hal import boot_record
from tests.host.test_fumo_cli import fumo


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dump")
    sim_files.make(folder / "dev0", chip_kib=1024)
    return folder


def test_a_simulated_device(folder):
    out = fumo("dump", "-b", "sim:%s" % (folder / "dev0"), "-o", folder / "copy.bin")
    assert out.stdout.startswith("At the next power-on bank 0 (1.0) runs, because it is confirmed.\n")
    assert (folder / "copy.bin").read_bytes() == (folder / "dev0/flash.bin").read_bytes()
    again = fumo("dump", "-b", "file:%s" % (folder / "copy.bin"), "--json")
    said = json.loads(again.stdout)
    assert (said["version"], said["command"], said["ok"]) == (1, "dump", True)
    assert said["verdict"]["runs"] == 0 and said["flash"]["bytes"] == 1 << 20


def test_people_are_told_in_their_numbers(folder):
    """Places as `fumo flash info` has them, a date, and the attempt that the timeline speaks of; a new board has no fault."""
    sim_files.make(folder / "dev1", chip_kib=1024)
    with open_chip("sim:%s" % (folder / "dev1"), write=True) as chip:
        boot_record.BootRecord(chip.regions()["boot"]).set_trial(1, 5 << 3 | 2)
    out = fumo("dump", "-b", "sim:%s" % (folder / "dev1")).stdout
    assert "region header0, start 0x006000, size 4096" in out and re.search("built +20.* UTC\n", out)
    assert "(order 5, attempt 2)" in out and "trial of bank 1, attempt 2" in out
    assert "The journal is empty: nothing was ever ordered.\n" in out and "! The journal" not in out


@pytest.mark.parametrize(
    ("board", "code", "said"),
    [
        ("file:nowhere.bin", 3, "there is no flash image"),
        ("file:empty.bin", 1, "empty"),
        ("file:.", 1, "cannot read"),
        ("nonsense", 2, "names no board"),
        ("ssh:host", 2, "cannot be done"),
    ],
)
def test_bad_boards_are_one_line(folder, board, code, said):
    (folder / "empty.bin").write_bytes(b"")
    board = board.replace("file:", "file:%s/" % folder)
    done = fumo("dump", "-b", board, code=code)
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_layout_that_does_not_suit(folder):
    (folder / "short.bin").write_bytes(b"\xff" * 5000)
    done = fumo("dump", "-b", "file:%s" % (folder / "short.bin"), "--layout", "sim_nor", code=1)
    assert "does not suit this flash" in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert "layout_found_by     unknown" in fumo("dump", "-b", "file:%s" % (folder / "short.bin")).stdout
    (folder / "layout.json").write_text("[[1]]")
    done = fumo("dump", "-b", "file:%s" % (folder / "short.bin"), "--layout", folder / "layout.json", code=1)
    assert "layout" in done.stderr


def test_an_image_cannot_be_saved_anywhere(folder):
    done = fumo("dump", "-b", "sim:%s" % (folder / "dev0"), "-o", folder / "no" / "where.bin", code=1)
    assert "cannot write" in done.stderr


def test_a_console_tells_its_status_only(tmp_path):
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def serve():
        heard = b""
        while b"status\n" not in heard:
            heard += os.read(ours, 100)
        os.write(ours, b'version 1.0\nstatus {"bank": 1, "version": "2\\u001b[31m"}\n')

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    board = "serial:" + os.ttyname(theirs)
    done = fumo("dump", "-b", board)
    thread.join(10)
    assert "bank" in done.stdout and "\x1b" not in done.stdout and "only the status" in done.stderr
    with pytest.raises(UsageError):
        dump.of_board(board, output=tmp_path / "image.bin")
    os.close(ours)
    os.close(theirs)
