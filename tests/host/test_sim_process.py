"""The simulated device as a process, on both interpreters: updates over real sockets, its power cut in every way there is."""

import json
import signal
import time

import pytest

from flash_tools.server.bench import BenchServer
from flash_tools.server.pki import Authority
from flash_tools.sim import sim_files
from flash_tools.sim.sim_process import POWER_CUT, command
from ports.sim.watcher import EFFECTS
from tests.host.sim_devices import INTERPRETERS, QUICK, TIMEOUT_S, device, needs, without_account

ID = "sim:1"
K = 1024
SLOW = (*QUICK, "--speed", 0.3)  # an update of 128 KiB takes about a second of flash time


@pytest.fixture(params=INTERPRETERS)
def micropython(request):
    return needs(request.param)


@pytest.fixture
def alone(tmp_path):
    return without_account(tmp_path)


@pytest.fixture(scope="module")
def server():
    with BenchServer() as server:
        yield server


@pytest.fixture
def files(server, tmp_path):
    return sim_files.make(tmp_path / "device", server.add_device(ID))


def status(process):
    start = len(process.lines)
    process.send("status")
    return json.loads(process.wait_for("status", 10, start).partition(" ")[2])


def words(process, first):
    return [line.split() for line in process.lines if line.split()[0] == first]


def order(server, files, version="2.0", size=128 * K, **options):
    return server.order(ID, server.add_package(files.update(version, size=size)), **options)


def test_a_complete_update(server, files, micropython):
    job = order(server, files)
    process = device(files, *QUICK, "--request-update", "--until-idle", "--verbose", micropython=micropython)
    with process:
        assert process.wait(TIMEOUT_S) == 0
    outcome = job.wait(5)
    assert (outcome.result, outcome.code, outcome.firmware_version) == ("done", 200, "2.0")
    assert [words[1] for words in words(process, "state")] == ["10", "30", "40", "50", "60", "60", "90"]
    boots = [" ".join(words) for words in words(process, "boot")]
    assert boots[0] == "boot 1 bank 0 confirmed version 1.0 good power"
    assert boots[1] == "boot 2 bank 1 trial version 2.0 good commanded"
    assert process.lines[-1] == "idle" and "reported 200" in process.lines and "result 200" in process.lines
    assert "button taken" in process.lines and len(words(process, "progress")) >= 3 and process.errors
    assert len({words[1] for words in words(process, "listening")}) == 1


@pytest.mark.parametrize("form", ["--xml", "--wbxml"])
def test_a_notification_brings_an_order(server, files, form):
    with device(files, *QUICK, form) as process:
        job = order(server, files, notify=("127.0.0.1", process.port()))
        process.wait_for("reported 200", TIMEOUT_S)
        process.wait_for("session closed", TIMEOUT_S, process.lines.index("reported 200"))
        facts = status(process)
        assert (facts["version"], facts["bank"], facts["trial"], facts["boot"]) == ("2.0", 1, False, 2)
        process.send("quit")
        assert process.wait(10) == 0
    assert job.wait(5).code == 200


def test_killed_in_the_download_and_in_the_trial(server, files, micropython):
    job = order(server, files)
    process = device(files, *SLOW, "--request-update", micropython=micropython)
    process.on()
    process.wait_for("progress", TIMEOUT_S)
    process.off()
    assert process.code == -signal.SIGKILL
    process.command = command(files.flash, files.provision, *SLOW, "--until-idle", micropython=micropython)
    process.on()
    assert process.wait_for("state", TIMEOUT_S) == "state 30"
    process.wait_for("boot 2 bank 1 trial", TIMEOUT_S)
    assert sum(line.startswith("progress") for line in process.lines) <= 3  # of 3.5: the first one was kept
    process.off()
    process.on()
    assert process.wait_for("boot", TIMEOUT_S) == "boot 1 bank 0 confirmed version 1.0 good power"
    assert process.wait(TIMEOUT_S) == 0
    assert job.wait(5).code == 200 and "reported 200" in process.lines


