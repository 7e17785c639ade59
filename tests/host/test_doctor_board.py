"""`fumo doctor -b`: boards that are well, and such as are not."""

import fcntl
import json
import os
import struct
import threading
import tty
import zlib

import pytest
from typer.testing import CliRunner

from flash_tools import doctor, dump
from flash_tools.cli import app
from flash_tools.doctor import chip, flash, line
from flash_tools.dump.snapshot import Image
from flash_tools.sim import sim_files
from flash_tools.target import parse
from tests.host import dead_flashes
from tests.host.dead_flashes import place, with_secrets
from tests.host.test_doctor_host import by_name
from tests.host.test_dump import GOOD
from tests.host.test_fumo_cli import fumo

FINISHED = dead_flashes.run(GOOD)
IMAGE = with_secrets(FINISHED)


def look(image, layout=None, anchors=()):
    return by_name(flash.checks(dump.look(Image(bytes(image)), layout, anchors)))


def damaged(*changes):
    image = bytearray(IMAGE)
    for region, at, data in changes:
        start = place(FINISHED, region) + at
        image[start : start + len(data)] = data
    return image


def test_a_board_that_is_well():
    found = look(IMAGE)
    assert {check.verdict for check in found.values()} == {"ok"}
    assert set(found) == {
        "layout", "factory region", "keys", "bank 0", "bank 1", "boot record", "journal", "settings", "next start",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "name", "verdict", "said"),
    [
        ([("factory", 20, b"?")], "factory region", "warn", "copy 0 is not good: torn"),
        ([("factory", 20, b"?"), ("factory", 4096 + 20, b"?")], "layout", "fail", "the firmware is for"),
        ([("bank1", 100, b"?")], "bank 1", "fail", "its digest"),
        ([("bank0", 100, b"?")], "bank 0", "warn", "its digest"),
        ([("header1", 0, b"????")], "bank 1", "fail", "no manifest"),
        ([("header1", 30, b"?")], "bank 1", "fail", "torn"),
        ([("boot", at * 4096, b"?") for at in range(3)], "boot record", "fail", "no sector holds a record"),
        ([("boot", at * 4096 + 256, b"\0") for at in range(3)], "boot record", "warn", "1 crash marks"),
        ([("journal", at * 4096, b"?") for at in range(3)], "journal", "fail", "no copy is whole"),
    ],
)
def test_a_board_that_is_not_well(changes, name, verdict, said):
    check = look(damaged(*changes))[name]
    assert check.verdict == verdict and said in check.what


def test_copies_of_the_factory_region_that_differ():
    image = bytearray(IMAGE)
    start = place(FINISHED, "factory")
    size = struct.unpack_from("<I", image, start + 4)[0]
    text = bytes(image[start + 12 : start + 12 + size]).replace(b'"sim:7"', b'"sim:8"')
    image[start + 4 : start + 12 + size] = struct.pack("<II", size, zlib.crc32(text)) + text
    assert look(image)["factory region"].what == "the copies differ in device"


def test_a_trial_and_a_result_that_wait():
    armed = dead_flashes.until(GOOD, lambda dead: "trial" in look(with_secrets(dead)))
    assert look(with_secrets(armed))["trial"].verdict == "warn"
    owing = dead_flashes.until(GOOD, lambda dead: "result" in look(with_secrets(dead)))
    assert "bench: result 200" in look(with_secrets(owing))["result"].what


def test_nothing_boots():
    image = damaged(
        ("boot", 0, b"?"), ("boot", 4096, b"?"), ("boot", 8192, b"?"), ("header0", 0, b"?"), ("header1", 0, b"?")
    )
    assert look(image)["next start"].verdict == "fail"


def test_a_flash_that_says_nothing():
    found = look(b"\xff" * 65536)
    assert found["layout"].verdict == "fail" and "--layout" in found["layout"].do
    assert found["next start"].verdict == "fail"


def test_an_image_that_was_cut_off():
    end = place(FINISHED, "bank1") + {name: size for name, _, size in FINISHED.world.layout}["bank1"]
    assert look(IMAGE[: end - 8192])["layout"].what == "it needs 8192 bytes more than there are"


