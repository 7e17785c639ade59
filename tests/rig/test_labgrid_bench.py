"""What needs no board: environments as labgrid itself understands them, a real board's driver over recorded hands, the listener."""

import os
import threading

import pytest

pytest.importorskip("labgrid", reason="labgrid is not installed here: `make rig` has it")

import attr
from labgrid import Environment, Target
from labgrid.driver.exception import ExecutionError
from labgrid.driver.fake import FakeCommandDriver, FakeFileTransferDriver, FakePowerDriver
from labgrid.strategy import StrategyError
from pexpect import TIMEOUT

from flash_tools.errors import SilentError, ToolError
from flash_tools.rig import environment
from flash_tools.rig.labgrid.drivers import take_folder
from flash_tools.rig.labgrid.listener import Listener
from flash_tools.rig.labgrid.resources import DmBench, FumoBoard
from flash_tools.rig.labgrid.shell_driver import ShellBoardDriver
from flash_tools.rig.labgrid.wire import Wire
from flash_tools.rig.wishes import Wishes
from tests.rig import __main__ as rig_main
from tests.rig import tally


@pytest.mark.parametrize("name", ["sim", "emulated", "bench"])
def test_labgrid_binds_it(name):
    """Every driver finds what it needs; nothing is switched or opened."""
    target = Environment(str(environment.find(name))).get_target()
    strategy = target.get_strategy()
    assert strategy.dm and strategy.power and strategy.console and strategy.board.board.kind
    with pytest.raises(StrategyError, match="no state shell, only off, confirmed"):
        strategy.transition("shell")


# -- a real board ------------------------------------------------------------------------------------------------------

done = []


@attr.s(eq=False)
class Power(FakePowerDriver):
    def on(self):
        done.append("power on")

    def off(self):
        done.append("power off")


@attr.s(eq=False)
class Shell(FakeCommandDriver):
    deaf = 0  # so many times there is no board yet

    def on_activate(self):
        if Shell.deaf:
            Shell.deaf -= 1
            raise ExecutionError("no route to host")
        done.append("shell opens")

    def on_deactivate(self):
        done.append("shell closes")

    def run_check(self, command, timeout=30):
        done.append(command)


@attr.s(eq=False)
class Copy(FakeFileTransferDriver):
    def put(self, here, there):
        done.append("copy %d bytes to %s" % (os.path.getsize(here), there))


def real_board(**facts):
    done.clear()
    target = Target("main")
    FumoBoard(target, None, kind="sim", **facts)
    Power(target, None), Shell(target, None), Copy(target, None)
    driver = ShellBoardDriver(target, None)
    target.activate(driver)
    return driver


def test_a_real_board_is_renewed_over_its_shell():
    driver = real_board(renew="make-it {folder}/flash.bin", notify="192.0.2.7", device_id="rig:9")
    driver.renew({}, Wishes())
    start = done.index("power on")
    assert done[start : start + 2] == ["power on", "shell opens"]
    assert "copy 1048576 bytes to /run/fumo-rig/flash.bin" in done
    assert done[-3:] == ["make-it /run/fumo-rig/flash.bin && sync", "shell closes", "power off"]
    assert driver.address(2948) == ("192.0.2.7", 2948) and driver.device_id == "rig:9"
    assert driver.update("2.0", "crash")


def test_a_real_board_takes_its_time_to_come_up(monkeypatch):
    monkeypatch.setattr("flash_tools.rig.labgrid.shell_driver._PAUSE_S", 0)
    monkeypatch.setattr(Shell, "deaf", 3)
    driver = real_board(renew="true")
    driver.renew({}, Wishes())
    assert done.index("power on") < done.index("shell opens")
    driver.boot_s = -1
    Shell.deaf = 1
    with pytest.raises(SilentError, match="no shell .* no route to host"):
        driver.renew({}, Wishes())


def test_a_real_board_about_which_nothing_is_said():
    driver = real_board()
    with pytest.raises(ToolError, match="say in its FumoBoard what makes it anew"):
        driver.renew({}, Wishes())
    with pytest.raises(ToolError, match="notify: HOST"):
        driver.address(2948)
    assert "power on" not in done


def test_boards_beside_each_other_have_folders_of_their_own(tmp_path):
    resource = FumoBoard(Target("main"), None, folder=str(tmp_path / "b"))
    first, lock = take_folder(resource)
    second, other = take_folder(resource)
    assert (first.name, second.name) == ("b-main-1", "b-main-2")
    os.close(lock)
    assert take_folder(resource)[0] == first, "it is free again"
    os.close(other)


def test_resources_are_checked():
    for make in (lambda target: FumoBoard(target, None, kind=7), lambda target: DmBench(target, None, host=None)):
        with pytest.raises(TypeError):
            make(Target("main"))


# -- the listener ------------------------------------------------------------------------------------------------------


class Console:
    """A console that says what is fed to its wire."""

    def __init__(self):
        self.wire = Wire()

    def _read(self, size, timeout, max_size):
        return self.wire.take(size, timeout, max_size)


@pytest.fixture
def heard():
    console = Console()
    listener = Listener(console)
    yield console.wire.feed, listener
    listener.stop()


