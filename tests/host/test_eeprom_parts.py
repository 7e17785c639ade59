"""Identity in an EEPROM: `fumo provision --eeprom`, on images and through smbus2's own messages, and the agent that reads it."""

import errno
import json
import types

import pytest

from agent import factory
from agent.errors import FlashError
from agent.reset import WATCHDOG
from flash_tools.chips import eeprom as place
from hal.eeprom_i2c import COUNTER_SIZE, Eeprom, EepromCounter, identity_region
from ports.cpython_linux.i2c import I2cLink
from ports.sim.clock import Clock
from ports.sim.power import PowerCut
from tests.host import blank_chips
from tests.host.blank_chips import who
from tests.portable.i2c_chips import EepromChip

smbus2 = pytest.importorskip("smbus2", reason="smbus2 is not installed: make test does that")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return blank_chips.make_bench(tmp_path_factory.mktemp("eeprom"))


@pytest.fixture
def image(tmp_path, capsys, monkeypatch):
    return blank_chips.make_image(tmp_path, capsys, monkeypatch)


@pytest.fixture
def chip():
    return EepromChip(Clock(), 4096, 32)


def bus_of(chip):
    """Return what stands in for smbus2: its messages are the real ones, the bus is the kernel's as seen from a program."""

    class SMBus:
        def __init__(self, path):
            self.path = path

        def i2c_rdwr(self, *messages):
            try:
                _transfer(chip, *messages)
            except FlashError:
                raise OSError(errno.EREMOTEIO, "Remote I/O error") from None

        def close(self):
            pass

    return types.SimpleNamespace(SMBus=SMBus, i2c_msg=smbus2.i2c_msg)


def _transfer(chip, first, answer=None):
    sent = bytes(first)
    assert first.addr == 0x50
    if answer is None:
        chip.write(int.from_bytes(sent[:2], "big"), sent[2:])
        return
    into = bytearray(answer.len)
    chip.read(int.from_bytes(sent, "big"), into)
    for i, byte in enumerate(into):
        answer.buf[i] = bytes((byte,))


@pytest.fixture
def wired(chip, monkeypatch):
    """Put the chip where the tools look for /dev/i2c-1."""
    monkeypatch.setattr(place, "I2cLink", lambda bus, address, size: I2cLink(bus, address, size, bus_of(chip)))
    monkeypatch.setattr(place, "RealClock", lambda: chip.clock)
    return chip


def facts_in(path, page=32):
    with place.open_identity("%s?page=%d" % (path, page)) as region:
        return factory.read(region)


def test_through_smbus2_with_its_pauses(chip):
    eeprom = Eeprom(I2cLink(1, 0x50, 2, bus_of(chip)), chip.clock)
    data = bytes(range(256)) * 3
    eeprom.write(1001, data)
    found = bytearray(len(data))
    eeprom.read(1001, found)
    assert found == data and chip.writes == 25
    EepromCounter(eeprom, 0, WATCHDOG).set(0x11)
    assert EepromCounter(eeprom, 0, WATCHDOG).get() == 0x11
    chip.silent = True
    assert "0x50" in EepromCounter(eeprom).fault


@pytest.mark.parametrize("size, page", [(4096, 32), (32768, 64)])
def test_provision_writes_what_the_agent_reads(bench, image, tmp_path, size, page):
    path = tmp_path / "eeprom.bin"
    path.write_bytes(b"\xff" * size)
    before = image.read_bytes()
    option = ("--eeprom", "%s?page=%d" % (path, page))
    image.blank(*who(bench, *option, "--dry-run"))
    assert path.read_bytes() == b"\xff" * size
    image.blank(*who(bench, *option))
    assert image.read_bytes() == before, "the flash has nothing of it"
    facts = facts_in(path, page)
    assert facts["device"]["DevId"] == "sim:7" and facts["board"] == "sim_nor" and facts["accounts"]
    assert path.read_bytes()[:COUNTER_SIZE] == b"\xff" * COUNTER_SIZE
    assert json.loads(image.blank("--show", "--json", *option).stdout)["copies"] == 2
    written = path.read_bytes()
    assert "already" in image.blank(*who(bench, *option)).stderr and path.read_bytes() == written
    other = who(bench)[:-2] + ("--id", "sim:8", *option)
    assert "--force" in image.blank(*other, code=1).stderr and path.read_bytes() == written
    image.blank(*other, "--force")
    assert facts_in(path, page)["device"]["DevId"] == "sim:8"


def test_provision_over_i2c(bench, image, wired):
    option = ("--eeprom", "i2c:1:0x50")
    done = image.blank(*who(bench, *option, "--firmware", bench / "first.fup"))
    assert "1.5" in done.stderr
    assert factory.read(identity_region(Eeprom(wired, wired.clock)))["device"]["DevId"] == "sim:7"
    wired.protected = True
    assert "does not hold" in image.blank(*who(bench, *option, "--id", "sim:9", "--force"), code=5).stderr
    wired.silent = True
    assert "wiring" in image.blank("--show", *option, code=1).stderr


def test_a_run_that_was_cut_is_brought_to_its_end(bench, image, wired):
    option = ("--eeprom", "i2c:1:0x50")
    image.blank(*who(bench, *option))
    for count in (1, 700, 1800, 2500, 3500):
        wired.plan(count, "torn")
        with pytest.raises(PowerCut):
            image.blank(*who(bench, *option, "--man", "ACME%d" % count, "--force"))
        wired.power_on()
        assert factory.read(identity_region(Eeprom(wired, wired.clock)))["device"]["DevId"] == "sim:7"
        image.blank(*who(bench, *option, "--man", "ACME%d" % count, "--force"))
        assert factory.read(identity_region(Eeprom(wired, wired.clock)))["device"]["Man"] == "ACME%d" % count


@pytest.mark.parametrize(
    "text, code, said",
    [
        ("nowhere.bin", 3, "truncate"),
        ("i2c:1", 2, "i2c:BUS:ADDRESS"),
        ("i2c:1:0x99", 2, "i2c:BUS:ADDRESS"),
        ("i2c:1:hello", 2, "i2c:BUS:ADDRESS"),
        ("i2c:1:0x50?size=12", 2, "size"),
        ("i2c:1:0x50?page=33", 2, "power of two"),
        ("i2c:1:0x50?pages=32", 2, "no option"),
        ("i2c:99:0x50", 3, "i2c"),
    ],
)
def test_odd_places_are_one_line(bench, image, text, code, said):
    done = image.blank(*who(bench, "--eeprom", text), code=code)
    assert len(done.stderr.strip().splitlines()) == 1 and said in done.stderr


def test_what_does_not_fit_says_what_could_be_left_out(bench, image, tmp_path):
    path = tmp_path / "small.bin"
    path.write_bytes(b"\xff" * 1024)
    assert "leave something out" in image.blank(*who(bench, "--eeprom", path), code=1).stderr
    path.write_bytes(b"\xff" * 1000)
    assert "cannot be divided" in image.blank(*who(bench, "--eeprom", path), code=2).stderr
    assert path.read_bytes() == b"\xff" * 1000