def test_cut_by_command_with_each_effect(server, files, micropython):
    job = order(server, files, size=192 * K)
    process = device(files, *SLOW, "--request-update", micropython=micropython)
    for effect in EFFECTS:
        process.on()
        process.wait_for("boot", TIMEOUT_S)
        process.wait_for("state 30", TIMEOUT_S)
        process.send("cut " + effect)
        if effect == "reset":
            process.wait_for("reset watchdog", TIMEOUT_S)
            process.wait_for("boot 2 bank 0 confirmed version 1.0 good watchdog", TIMEOUT_S)
            process.off()
        else:
            assert process.wait(TIMEOUT_S) == POWER_CUT
            assert process.lines[-1].startswith("cut %s at " % effect)
    process.command = command(files.flash, files.provision, *QUICK, "--until-idle", micropython=micropython)
    process.on()
    assert process.wait(TIMEOUT_S) == 0
    assert job.wait(5).code == 200 and "reported 200" in process.lines


def test_another_server_account_and_certificates(tmp_path, micropython):
    authority = Authority()
    certificate = authority.issue(("bench.test",))
    options = {"name": "bench.test", "authority": authority, "certificate": certificate}
    with BenchServer(client_certificates=True, **options) as server:
        bundle = server.add_device(ID)
        wrong = {**bundle, "url": "https://127.0.0.1:1/", "secret": "wrong", "ca_pem": None}
        files = sim_files.make(tmp_path / "device", wrong)
        own = server.client_certificate()
        for name, text in (("ca", server.ca_pem), ("cert", own.pem), ("key", own.key_pem)):
            (tmp_path / name).write_text(text)
        given = ["--server", bundle["url"], "--account", "secret=" + bundle["secret"]]
        given += ["--ca", tmp_path / "ca", "--client-cert", tmp_path / "cert", "--client-key", tmp_path / "key"]
        job = order(server, files)
        options = (*given, "--host", "bench.test=127.0.0.1", "--request-update", "--until-idle", "--within-s", 30)
        with device(files, *QUICK, *options, "--verbose", micropython=micropython) as process:
            assert process.wait(TIMEOUT_S) == 0, process.errors
        assert job.wait(5).code == 200


def test_cut_at_an_operation(server, files, micropython):
    order(server, files)
    process = device(files, *QUICK, "--request-update", "--cut-at", "100:half", micropython=micropython)
    with process:
        assert process.wait(TIMEOUT_S) == POWER_CUT
    assert process.lines[-1] == "cut half at 100"


def test_power_goes_inside_an_operation(server, files, micropython):
    """By SIGUSR1 on CPython, by a command on MicroPython."""
    order(server, files)
    with device(files, *SLOW, "--request-update", micropython=micropython) as process:
        process.wait_for("progress", TIMEOUT_S)
        process.off(dirty=True)
        assert process.code == POWER_CUT
    said = process.lines[-1].split()
    assert said[0] == "cut" and said[1] in EFFECTS and int(said[3]) > 50
    with device(files, *QUICK, "--until-idle", micropython=micropython) as process:
        assert process.wait(TIMEOUT_S) == 0 and "reported 200" in process.lines


def test_cut_between_two_operations(alone, micropython):
    with device(alone, *QUICK, micropython=micropython) as process:
        process.wait_for("state 10", TIMEOUT_S)
        process.send("cut")
        assert process.wait(10) == POWER_CUT and process.lines[-1] == "cut between at 0"


