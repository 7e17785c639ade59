"""A lab of more than one: places that people acquire, release and reserve; what goes wrong, and what it says then."""

import socket
import subprocess
import sys

import pytest

pytest.importorskip("labgrid", reason="labgrid is not installed here: `make rig` has it")

from flash_tools.errors import NotFoundError, ToolError
from flash_tools.rig import environment
from flash_tools.rig.lab import HOST, Lab
from tests.rig.conftest import pick


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with Lab("sim", boards=2, folder=tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def held(lab):
    """Give the lab with both places ours."""
    for place in lab.places:
        lab.client("-p", place, "acquire")
    yield lab
    for place in lab.places:
        lab.client("-p", place, "release")


def python(lab, source, *words):
    """Run Python where LG_COORDINATOR is the lab's."""
    return subprocess.run(
        [sys.executable, "-c", source, *words], env=lab.environment, capture_output=True, text=True, timeout=60
    )


OPEN = """
import sys
from labgrid import Environment
env = Environment(sys.argv[1])
"""
REMOTE = str(environment.find("remote"))


def test_places_and_who_has_them(lab):
    assert lab.client("places").split() == ["fumo-0", "fumo-1"]
    lab.client("-p", "fumo-0", "acquire")
    try:
        assert "fumo-0" in lab.client("who") and "fumo-1" not in lab.client("who")
        with pytest.raises(ToolError, match="already acquired by"):
            lab.client("-p", "fumo-0", "acquire", LG_USERNAME="somebody", LG_HOSTNAME="else")
        with pytest.raises(ToolError, match="not acquired"):
            lab.client("-p", "fumo-1", "power", "on")
    finally:
        lab.client("-p", "fumo-0", "release")
    assert "fumo-0" not in lab.client("who")


def test_a_place_that_is_not_ours_is_refused_by_a_run(lab):
    done = python(lab, OPEN + "env.get_target()", REMOTE)
    assert done.returncode and "not acquired" in done.stderr


def test_a_reservation_is_kept_for_who_made_it(lab):
    lab.client("-p", "fumo-1", "set-tags", "board=sim")
    said = lab.client("reserve", "--shell", "board=sim")
    token = said.partition("LG_TOKEN=")[2].split()[0]
    try:
        with pytest.raises(ToolError, match="reserved"):
            lab.client("-p", "fumo-1", "acquire", LG_USERNAME="somebody", LG_HOSTNAME="else")
        lab.client("-p", "+", "acquire", LG_TOKEN=token)
        assert "fumo-1" in lab.client("who")
        lab.client("-p", "+", "release", LG_TOKEN=token)
    finally:
        lab.client("cancel-reservation", token)
    lab.client("-p", "fumo-1", "acquire")
    lab.client("-p", "fumo-1", "release")


def test_stock_power_by_the_stock_client(held):
    """`labgrid-client power`: the board server is a power switch like another one."""
    words = ("-c", REMOTE, "-p", "fumo-0", "power")
    assert "off" in held.client(*words, "get")
    with pytest.raises(ToolError, match="404 Client Error"):  # it has no files yet
        held.client(*words, "on")
    assert "off" in held.client(*words, "get")


TWO = (
    OPEN
    + """
strategies = [env.get_target(name).get_strategy() for name in ("main", "second")]
for strategy in strategies:
    strategy.transition("updating")
addresses = {strategy._address for strategy in strategies}
folders = {strategy.board.board.url for strategy in strategies}
codes = [strategy.order.wait(60).code for strategy in strategies]
for strategy in strategies:
    strategy.transition("off")
print(len(addresses), len(folders), codes)
"""
)


def test_two_boards_at_once_from_one_program(held):
    done = python(held, TWO, REMOTE)
    assert done.stdout.strip() == "2 2 [200, 200]", done.stderr[-800:]


def test_what_the_exporter_gives_away_is_data(held):
    shown = held.client("-p", "fumo-1", "show")
    for word in ("FumoBoard", "NetworkPowerPort", "NetworkSerialPort", "simplerest", "'kind': 'sim'"):
        assert word in shown


def test_an_exporter_that_is_gone(tmp_path):
    with Lab("sim", boards=1, folder=tmp_path) as lab:
        lab.client("-p", "fumo-0", "acquire")
        lab.stop("exporter")
        done = python(lab, OPEN + "env.get_target().get_strategy().transition('off')", REMOTE)
        assert done.returncode and "Traceback" in done.stderr, "labgrid's own words"
        lab.client("places")


def test_a_board_server_that_is_gone(tmp_path):
    with Lab("sim", boards=1, folder=tmp_path) as lab:
        lab.client("-p", "fumo-0", "acquire")
        source = (
            OPEN.replace("env = ", "import labgrid\nenv = ")
            + "driver = env.get_target().get_driver('ServedBoardDriver')\n"
        )
        lab.stop("board server")
        done = python(lab, source + "driver.renew({}, None)", REMOTE)
        assert "no board server answers at http://127.0.0.1" in done.stderr
        lab.client("-p", "fumo-0", "release")


def test_a_lab_that_cannot_start_leaves_nothing(tmp_path, monkeypatch):
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("flash_tools.rig.lab.free_port", lambda: port)
        with pytest.raises(ToolError, match="board server did not start.*cannot listen"):
            Lab("sim", folder=tmp_path).__enter__()
    with pytest.raises(NotFoundError, match="no environment nowhere"):
        Lab("nowhere", folder=tmp_path).__enter__()


def test_a_worker_for_which_there_is_no_board():
    assert pick(["main", "second"], 1, False) == "second" and pick(["main"], 7, True) == "main"
    with pytest.raises(pytest.exit.Exception, match="has 2 boards, and this is worker 3: say BOARDS=2"):
        pick(["main", "second"], 2, False)