def test_lines_come_whole_in_whatever_pieces(heard):
    feed, listener = heard
    for byte in b"state 10\r\nprogress 17\nboot 7 bank 1 trial version 2.0 good power\r\nend 0\r\n":
        feed(bytes([byte]))
    listener.wait_for("end", timeout_s=5)
    assert listener.lines == ["state 10", "progress 17", "boot 1 bank 1 trial version 2.0 good power", "end 0"]


def test_starts_are_counted_since_the_power_came(heard):
    feed, listener = heard
    feed(b"boot 1 bank 0 confirmed version 1.0 x\nboot bank 1 trial version 2.0 x\nstate 6")
    listener.wait_for("boot 2 bank 1 trial", timeout_s=5)
    listener.power_comes()
    feed(b"boot 1 bank 0 confirmed version 1.0 power\nbooted\n")
    listener.wait_for("booted", timeout_s=5)
    assert listener.lines[-2:] == ["boot 1 bank 0 confirmed version 1.0 power", "booted"], (
        "what the cut tore off is no line"
    )


def test_a_line_that_is_gone(heard):
    feed, listener = heard
    feed(b"state 10\n")
    listener.wait_for("state", timeout_s=5)
    listener._console = None  # whatever a serial library raises then
    with pytest.raises(TimeoutError, match="never said state 90; it said: state 10 .its console is gone"):
        listener.wait_for("state 90", timeout_s=30)
    assert not listener.alive


def test_a_wire_gives_what_is_asked():
    wire = Wire()
    with pytest.raises(TIMEOUT):
        wire.take(1, 0.01)
    wire.feed(b"abcdef")
    assert wire.take(1, 0, 2) == b"ab" and wire.take(1, 0) == b"cdef"
    threading.Timer(0.05, wire.feed, (b"late",)).start()
    assert wire.take(4, 10) == b"late"


# -- the counts --------------------------------------------------------------------------------------------------------


def test_phases():
    lines = []
    for line, phase in (
        ("boot 1 bank 0 confirmed version 1.0 good power", "idle"),
        ("state 10", "idle"),
        ("state 30", "download"),
        ("progress 17", "download"),
        ("state 40", "verify"),
        ("state 50", "ready"),
        ("state 60", "install"),
        ("boot 2 bank 1 trial version 2.0 good commanded", "trial"),
        ("state 60", "trial"),
        ("state 90", "report"),
    ):
        lines.append(line)
        assert tally.phase_of(lines) == phase, line
    assert tally.phase_of(["state 60", "boot 3 bank 0 confirmed version 1.0 x"]) == "install"


def test_the_total():
    total = tally.Total()
    good, bad = tally.Tally(), tally.Tally()
    good.heard("boot 1 bank 0"), good.cut("trial", tally.KILLED), good.cut("download")
    bad.heard("defect programmed over data"), bad.cut("trial", tally.TORN)
    total.add("a", "passed", good.packed())
    total.add("b", "failed", bad.packed())
    total.add("c", "failed", tally.Tally().packed())
    total.add("d", "skipped", None)
    total.add("e", "failed", None)
    total.add("f", "passed", None)
    other = tally.Total()
    other.merge(total.packed())
    assert other.violations == ["b: defect programmed over data", "c failed", "e failed"]
    assert other.figures(1.26) == {
        "scenarios": 3, "passed": 1, "other_tests": 2, "skipped": 1, "power_cuts": 3, "cuts_by_phase": {"download": 1, "trial": 2},
        "cuts_download": 1, "cuts_trial": 2, "cuts_killed": 1, "killed_by_phase": {"trial": 1}, "cuts_torn": 1,
        "torn_by_phase": {"trial": 1}, "boots": 1, "violations": 3, "seconds": 1.3,
    }  # fmt: skip


def test_a_whole_run_that_cuts_too_rarely_is_a_violation():
    total = tally.Total()
    killed = {tally.KILLED + " " + phase: 13 for phase in tally.CUT_PHASES}
    total.emulated.update(killed | {tally.TORN + " trial": 5})
    total.check_whole()
    assert total.violations == []
    for less in ({tally.KILLED + " ready": 9}, {tally.TORN + " trial": 1}, dict.fromkeys(killed, 2)):
        total.violations.clear()
        total.emulated.subtract(less)
        total.check_whole()
        assert len(total.violations) == 1, less
        total.emulated.update(less)


@pytest.mark.parametrize(
    ("names", "select", "apart"),
    [((), "", True), ((), "short", True), (("emulated",), "", True), (("mine.yaml",), "", False)],
)
def test_only_a_lab_of_ones_own_has_the_machines_network(monkeypatch, capsys, tmp_path, names, select, apart):
    entered = []
    monkeypatch.setattr(rig_main.loopback, "enter", lambda: entered.append(1) and "")
    monkeypatch.setattr(rig_main.environment, "find", lambda name: tmp_path)
    rig_main._enter(rig_main.choose(list(names), select))
    assert bool(entered) == apart and ("loopback only" in capsys.readouterr().out) == apart
