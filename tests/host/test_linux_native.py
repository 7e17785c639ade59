"""The start of a native board, which has no first stage: what is missing is waited for, but never by what may be on trial."""

import fcntl
import signal
from types import SimpleNamespace

import pytest

from agent.errors import AgentError
from board import rpi_mcuboot_target, rpi_tryboot
from ports.cpython_linux.boot_files import BootFiles
from ports.cpython_linux.patience import Patience, for_native
from tests.host.linux_board import Board
from tests.host.linux_service import Service

TURNS_S = 4  # systemd's watchdog: a quarter of it is a pause, which is fed in between
_NATIVE = """

from agent.errors import AgentError

NATIVE = True
_build = build


def may_be_trial(port):
    return os.path.exists(FOLDER + "/trial")


def build(port):
    if not os.path.exists(FOLDER + "/there"):
        %s
    hardware = _build(port)
    hardware.boot.run(0)
    return hardware
"""
_MISSING = "raise AgentError('the flash does not answer')"


@pytest.fixture
def board(tmp_path):
    made = Board(tmp_path, {})
    made.write_board(more=_NATIVE % _MISSING)
    return made


def once(service, text):
    """Wait until it was said, and for five more pauses: it is not said again, and nothing has ended."""
    service.said(text)
    feeds = service.feeds
    if service._watchdog_s:
        service.wait(lambda: service.feeds > feeds + 4)
    assert sum(text in line for line in service.lines) == 1 and not service.codes, service.lines
    service.no_traceback()


@pytest.mark.parametrize(("fault", "said"), [(_MISSING, "does not answer"), ("1 / 0", "ZeroDivisionError")])
def test_hardware_that_comes_later(board, fault, said):
    board.write_board(more=_NATIVE % fault)
    with Service(board, watchdog_s=TURNS_S) as service:
        once(service, said)
        assert not any(text.startswith("READY=1") for text in service.told)
        (board.folder / "there").touch()
        service.said("listening")
        assert not service.codes and service.stop() == 0


def test_a_trial_falls_at_once(board):
    (board.folder / "trial").touch()
    with Service(board, watchdog_s=TURNS_S) as service:
        service.wait(lambda: len(service.codes) > 2)
    assert set(service.codes[:3]) == {1}


def test_a_board_file_that_does_not_tell_falls_at_once(board):
    board.write_board(more=_NATIVE % _MISSING + "\n\ndel may_be_trial\n")
    with Service(board, watchdog_s=TURNS_S) as service:
        service.wait(lambda: len(service.codes) > 2)
    assert set(service.codes[:3]) == {1}


def test_no_watchdog(board):
    """It ends only where it is ordered to, and then in order."""
    with Service(board, watchdog_s=0) as service:
        once(service, "no-watchdog is not there")
        assert service.stop() == 0 and service.codes == [0]


def test_a_stop_while_it_waits(board):
    with Service(board, watchdog_s=TURNS_S) as service:
        service.said("does not answer")
        assert service.stop() == 0 and service.codes == [0]
        service.no_traceback()


def test_an_install_that_is_at_work_is_waited_for(board):
    (board.folder / "run").mkdir(0o700)
    (board.folder / "there").touch()
    with open(board.folder / "run" / "lock", "w") as held, Service(board, watchdog_s=TURNS_S) as service:
        fcntl.flock(held, fcntl.LOCK_EX)
        once(service, "`fumo-agent install` is at work")
        fcntl.flock(held, fcntl.LOCK_UN)
        service.said("listening")


def test_a_board_that_was_never_provisioned_waits(board):
    board.spoil("factory", 8192)
    (board.folder / "there").touch()
    with Service(board, watchdog_s=TURNS_S) as service:
        once(service, "never provisioned")
        assert service.stop() == 0


# -- the parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flag", "waits"), [(b"\0\0\0\0", True), (b"\0\0\0\1", False), (None, False)])
def test_what_a_pi_knows_of_its_trial_without_any_disk(tmp_path, flag, waits):
    tree = tmp_path / "device-tree" / "chosen" / "bootloader"
    tree.mkdir(parents=True)
    if flag is not None:
        (tree / "tryboot").write_bytes(flag)
    port = SimpleNamespace(log=print, boot_files=lambda folder: BootFiles(folder, proc=str(tmp_path)))
    assert for_native(rpi_tryboot, port)._waits is waits
    assert for_native(rpi_mcuboot_target, port)._waits
    assert not for_native(SimpleNamespace(), port)._waits, "a first stage has waited already"


@pytest.mark.parametrize("before", [True, False])
def test_an_order_to_stop_ends_a_pause_and_stops_the_watchdog(before):
    """The firmware's start holds SIGTERM back: one that came while the board was built is heard as soon as somebody waits."""
    closed, dog = [], SimpleNamespace(timeout_ms=60000, feed=lambda: None, close=lambda: closed.append(1))
    patience = Patience(lambda *_: before or signal.raise_signal(signal.SIGTERM))
    patience.feeds(dog, dog.feed)

    def fail():
        if before:
            signal.raise_signal(signal.SIGTERM)
        raise AgentError("no chip")

    def stop(*_):
        raise SystemExit

    old = signal.signal(signal.SIGTERM, stop)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
    try:
        with pytest.raises(SystemExit):
            patience.ask(fail)
        assert closed == [1] and signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
        signal.signal(signal.SIGTERM, old)
