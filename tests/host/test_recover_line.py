"""`fumo recover` against the loop of hal/recovery.py: over good lines and bad ones, with packages that are refused."""

import os

import pytest
import serial

from flash_tools import serial_line
from flash_tools.errors import BusyError, NotFoundError, RefusedError, SilentError, ToolError, UsageError, VerifyError
from flash_tools.recovery import recover
from flash_tools.recovery.recover import Image
from flash_tools.signing.keys import new_key, public_bytes
from flash_tools.target import Target
from hal.recovery import RESET
from tests.host.fumo_here import fumo_here
from tests.host.recovery_rig import DIGEST, HURRY, KEY, QUICK, Rig, line, make_package, upload


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return make_package(tmp_path_factory.mktemp("recover"))


def test_a_whole_upload(package):
    seen = []
    with Rig() as rig:
        done = upload(rig, package, public=public_bytes(KEY), progress=lambda *at: seen.append(at))
        assert rig.ended() == RESET
        assert bytes(rig.target.data) == package.read_bytes() and rig.target.pending and rig.target.resets == 1
    size = package.stat().st_size
    assert (done.firmware, done.package_bytes, done.signature) == ("2.5", size, "good")
    assert (done.pending, done.reset, done.faults, done.started_at) == (True, "done", 0, 0)
    assert [(image.slot, image.version, image.pending) for image in done.images] == [
        (0, "1.0.0", False),
        (1, "2.5", True),
    ]
    assert (
        seen[-1] == (size, size) and seen == sorted(seen) and 10 < len(seen) < size / 900
    )  # in messages as large as the board takes


def test_no_reset_and_status_after_it(package):
    with Rig() as rig:
        assert upload(rig, package, reset=False).reset == "no"
        assert recover.status(line(rig), QUICK)[1] == Image(1, "2.5", DIGEST, True, True, False, False)
        assert rig.target.resets == 0
        assert recover.reset(line(rig), QUICK) and rig.ended() == RESET


def test_a_dry_run_writes_nothing(package):
    with Rig() as rig:
        done = upload(rig, package, dry_run=True)
        assert done.dry_run and not done.pending and done.reset == "no" and len(done.images) == 1
        assert rig.target.begun == 0 and rig.target.resets == 0


def test_nobody_answers(package):
    with Rig(smp=False) as rig:
        for ask in (lambda: upload(rig, package, HURRY), lambda: recover.status(line(rig), HURRY)):
            with pytest.raises(SilentError, match="is it in recovery") as caught:
                ask()
            assert caught.value.exit_code == 7


def test_firmware_that_runs_is_asked():
    with Rig(smp=False) as rig:
        assert recover.enter(line(rig), QUICK) is True
        assert recover.enter(line(rig), QUICK) is False
        assert recover.status(line(rig), QUICK)


def test_the_port_is_not_there(tmp_path, package):
    for place in ("/dev/there-is-none", str(tmp_path), str(package)):
        with pytest.raises(NotFoundError):
            recover.status(Target("serial", place), HURRY)
    with pytest.raises(NotFoundError, match="--serial"):
        recover.status(Target("sim", str(tmp_path)), HURRY)


def test_the_port_is_used():
    with Rig() as rig, serial.Serial(rig.path, exclusive=True), pytest.raises(BusyError):
        recover.status(line(rig), HURRY)


def test_the_port_goes_away(package):
    rig = Rig().__enter__()
    target = line(rig)
    rig.__exit__()
    with pytest.raises(NotFoundError):
        recover.upload(target, package, patience=HURRY)


def test_junk_is_not_sent(package, tmp_path):
    junk = tmp_path / "junk.fup"
    for data in (b"", b"no package", package.read_bytes()[:-1], package.read_bytes() + b"x", os.urandom(5000)):
        junk.write_bytes(data)
        with pytest.raises(VerifyError):
            recover.upload(Target("serial", "/dev/there-is-none"), junk)
    with pytest.raises(RefusedError):
        recover.upload(Target("serial", "/dev/there-is-none"), package, public=public_bytes(new_key()))
    with pytest.raises(ToolError):
        recover.upload(Target("serial", "/dev/there-is-none"), tmp_path / "missing")


def test_targets_of_lines():
    assert serial_line.split(Target("serial", "/dev/ttyUSB0")) == ("/dev/ttyUSB0", 115200)
    assert serial_line.split(Target("serial", "/dev/ttyUSB0@9600")) == ("/dev/ttyUSB0", 9600)
    assert serial_line.split(Target("sim", "a/b")) == ("a/b/serial", 115200)
    for bad in (
        "/dev/ttyUSB0@",
        "/dev/ttyUSB0@fast",
        "@9600",
        "/dev/ttyUSB0@0",
        "/dev/ttyUSB0@99999999",
        "/dev/x@\u0661",
    ):
        with pytest.raises(UsageError):
            serial_line.split(Target("serial", bad))


def test_the_line_of_a_simulated_device(tmp_path):
    with Rig() as rig:
        (tmp_path / "serial").symlink_to(rig.path)
        assert recover.status(Target("sim", str(tmp_path)), QUICK)[0].version == "1.0.0"


def test_the_command(package, monkeypatch, capfdbinary, tmp_path):
    with Rig() as rig:
        board = ("-b", "serial:" + rig.path)
        said = fumo_here(monkeypatch, capfdbinary, "recover", "status", *board, "--json")
        assert [image["version"] for image in said.json["images"]] == ["1.0.0"] and not said.err
        said = fumo_here(monkeypatch, capfdbinary, "recover", "upload", package, *board, "--dry-run")
        assert "would send" in said.err and b"1.0.0" in said.out and rig.target.begun == 0
        said = fumo_here(monkeypatch, capfdbinary, "recover", "upload", package, *board, "--json", "--no-reset")
        assert said.json["command"] == "recover upload" and said.json["version"] == 1 and said.json["ok"] is True
        assert said.json["reset"] == "no" and said.json["pending"] is True and not said.err
        said = fumo_here(monkeypatch, capfdbinary, "recover", "enter", *board, "--dry-run", "--json")
        assert said.json["dry_run"] is True
        assert "already" in fumo_here(monkeypatch, capfdbinary, "recover", "enter", *board).err
        said = fumo_here(monkeypatch, capfdbinary, "recover", "reset", *board, "--dry-run")
        assert "would" in said.err and rig.target.resets == 0
        said = fumo_here(monkeypatch, capfdbinary, "recover", "upload", package, *board)
        assert "2.5 on trial" in said.err and "1.0.0 comes back" in said.err and not said.out
        assert rig.ended() == RESET


def test_the_command_fails_in_one_line(package, monkeypatch, capfdbinary, tmp_path):
    missing = "serial:/dev/there-is-none"
    assert "not there" in fumo_here(monkeypatch, capfdbinary, "recover", "status", "-b", missing, code=3).line
    assert "takes" in fumo_here(monkeypatch, capfdbinary, "recover", "status", "-b", "ssh:you", code=2).line
    (tmp_path / "junk").write_bytes(b"junk")
    ran = fumo_here(monkeypatch, capfdbinary, "recover", "upload", tmp_path / "junk", "-b", missing, "--json", code=5)
    assert ran.json["ok"] is False and ran.json["exit_code"] == 5