def test_commands(alone, micropython):
    options = ("--no-clock", "--reset-cause-unreadable")
    with device(alone, *QUICK, *options, micropython=micropython) as process:
        process.wait_for("listening", TIMEOUT_S)
        assert words(process, "boot")[0][-1] == "unknown"
        for text in ("x" * 5000, "", "cut maybe", "reset perhaps", "button now what", "\x00\x7f"):
            process.send(text)
        facts = status(process)
        assert (facts["boot"], facts["state"], facts["idle"], facts["correlator"]) == (1, 10, True, None)
        assert len(words(process, "error")) == 5
        process.send("button")
        process.wait_for("button taken", 10)
        process.send("button")
        process.wait_for("button refused", 10)
        process.send("reset watchdog")
        process.wait_for("boot 2", 10)
        process.send("reset")
        process.wait_for("reset commanded", 10)
        process.wait_for("boot 3", 10)
        assert status(process)["boot"] == 3
        process._process.stdin.close()
        assert process.wait(10) == 0


def test_a_user_is_asked(server, files):
    job = order(server, files, confirm="Install 2.0?")
    with device(files, *QUICK, "--request-update", "--user", "ask") as process:
        assert process.wait_for("question", TIMEOUT_S) == "question 1101 Install 2.0?"
        time.sleep(0.2)
        assert not job.finished
        process.send("no")
        assert job.wait(TIMEOUT_S).result == "declined"


def test_it_ends_in_time(alone, micropython):
    with device(alone, *QUICK, "--within-s", 1, micropython=micropython) as process:
        assert process.wait(20) == 7 and process.lines[-1] == "end 7"
    with device(alone, *QUICK, "--boots", 1, micropython=micropython) as process:
        process.wait_for("listening", TIMEOUT_S)
        process.send("reset")
        assert process.wait(20) == 7 and process.lines[-2:] == ["reset commanded", "end 7"]


def test_a_wish_that_nobody_answered_is_not_idle(alone):
    with device(alone, *QUICK, "--request-update", "--until-idle", "--within-s", 2) as process:
        assert process.wait(20) == 7 and "button taken" in process.lines


@pytest.mark.parametrize("behaviour", ["crash", "hang"])
def test_bad_firmware_is_given_up(server, files, behaviour):
    job = server.order(ID, server.add_package(files.update("2.0", behaviour)))
    with device(files, *QUICK, "--watchdog-ms", 600, "--request-update", "--until-idle") as process:
        assert process.wait(TIMEOUT_S) == 0
    assert any(line.startswith("boot 2 bank 1 trial version 2.0 " + behaviour) for line in process.lines)
    outcome = job.wait(5)
    assert (outcome.code, outcome.firmware_version) == (410, "1.0") and "reported 410" in process.lines


def test_hung_firmware_loses_power_like_any_other(tmp_path, micropython):
    files = sim_files.make(tmp_path / "hung", behaviour="hang")
    with device(files, *QUICK, "--watchdog-ms", 60000, micropython=micropython) as process:
        process.wait_for("boot 1", TIMEOUT_S)
        process.send("cut")
        assert process.wait(20) == POWER_CUT


def test_a_device_without_firmware_waits_for_its_recovery(tmp_path, micropython):
    files = sim_files.make(tmp_path / "broken", behaviour="crash")
    options = (*QUICK, "--recovery-s", 1, "--boots", 5)
    with device(files, *options, micropython=micropython) as process:
        assert process.wait(TIMEOUT_S) == 7
    assert "recovery 1" in process.lines and words(process, "boot")[-1][1] == "5"


def test_new_makes_the_same_flash(alone, tmp_path, micropython):
    image = alone.image("1.0")
    (tmp_path / "image").write_bytes(image)
    package = tmp_path / "package"
    with alone.flash.open("rb") as flash:
        made = flash.read()
    package.write_bytes(alone.package(image))
    words = ["--new", tmp_path / "image", "--package", package]
    with device(sim_files.SimFiles(tmp_path), *words, micropython=micropython) as process:
        assert process.wait(TIMEOUT_S) == 0
    data = (tmp_path / "flash.bin").read_bytes()
    same = [at for at in range(0, len(data), 4 * K) if data[at : at + 4 * K] == made[at : at + 4 * K]]
    assert (
        len(data) == len(made) and len(same) == len(data) // (4 * K) - 3
    )  # another signature, and nobody provisioned it
