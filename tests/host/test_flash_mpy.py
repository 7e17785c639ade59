"""`mpy:`: a flash behind a MicroPython board, the real interpreter on a pseudo-terminal, its line dropped in the middle."""

import json
import random

import pytest
from mpremote.transport_serial import SerialTransport

from flash_tools.chips import checks, open_chip
from flash_tools.errors import SilentError
from flash_tools.flash import flash_job, flash_place
from flash_tools.sim import sim_files
from tests.host.fake_chips import fumo, state
from tests.host.raw_repl.rig import Board
from tests.host.test_micropython import micropython  # noqa: F401  the fixture that skips

pytestmark = pytest.mark.usefixtures("micropython")

K = 1024
WIRES = "?spi=0&cs=17"
LAYOUT = [["boot", 0, 12 * K], ["bank0", 64 * K, 512 * K], ["bank1", 1024 * K, 512 * K]]


@pytest.fixture
def layout(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", state(tmp_path)["XDG_STATE_HOME"])
    path = tmp_path / "layout.json"
    path.write_text(json.dumps(LAYOUT))
    return str(path)


def on(board, layout, *words, code=0, wires=WIRES):
    out, err = fumo("flash", *words, "-b", "mpy:%s%s" % (board.port, wires), "--layout", layout, code=code)
    return json.loads(out) if "--json" in words and out else err


def test_a_chip_from_first_look_to_verified(tmp_path, layout):
    image = random.Random(1).randbytes(20 * K) + b"\xff" * 20 * K + b"end"
    (tmp_path / "image").write_bytes(image)
    with Board(tmp_path, heap="400k") as board:
        said = on(board, layout, "info", "--json")
        assert (said["chip"]["name"], said["chip"]["jedec_id"]) == ("W25Q16", "ef 40 15")
        assert said["chip"]["sfdp"]["size"] == 2 << 20
        assert on(board, layout, "write", "bank1", tmp_path / "image", "--json")["programmed"] == 24 * K
        before = board.received
        assert on(board, layout, "write", "bank1", tmp_path / "image", "--json")["programmed"] == 0
        assert board.received - before < 60 * K  # the driver, and no image
        on(board, layout, "verify", "bank1", tmp_path / "image")
        on(board, layout, "read", "--range", "1M:44K", tmp_path / "back")
        on(board, layout, "erase", "--range", "1M:4K")
    assert (tmp_path / "back").read_bytes() == image.ljust(44 * K, b"\xff")
    assert board.cells.read_bytes()[1024 * K :][: len(image)] == b"\xff" * 4096 + image[4096:]
    assert board.log == []


def test_nothing_stays_on_the_board(tmp_path, layout):
    with Board(tmp_path) as board:
        on(board, layout, "info")
        line = SerialTransport(board.port, timeout=2)
        line.enter_raw_repl(soft_reset=False)
        assert line.exec("import os, sys\nprint(os.listdir('/'), sys.path)") == b"[] ['', '.frozen', '/lib']\r\n"
        line.close()
        assert board.starts == 1


def test_a_program_that_runs_is_left_alone(tmp_path, layout):
    with Board(tmp_path, "f = open('/n', 'a'); f.write('x'); f.close()\nwhile True:\n    pass\n") as board:
        assert "--interrupt" in on(board, layout, "info", code=4)
        assert board.interrupts == 0
        on(board, layout, "info", "--interrupt")
        assert board.interrupts == 1
        assert "--interrupt" in on(board, layout, "info", code=4)  # it runs again
        on(board, layout, "info", "--interrupt")
        line = SerialTransport(board.port, timeout=2)
        line.enter_raw_repl(soft_reset=False)
        assert line.exec("print(open('/n').read())").startswith(b"xx") and board.starts == 1
        line.close()


@pytest.mark.parametrize(
    ("options", "wires", "code", "said"),
    [
        ({"fault": "ff"}, WIRES, 3, "no flash answers"),
        ({}, "?spi=0&cs=16", 3, "no flash answers"),
        ({"fault": "no-wel"}, WIRES, 1, "refuses to be written"),
        ({}, "?spi=7&cs=17", 1, "SPI"),
    ],
)
def test_what_goes_wrong(tmp_path, layout, options, wires, code, said):
    with Board(tmp_path, **options) as board:
        assert said in on(board, layout, "write", "bank1", layout, code=code, wires=wires)


@pytest.mark.parametrize("after", [2000, 31000, 60000])
def test_a_line_that_drops_is_7_and_the_next_run_finishes(tmp_path, layout, after):
    image = random.Random(2).randbytes(32 * K)
    (tmp_path / "image").write_bytes(image)
    (tmp_path / "old").write_bytes(random.Random(3).randbytes(32 * K))
    with Board(tmp_path) as board:
        on(board, layout, "write", "bank1", tmp_path / "old")
        board.drop_after = board.received + after
        on(board, layout, "write", "bank1", tmp_path / "image", code=7)
        on(board, layout, "write", "bank1", tmp_path / "image")
        on(board, layout, "verify", "bank1", tmp_path / "image")
    assert board.cells.read_bytes()[1024 * K :][: len(image)] == image


def test_checks_through_a_board(tmp_path, layout):
    with Board(tmp_path) as board, open_chip("mpy:%s%s" % (board.port, WIRES), layout, write=True) as chip:
        found = {check.name: check for check in checks.reading(chip)}
        assert found["id"].ok and found["status"].ok and found["tables"].ok and found["reads"].ok
        assert checks.write_test(chip, "bank1").ok


def test_a_board_that_dies(tmp_path, layout):
    with Board(tmp_path) as board:
        with pytest.raises(SilentError), open_chip("mpy:%s%s" % (board.port, WIRES), layout, write=True) as chip:
            board._process.kill()
            flash_job.write(chip, flash_place.find(chip, "bank1"), b"x" * 4096)


def test_a_device_from_its_own_words(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    device = sim_files.make(tmp_path / "dev", version="1.0")
    (tmp_path / "up.fup").write_bytes(device.update("2.0"))
    with Board(tmp_path, cells=device.flash.read_bytes()) as board:
        where = ("-b", "mpy:%s%s" % (board.port, WIRES))
        held = json.loads(fumo("flash", "info", *where, "--json")[0])["regions"]
        assert {part["name"]: part["holds"] for part in held}["bank0"] == "1.0, confirmed"
        fumo("flash", "write", "bank0", tmp_path / "up.fup", *where, code=2)
        assert "signature: good" in fumo("flash", "write", "bank1", tmp_path / "up.fup", *where)[1]
        assert "nothing was written" in fumo("flash", "write", "bank1", tmp_path / "up.fup", *where)[1]
        fumo("flash", "verify", "bank1", tmp_path / "up.fup", *where)
    device.flash.write_bytes(board.cells.read_bytes())
    fumo("flash", "verify", "bank1", tmp_path / "up.fup", "-b", "sim:%s" % device.folder)
