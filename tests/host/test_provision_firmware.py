"""The first firmware of a blank chip, and simulated devices that read who they are from their flash."""

import pytest

from agent import factory
from flash_tools.chips import open_chip
from flash_tools.sim import sim_files
from flash_tools.sim.sim_process import SimProcess, command
from hal.boot_record import BootRecord
from tests.host import blank_chips
from tests.host.blank_chips import BLANK, BUNDLE, who
from tests.host.fumo_inside import inside
from tests.host.sim_devices import INTERPRETERS, QUICK, TIMEOUT_S, needs


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return blank_chips.make_bench(tmp_path_factory.mktemp("provision"))


@pytest.fixture
def image(tmp_path, capsys, monkeypatch):
    return blank_chips.make_image(tmp_path, capsys, monkeypatch)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_blank_chip_becomes_a_device_that_starts(bench, image, interpreter):
    micropython = needs(interpreter)
    image.blank(*who(bench)[:-2], "--id", "sim:7", "--firmware", bench / "first.fup")
    words = command(image.path, "none", *QUICK, "--until-idle", micropython=micropython)
    at = words.index("--provision")
    with SimProcess(words[:at] + words[at + 2 :]) as device:
        assert device.wait_for("boot 1", TIMEOUT_S) == "boot 1 bank 0 confirmed version 1.5 good power"
        assert device.wait(TIMEOUT_S) == 0


def test_the_first_firmware_is_written_once(bench, image):
    image.blank(*who(bench, "--firmware", bench / "first.fup"))
    before = image.read_bytes()
    image.run("--firmware", bench / "first.fup")
    assert image.read_bytes() == before
    assert "--force" in image.run("--firmware", bench / "other.fup", code=1).stderr
    assert image.read_bytes() == before
    image.run("--firmware", bench / "other.fup", "--force")
    with open_chip("file:%s" % image) as chip:
        assert b"SIMFW 1.6" in image.read_bytes() and BootRecord(chip.regions()["boot"]).found


@pytest.mark.parametrize("name, code", [("foreign", 6), ("lamp", 6), ("delta", 6), ("broken", 5), ("cut", 5)])
def test_what_a_device_would_refuse_is_never_written(bench, image, name, code):
    data = (bench / "first.fup").read_bytes()
    (bench / "broken.fup").write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    (bench / "cut.fup").write_bytes(data[:-100])
    done = image.blank(*who(bench, "--firmware", bench / (name + ".fup")), code=code)
    assert len(done.stderr.strip().splitlines()) == 1
    assert image.read_bytes() == BLANK


def test_a_firmware_for_nobody(bench, image):
    assert "--product" in image.blank("--firmware", bench / "first.fup", code=2).stderr


def test_a_new_simulated_device_needs_no_file_of_its_own(tmp_path):
    files = sim_files.make(tmp_path / "dev", chip_kib=1024)
    files.provision.unlink()
    words = command(files.flash, "none", *QUICK, "--until-idle")
    at = words.index("--provision")
    with SimProcess(words[:at] + words[at + 2 :]) as device:
        assert device.wait(TIMEOUT_S) == 0


def test_a_simulated_device_that_is_somebody_else_now(tmp_path, bench, capsys, monkeypatch):
    files = sim_files.make(tmp_path / "dev", chip_kib=1024)
    inside(capsys, monkeypatch, "provision", "-b", "sim:%s" % files.folder, *who(bench), "--force")
    assert files.facts()["device"]["DevId"] == "sim:7" and files.provision.stat().st_mode & 0o777 == 0o600


def test_more_than_the_region_holds_stays_in_its_file(tmp_path):
    files = sim_files.make(tmp_path / "dev", {**BUNDLE, "ca_pem": "x" * 5000}, chip_kib=1024)
    with open_chip("sim:%s" % files.folder) as chip:
        assert factory.read(chip.regions()["factory"]) is None
