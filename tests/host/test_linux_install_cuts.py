"""An install into banks that are files, cut anywhere: by a kill, and by a power cut that loses what was not synced."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.verify import check_bank, read_manifest
from ports.cpython_linux import block, stretch_writer
from ports.cpython_linux.install import Install, PackageFile
from tests.bench.linux_files import MIB, Board, close
from tests.host.lossy_disk import LossyDisk, PowerCut

ROOT = Path(__file__).resolve().parents[2]
STRETCH = 32768
SIZE = 6 * STRETCH + 12345
NEW = random.Random(1).randbytes(SIZE)
OLD = random.Random(2).randbytes(SIZE - 50000)
SIMILAR = NEW[: 2 * STRETCH] + OLD[2 * STRETCH :]


class Copy(Board):
    """A board like another one, in a folder of its own."""

    def __init__(self, board, folder):
        self.folder, self.bank_size, self.key, self._like = folder, board.bank_size, board.key, board

    def fresh(self):
        """Begin again."""
        for path in self._like.folder.iterdir():
            shutil.copyfile(path, self.folder / path.name)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A board whose spare bank holds a firmware that is whole."""
    board = Board(tmp_path_factory.mktemp("board") / "b", MIB)
    board.install(board.write("old.fup", OLD, large=False))
    board.write("new.fup", NEW, "3", large=False)
    board.write("similar.fup", SIMILAR, "4", large=False)
    board.write("packed.fup", NEW[: 2 * STRETCH] + bytes(300000) + NEW[:100000], "5", "deflate")
    board.write("large.fup", NEW * 2, "6")
    return board


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch):
    monkeypatch.setattr(stretch_writer, "STRETCH", STRETCH)


@pytest.fixture
def board(template, tmp_path):
    copy = Copy(template, tmp_path)
    copy.fresh()
    return copy


def attempt(board, package, monkeypatch, disk):
    """Install with that disk; return the offsets that the package was read from, None behind them once it is done."""
    monkeypatch.setattr(block, "os", disk)
    seeks, hardware = [], None
    try:
        hardware, stream = board.hardware(), PackageFile(board.folder / package)
        seek = stream.seek
        stream.seek = lambda offset: (seeks.append(offset), seek(offset))
        Install(hardware, board.trust).run(stream)
        seeks.append(None)
    except PowerCut:
        pass
    finally:
        monkeypatch.setattr(block, "os", os)
        if hardware:
            close(hardware)
    return seeks


def check(board):
    """A header that is valid stands beside the image that it names; the running bank is what it was."""
    hardware = board.hardware()
    try:
        claimed = read_manifest(hardware.banks[1], board.trust)
        whole = check_bank(hardware.banks[1], board.trust, lambda: None)
        assert (claimed is None) == (whole is None), "the header is valid, the image is not"
        assert check_bank(hardware.banks[0], board.trust, lambda: None).version == "1"
        return whole
    finally:
        close(hardware)


@pytest.mark.parametrize(
    "package, version", [("new.fup", "3"), ("similar.fup", "4"), ("packed.fup", "5"), ("large.fup", "6")]
)
@pytest.mark.parametrize("seed", range(5))
def test_what_a_power_cut_loses_is_made_up_for(board, monkeypatch, package, version, seed):
    rng = random.Random(f"{package} {seed}")
    most = 40  # operations that every one of them takes
    cuts = 0
    while cuts < 8:
        seeks = attempt(board, package, monkeypatch, LossyDisk(rng, rng.randrange(1, most)))
        check(board)
        if None in seeks:
            break
        cuts += 1
        most = rng.choice((40, 80, 160, 320))
    if None not in seeks:
        attempt(board, package, monkeypatch, LossyDisk(rng))
    assert cuts and check(board).version == version


def test_every_operation_of_one_install_is_cut(template, tmp_path, monkeypatch):
    counted = LossyDisk(random.Random(0))
    board = Copy(template, tmp_path)
    board.fresh()
    assert attempt(board, "new.fup", monkeypatch, counted)[-1] is None
    for at in range(1, counted.operations + 1, 7):
        board.fresh()
        rng = random.Random(at)
        attempt(board, "new.fup", monkeypatch, LossyDisk(rng, at))
        check(board)
        attempt(board, "new.fup", monkeypatch, LossyDisk(rng))
        assert check(board).version == "3", at


def test_it_goes_on_at_the_last_stretch_that_was_noted(template, tmp_path, monkeypatch):
    counted, offsets = LossyDisk(random.Random(0)), []
    board = Copy(template, tmp_path)
    board.fresh()
    attempt(board, "new.fup", monkeypatch, counted)
    for at in range(counted.operations // 3, counted.operations, counted.operations // 12):
        board.fresh()
        attempt(board, "new.fup", monkeypatch, LossyDisk(random.Random(at), at))
        offsets += [each for each in attempt(board, "new.fup", monkeypatch, LossyDisk(random.Random(at))) if each]
    package = (board.folder / "new.fup").stat().st_size
    assert offsets == sorted(offsets) and offsets[0] > 0
    assert package - offsets[-1] < 2 * (STRETCH // 4096) * (4096 + 20)


def kill_at(board, package, at):
    words = [sys.executable, "-m", "tests.host.install_child", str(at), str(board.folder / "lock")]
    words += ["--board", str(board.folder / "board.py"), str(board.folder / package)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(words, capture_output=True, text=True, env=env, cwd=ROOT, timeout=60)


def test_a_killed_command_goes_on_where_it_was(template, tmp_path):
    board = Board(tmp_path / "b", 16 * MIB)
    image = random.Random(3).randbytes(13 * MIB + 777)
    package = board.write("new.fup", image)
    rng, killed = random.Random(4), 0
    for most in (20, 60, 40, 30, 60, 20):
        done = kill_at(board, package.name, rng.randrange(2, most))
        if done.returncode != -signal.SIGKILL:
            assert done.returncode == 0, done.stderr
            break
        killed += 1
        check(board)
    assert kill_at(board, package.name, 0).stdout == "bank 1 holds 2, verified\n"
    assert killed >= 2 and board.bank(1, len(image)) == image and check(board).version == "2"
