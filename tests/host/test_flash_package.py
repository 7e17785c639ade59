"""A package into a bank with `flash write`: what the device would refuse is refused, what is written the device would boot."""

import json

import pytest

from agent import bank_header
from agent.identity import make_identity
from agent.verify import check_bank
from flash_tools.chips import open_chip
from flash_tools.errors import RefusedError, UsageError, VerifyError
from flash_tools.flash import flash_info, flash_job, flash_package, flash_place
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from hal.hardware import Bank
from ports.cpython_linux.signature import verify


@pytest.fixture
def device(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return sim_files.make(tmp_path / "dev", version="1.0", counter=3)


def opened(device, write=True):
    return open_chip("sim:%s" % device.folder, write=write)


def put(device, data, bank="bank1", **options):
    with opened(device) as chip:
        place = flash_place.find(chip, bank)
        return flash_package.write(chip, place, flash_package.unpack(chip, place, data), **options)


def bank_of(chip, number):
    regions = chip.regions()
    return Bank(regions["bank%d" % number], regions["header%d" % number])


def boots(device, number=1):
    """Return the version that the first stage would start, by its own test."""
    facts = device.facts()
    with opened(device, False) as chip:
        manifest = check_bank(bank_of(chip, number), make_identity(facts, verify), lambda: None)
    return manifest and manifest.version


@pytest.mark.parametrize("encoding", ["none", "deflate", "delta"])
def test_what_is_written_the_device_would_boot(device, encoding):
    image = device.image("2.0")
    old = device.image("1.0") if encoding == "delta" else None
    data = device.package(image, counter=3, encoding=encoding, old=old)
    done = put(device, data)
    assert boots(device) == "2.0" and done.verified and done.programmed
    again = put(device, data)
    assert again.programmed == 0 and again.erases == {}
    with opened(device, False) as chip:
        place = flash_place.find(chip, "bank1")
        content = flash_package.unpack(chip, place, data)
        assert content.signature == "good" and content.version == "2.0"
        flash_package.verify(chip, place, content)
        assert flash_info.version(chip.regions()["header1"]) == "2.0"


def test_the_header_is_what_the_agent_writes(device):
    put(device, device.update("2.0", counter=3))
    with opened(device, False) as chip:
        header = chip.regions()["header1"]
        text = bytearray(3072)
        size = bank_header.read_text(header, text)
        assert bank_header.HeaderWriter(header, bytes(text[:size])).same()


def test_a_cut_leaves_a_bank_that_nothing_boots_and_the_next_run_finishes_it(device):
    put(device, device.update("2.0", counter=3))
    data = device.update("3.0", counter=3)

    def stop(what, done, total):
        if what == "write":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(device, data, progress=stop)
    with opened(device, False) as chip:
        assert flash_info.version(chip.regions()["header1"]) is None
        assert flash_info.unfinished(chip) == "write bank1"
    assert boots(device) is None
    put(device, data)
    assert boots(device) == "3.0"
    with opened(device, False) as chip:
        assert flash_info.unfinished(chip) is None


def refused(device, data, said, error=RefusedError, bank="bank1"):
    before = device.flash.read_bytes()
    with pytest.raises(error, match=said):
        put(device, data, bank)
    assert device.flash.read_bytes() == before


def test_what_the_device_would_refuse_is_refused(device):
    mine = device.key
    device.key = keys.new_key()
    refused(device, device.update("2.0"), "does not know the key")
    device.key = mine
    refused(device, device.update("2.0", counter=2), "security counter 2")
    device.product = "other"
    refused(device, device.update("2.0", counter=3), "for product other")
    device.product, device.chip_kib = "bench", 4096
    refused(device, device.update("2.0", counter=3), "for layout")
    device.chip_kib = 2048
    old = device.image("1.1")
    delta = device.package(device.image("2.0"), counter=3, encoding="delta", old=old)
    refused(device, delta, "delta")


def test_damaged_packages(device):
    data = device.update("2.0", counter=3)
    refused(device, data[:-100], "cut off", VerifyError)
    at = len(data) - 50
    refused(device, data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :], "damaged", VerifyError)
    refused(device, data[:200] + bytes((data[200] ^ 1,)) + data[201:], ".", (RefusedError, VerifyError))


def test_a_package_goes_into_a_bank_only(device):
    for name in ("header1", "settings", "journal"):
        refused(device, device.update("2.0", counter=3), "goes into a bank", UsageError, name)


def test_without_a_factory_region_only_the_layout_counts(device):
    with opened(device) as chip:
        flash_job.erase(chip, flash_place.find(chip, "factory"))
    device.key = keys.new_key()
    data = device.update("2.0")
    with opened(device) as chip:
        place = flash_place.find(chip, "bank1")
        assert flash_package.trust(chip) is None
        assert flash_package.unpack(chip, place, data).signature == "not checked"
    refused(device, device.package(device.image("2.0"), encoding="delta", old=device.image("1.1")), "delta")
    device.chip_kib = 4096
    refused(device, device.update("2.0"), "for layout")


def test_info_of_every_region(device):
    with opened(device) as chip:
        parts = {part.name: part for part in flash_info.parts(chip)}
        facts = flash_info.chip_facts(chip)
        assert parts["bank0"].holds == "1.0, confirmed" and parts["bank1"].holds == "blank"
        assert parts["header0"].holds == "manifest of 1.0" and parts["boot"].holds == "bank0 confirmed"
        assert "sim:1" in parts["factory"].holds and parts["bank0"].used == 64 * 1024
        assert facts["size"] == 2 << 20 and facts["sfdp"] is None and json.dumps(facts)
        chip.regions()["bank1"].program(0, b"\x00")
        chip.regions()["header1"].program(0, b"\x00")
        parts = {part.name: part for part in flash_info.parts(chip)}
        assert "nothing boots" in parts["bank1"].holds and "cannot be read" in parts["header1"].holds.replace(
            "nothing that can", "cannot"
        )
