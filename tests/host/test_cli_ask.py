"""What cannot be had back is asked about on a terminal, and wants --yes from a script."""

import os
import pty
import subprocess
import sys

import pytest

from agent.journal import Journal
from flash_tools.chips import open_chip
from flash_tools.sim import sim_files
from tests.host.fumo_inside import inside
from tests.host.test_micropython import ROOT


@pytest.fixture
def board(tmp_path):
    """Give a simulated device with a setting of a server's."""
    sim_files.make(tmp_path / "dev0", size=8192)
    name = "sim:%s" % (tmp_path / "dev0")
    with open_chip(name, write=True) as chip:
        Journal(chip.regions()["settings"]).put(((7, b"a server's"),))
    return name


def settings(board):
    with open_chip(board) as chip:
        region = chip.regions()["settings"]
        found = bytearray(region.size)
        region.read(0, found)
        return bytes(found)


def typed(answer, *words):
    """Run `fumo words...` on a terminal where that is typed; return the exit code and what it says."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flash_tools", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    os.close(theirs)
    os.write(ours, answer)
    said = process.communicate(timeout=30)[1]
    os.close(ours)
    return process.returncode, said


def test_a_script_has_to_say_yes(board, capsys, monkeypatch):
    before = settings(board)
    _, said = inside(capsys, monkeypatch, "factory-reset", "-b", board, code=2)
    assert "say --yes" in said and settings(board) == before
    inside(capsys, monkeypatch, "factory-reset", "-b", board, "--dry-run")
    assert settings(board) == before
    inside(capsys, monkeypatch, "factory-reset", "-b", board, "--yes")
    assert settings(board) != before


@pytest.mark.parametrize(("answer", "code", "done"), [(b"n\n", 1, False), (b"\n", 1, False), (b"y\n", 0, True)])
def test_who_sits_there_is_asked(board, answer, code, done):
    before = settings(board)
    ended, said = typed(answer, "factory-reset", "-b", board)
    assert ended == code and "for good. Go on?" in said, said
    assert (settings(board) != before) is done
    assert done or "nothing was done" in said
