"""`fumo-agent install`: what the command does and says, and how the writer of banks on a disk treats what it finds."""

import hashlib
import os
import random

import pytest

from agent import installer
from agent.errors import LinkError
from agent.job import NO_BANK, STATE_IDLE, STATE_READY
from agent.journal import Journal
from agent.record import Record
from agent.verify import check_bank
from flash_tools.signing.keys import new_key
from ports.cpython_linux import block, install, stretch_writer
from ports.cpython_linux.install import Install, PackageFile
from ports.cpython_linux.stretch_writer import StretchWriter
from tests.bench.linux_files import MIB, Board, close
from tests.host.test_linux_block import Watching

IMAGE = random.Random(5).randbytes(9 * MIB + 4321)


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path / "b", 10 * MIB)


def command(board, *words):
    return install.main(["--board", str(board.folder / "board.py"), *map(str, words)], str(board.folder / "lock"))


def look(board):
    """Return (manifest of what bank 1 holds, record, boot control)."""
    hardware = board.hardware()
    try:
        found = check_bank(hardware.banks[1], board.trust, lambda: None)
        return found, Record(Journal(hardware.journal)), hardware.boot
    finally:
        close(hardware)


@pytest.mark.parametrize("encoding, large", [("none", True), ("none", False), ("deflate", True), ("deflate", False)])
def test_a_package_is_installed_and_held(board, capsys, encoding, large):
    image = IMAGE[: 3 * MIB] if encoding == "none" else bytes(200000) + IMAGE[:200001]
    assert command(board, board.write("new.fup", image, "2.1", encoding, large)) == 0
    assert capsys.readouterr().out == "bank 1 holds 2.1, verified\n"
    found, record, boot = look(board)
    assert found.version == "2.1" and board.bank(1, len(image)) == image
    assert record.job.state == STATE_READY and record.package.bank == 1 and not record.progress.erase_end
    assert boot.trial == 0xFF and boot.confirmed() == 0


def test_a_delta_is_made_from_the_running_image(board, capsys):
    old = board.bank(0, 2200)
    assert command(board, board.write("new.fup", old[:1000] + b"other" + old[1000:], "3", "delta", old=old)) == 0
    assert look(board)[0].version == "3"


def test_the_next_start_tries_it_where_that_is_wanted(board, capsys):
    assert command(board, "--try", board.write("new.fup", IMAGE[:5000])) == 0
    assert "restart the board" in capsys.readouterr().out
    boot = look(board)[2]
    assert boot.trial == 1 and boot.confirmed() == 0
    assert command(board, board.folder / "new.fup") == 1
    assert "an update is under way" in capsys.readouterr().err


def test_what_runs_is_not_installed_again(board, capsys):
    assert command(board, board.write("same.fup", board.bank(0, 2200), "1")) == 0
    assert capsys.readouterr().out == "1 runs already\n"


def broken(data):
    data[-10] ^= 1


@pytest.mark.parametrize(
    "change, more, text",
    [
        (None, {"key": new_key()}, "does not know the key"),
        (None, {"counter": 0}, "security counter"),
        (lambda data: data.__delitem__(slice(-5, None)), {}, "ends before its package does"),
        (lambda data: data.__delitem__(slice(0, None)), {}, "ends before its package does"),
        (broken, {}, "was damaged on its way"),
        (lambda data: data.__setitem__(0, 0), {}, "not an update package"),
    ],
)
def test_what_is_wrong_is_one_line(board, capsys, change, more, text):
    data = bytearray(board.package(IMAGE[: MIB + 17], **more))
    if change:
        change(data)
    (board.folder / "bad.fup").write_bytes(data)
    assert command(board, board.folder / "bad.fup") == 1
    said = capsys.readouterr()
    assert text in said.err and said.err.count("\n") == 1 and not said.out
    assert look(board)[0] is None
    assert command(board, board.write("good.fup", IMAGE[: MIB + 17])) == 0
    assert look(board)[0].version == "2"


def test_an_image_too_large_and_one_of_another_layout(board, capsys, tmp_path):
    other = Board(tmp_path / "other", 12 * MIB, board.key)
    assert command(board, other.write("new.fup", IMAGE)) == 1
    assert "layout" in capsys.readouterr().err
    board.bank_size = 10 * MIB
    assert command(board, board.write("large.fup", IMAGE + bytes(2 * MIB))) == 1
    assert "does not fit" in capsys.readouterr().err