def test_the_account_of_the_board(tmp_path, monkeypatch):
    """The way to the server is looked at with what the board trusts; the URL's secrets are not shown."""
    asked = []
    monkeypatch.setattr(doctor.network, "checks", lambda url, ca, prefix: asked.append((url, ca, prefix)) or [])
    (tmp_path / "flash.bin").write_bytes(IMAGE)
    found = by_name(doctor.examine_board("file:%s" % (tmp_path / "flash.bin")))
    assert asked == [("https://u:pass@h/x?token=abc123tok", None, "account ")]
    assert "pass" not in str(found) and "abc123tok" not in str(found)


def test_a_board_that_cannot_be_opened_is_a_check_that_failed(tmp_path):
    (check,) = doctor.examine_board("file:%s" % (tmp_path / "none.bin"))
    assert (check.name, check.verdict) == ("flash", "fail") and "there is no flash image" in check.what
    assert doctor.failed([check])


# -- the serial line ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b'status {"bank": 0}\n', "ok"),
        (b"version 1.0\n", "warn"),
        (b"\x06\x09AAA\n", "warn"),
        (b"", "fail"),
    ],
)
def test_a_console(answer, verdict):
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def serve():
        heard = b""
        while b"status\n" not in heard:
            heard += os.read(ours, 100)
        os.write(ours, answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    (check,) = line.checks(parse("serial:" + os.ttyname(theirs)), 0.6)
    thread.join(5)
    os.close(ours)
    os.close(theirs)
    assert (check.name, check.verdict) == ("serial line", verdict)


def test_a_port_that_is_not_there(tmp_path):
    (check,) = line.checks(parse("serial:%s" % (tmp_path / "ttyUSB9")))
    assert check.verdict == "fail" and "is not there" in check.what


@pytest.fixture
def sim(tmp_path):
    sim_files.make(tmp_path / "dev0", chip_kib=1024)
    return tmp_path / "dev0"


def test_the_battery_of_safe_tests(sim):
    before = (sim / "flash.bin").read_bytes()
    found = by_name(doctor.examine_board("sim:%s" % sim))
    assert (found["flash reads"].verdict, found["flash addresses"].verdict) == ("ok", "ok")
    assert found["flash id"].verdict == "skip" and "flash write" not in found
    with open(sim / "flash.bin", "rb") as running:  # what is only said needs nobody to let go of the flash
        fcntl.flock(running, fcntl.LOCK_EX)
        dry = by_name(doctor.examine_board("sim:%s" % sim, doctor.Look(write_test=True, dry_run=True)))
    assert dry["flash write"].what == "would erase, write and put back one sector: the blank end of the spare bank"
    written = by_name(doctor.examine_board("sim:%s" % sim, doctor.Look(write_test=True)))
    assert written["flash write"].verdict == "ok" and "put back" in written["flash write"].what
    refused = by_name(doctor.examine_board("sim:%s" % sim, doctor.Look(write_test=True, region="bank0")))
    assert refused["flash write"].verdict == "skip" and (sim / "flash.bin").read_bytes() == before


def test_a_chip_that_shows_an_address_twice(sim, monkeypatch):
    monkeypatch.setattr(chip.battery, "wraps", lambda flash, addr, size: True)
    check = by_name(doctor.examine_board("sim:%s" % sim))["flash addresses"]
    assert check.verdict == "fail" and "smaller than" in check.what + check.do


# -- the command ----------------------------------------------------------------------------------------------------------


def test_the_command(tmp_path):
    sim_files.make(tmp_path / "dev0", chip_kib=1024)
    done = CliRunner().invoke(app, ["doctor", "-b", "sim:%s" % (tmp_path / "dev0"), "--json"])
    said = json.loads(done.stdout)
    verdicts = {check["name"]: check["verdict"] for check in said["checks"]}
    assert said["command"] == "doctor" and said["ok"] == ("fail" not in verdicts.values())
    assert done.exit_code == (0 if said["ok"] else 1)
    assert verdicts["boot record"] == "ok" and verdicts["python"] == "ok" and verdicts["serial line"] == "skip"


def test_the_command_ends_with_1_where_something_failed(tmp_path):
    done = fumo("doctor", "--url", "https://127.0.0.1:1", code=1)
    assert "127.0.0.1:1 does not answer" in done.stdout and not done.stderr