def test_words_that_are_wrong(board, capsys):
    assert install.main([]) == install.main(["a", "b"]) == install.main(["--what", "a"]) == 2
    assert install.main(["--help"]) == 0
    capsys.readouterr()
    assert command(board, board.folder / "none.fup") == 1
    assert "cannot read" in capsys.readouterr().err
    assert install.main(["--board", str(board.folder / "none.py"), "x"], str(board.folder / "lock")) == 1
    assert "cannot read the board file" in capsys.readouterr().err


def test_not_while_the_service_runs(board, capsys):
    held = install.lock(str(board.folder / "lock"))
    package = board.write("new.fup", IMAGE[:5000])
    assert command(board, package) == 1
    assert "the agent runs" in capsys.readouterr().err
    os.close(held)
    assert command(board, package) == 0


def test_a_board_that_was_never_provisioned(board, capsys):
    hardware = board.hardware()
    for addr in (0, 4096):
        hardware.factory.erase(addr, 4096)
    close(hardware)
    assert command(board, board.write("new.fup", IMAGE[:5000])) == 1
    assert "never provisioned" in capsys.readouterr().err


def test_of_a_package_that_is_broken_nothing_is_gone_on_with(board, capsys):
    data = bytearray(board.package(IMAGE))
    broken(data)
    (board.folder / "bad.fup").write_bytes(data)
    assert command(board, board.folder / "bad.fup") == 1
    _, record, _ = look(board)
    assert not record.progress.image and record.package.dirty_from == 0


def test_what_was_held_is_not_once_another_one_has_begun(board, capsys, monkeypatch):
    assert command(board, board.write("held.fup", IMAGE[:MIB])) == 0
    assert look(board)[1].job.state == STATE_READY
    monkeypatch.setattr(StretchWriter, "_write", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        command(board, board.write("new.fup", IMAGE[1:], "3"))
    record = look(board)[1]
    assert record.job.state == STATE_IDLE and record.package.bank == NO_BANK


# -- the writer -------------------------------------------------------------------------------------------------------


def written(board, package):
    """Install; return the (offset, size) of what went into bank 1."""
    watching = Watching()
    paths = {}
    block.os = watching
    try:
        hardware = board.hardware()
        stream = PackageFile(package)
        image = hardware.banks[1].image
        Install(hardware, board.trust).run(stream)
        paths = {image._fd, image._direct}
        stream.close()
        close(hardware)
    finally:
        block.os = os
    return sorted((call[3], len(call[2])) for call in watching.calls if call[0] == "pwrite" and call[1] in paths)


def test_what_the_bank_holds_already_is_left_alone(board):
    package = board.write("new.fup", IMAGE)
    assert sum(size for _, size in written(board, package)) == len(IMAGE)
    assert written(board, package) == []
    changed = bytearray(IMAGE)
    changed[5 * MIB] ^= 1
    places = written(board, board.write("other.fup", bytes(changed), "3"))
    assert places == [(4 * MIB, 2 * MIB)] and look(board)[0].version == "3"
    assert board.bank(1, len(IMAGE)) == bytes(changed)


def test_from_a_doubtful_place_on_all_is_written(board):
    package = board.write("new.fup", IMAGE)
    written(board, package)
    hardware = board.hardware()
    record = Record(Journal(hardware.journal))
    record.package.dirty_from = 4 * MIB
    record.begin_push()
    close(hardware)
    assert sum(size for _, size in written(board, package)) == len(IMAGE) - 4 * MIB


class Link:
    """A link that is slow: nothing every second time, and it breaks at the end of what it has."""

    def __init__(self, data):
        self.data, self.at, self.calls = data, 0, 0

    def read_into(self, into):
        self.calls += 1
        if self.calls % 2:
            return None
        if self.at == len(self.data):
            raise LinkError("the link is broken")
        count = min(len(into), 20000, len(self.data) - self.at)
        into[:count] = self.data[self.at : self.at + count]
        self.at += count
        return count


def test_a_link_that_breaks_before_a_stretch_is_full_still_gets_on(board):
    package = board.package(IMAGE[: 3 * MIB], large=False)
    hardware = board.hardware()
    record = Record(Journal(hardware.journal))
    work = installer.Installer(hardware.banks[1], board.trust, None, record)
    work.start(hardware.erase_units, hardware.layout, None)
    link = Link(package[: 2 * MIB])
    with pytest.raises(LinkError):
        while True:
            work.step(link)
    noted = Record(Journal(hardware.journal)).progress
    close(hardware)
    least = 2 * stretch_writer._LEAST + 100000
    assert noted.image == hashlib.sha256(IMAGE[: 3 * MIB]).digest()[:8] and noted.package_at > 2 * MIB - least
