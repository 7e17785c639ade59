"""What hangs on the emulated board beside its flash: EEPROM, temperature sensor, LED and button, seen and driven from outside."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flash_tools.deploy.files import Wish, build
from flash_tools.images import zip_image
from flash_tools.rig.linux_goods import BEHAVIOURS, image
from flash_tools.server import web_faults
from hal.eeprom_i2c import BOOTS, EepromCounter
from tests.rig import chip_facts
from tests.scenarios import requests
from tests.scenarios.story import Story

pytestmark = pytest.mark.lg_feature("emulated")
ROOT = Path(__file__).resolve().parents[2]
K = 1024
BUTTON, LED = (1, 17), (1, 18)
HOT, COLD = "is not written, only from", "serial recovery for"
SLOW = 25000  # bytes a second
STILL_S = 3  # nothing may happen for so long


def small_update(rig, version: str) -> bytes:
    """Make an update without the bytecode that saves time at a start: a third to be sent."""
    files = build(Wish("cpython_linux", "rig_imx6"))
    files |= {"version.py": b'VERSION = "%s"\n' % version.encode(), "app.py": BEHAVIOURS["good"].encode()}
    return rig.strategy.board.goods.package(zip_image.build(files, deflated=True), version)


def machine_of(rig):
    """Return the EmulatedBoard of a rig."""
    return rig.strategy.power.program.machine


class Cells:
    """The EEPROM's file, read as the device reads the part."""

    size, page = 4096, 32

    def __init__(self, path):
        self._data = path.read_bytes()

    def read(self, addr, into):
        into[:] = self._data[addr : addr + len(into)]


class Said:
    """What the kernel's console and the agent's log say from now on; the file has that of all tests before."""

    def __init__(self, machine):
        self._machine, self._start = machine, len(machine.console())

    def count(self, text: str) -> int:
        return self._machine.console()[self._start :].count(text)

    def wait(self, text: str, most_s: float) -> None:
        wait_for(lambda: self.count(text), most_s, text)


def wait_for(true, most_s: float, what: str):
    """Look again and again until it is so."""
    end = time.monotonic() + most_s
    while not true():
        assert time.monotonic() < end, "it never came: %s" % what
        time.sleep(0.1)


def boots_of(rig) -> int:
    """Return how many boots the EEPROM has counted; the board has no power."""
    counter = EepromCounter(Cells(machine_of(rig).folder / "eeprom.img"))
    assert counter.remembers, counter.fault
    return counter.total(BOOTS)


def led_shows(machine, state: str, most_s: float = 30):
    """Watch the LED until it has shown the pattern of a state; a busy computer stretches what it shows."""
    found, since, before = [], None, machine.output(*LED)
    end = time.monotonic() + most_s
    while not PATTERNS[state](found):
        level, now = machine.output(*LED), time.monotonic()
        assert now < end, "the LED does not say %s: %s" % (state, found[-20:])
        if level != before:
            found += [] if since is None else [(before, now - since)]  # how long it was on or off
            before, since = level, now


def has(found, level, least_s, most_s, count=1) -> bool:
    """Tell whether so many pieces took so long."""
    return sum(kind == level and least_s <= seconds <= most_s for kind, seconds in found) >= count


PATTERNS = {
    "idle": lambda found: has(found, False, 2.3, 4) and has(found, True, 0, 0.4),
    "working": lambda found: has(found[-4:], True, 0.4, 1, 2) and has(found[-4:], False, 0.4, 1, 2),
    "trial": lambda found: any(_twice(found[at : at + 4]) for at in range(len(found))),
    "recovery": lambda found: has(found[-8:], True, 0, 0.3, 4) and has(found[-8:], False, 0, 0.3, 4),
}


def _twice(found):
    """Tell whether these are two flashes, and a longer pause before the next two."""
    return (
        [level for level, _ in found] == [True, False, True, False]
        and has(found, True, 0, 0.6, 2)
        and has(found[3:], False, 0.5, 1.8)
        and found[1][1] < 0.7 * found[3][1]
    )


# -- EEPROM ------------------------------------------------------------------------------------------------------------


def test_the_eeprom_counts_boots_and_survives_power_cuts(make_rig):
    rig = make_rig(start=False)
    assert boots_of(rig) == 0
    for boots in (1, 2):
        rig.power(True)
        assert '"boots": %d' % boots in _status(rig)
        rig.cut()
        assert boots_of(rig) == boots
    (machine_of(rig).folder / "eeprom.img").write_bytes(_torn(machine_of(rig).folder / "eeprom.img"))
    assert boots_of(rig) == 1, "a record that a cut has torn gives way to the one before"
    rig.power(True)
    assert '"boots": 2' in _status(rig)


def _status(rig):
    since = rig.now
    rig.type("status")
    return rig.wait("status ", since=since)


def _torn(path):
    """Return the EEPROM with the newest record half written."""
    data = bytearray(path.read_bytes())
    slots = [at for at in range(0, 512, 64) if data[at : at + 4] != b"\xff" * 4]
    newest = max(slots, key=lambda at: int.from_bytes(data[at : at + 4], "little"))
    data[newest + 9 : newest + 18] = b"\xff" * 9
    return bytes(data)


# -- temperature, and what the LED says meanwhile -----------------------------------------------------------------------


def test_a_download_waits_while_the_board_is_too_hot(make_rig):
    rig = make_rig(user="yes", trial_s=6, trial_max_s=90)
    machine = machine_of(rig)
    said = Said(machine)
    led_shows(machine, "idle")
    rig.server.web_faults.add("package", web_faults.slow(SLOW))
    package = rig.server.add_package(small_update(rig, "2.0"), "fw-2.0.fup")
    order = rig.order(package, "download-and-update")
    rig.wait("progress", timeout_s=60)
    led_shows(machine, "working")
    machine.temperature(95000)
    said.wait(HOT, 30)
    time.sleep(1)  # what was on its way
    before = rig.now
    time.sleep(STILL_S)
    assert not [line for line in rig.heard[before:] if line.startswith(("progress", "state", "result"))]
    machine.temperature(40000)
    rig.wait("progress", since=before, timeout_s=60)
    line = rig.wait("boot 2", timeout_s=rig.update_s)
    rig.wait("listening", since=rig.heard.index(line), timeout_s=60)
    led_shows(machine, "trial")
    outcome = order.wait(rig.update_s)
    assert (outcome.result, outcome.code, outcome.firmware_version) == ("done", 200, "2.0"), rig.heard[-20:]
    assert said.count(HOT) == 1, "it is said once"


# -- the button --------------------------------------------------------------------------------------------------------


@pytest.mark.short
def test_a_button_that_is_held_asks_the_server_for_an_update(make_rig):
    rig = make_rig(user="yes")
    machine = machine_of(rig)
    machine.line(*BUTTON, True)
    time.sleep(0.5)
    machine.line(*BUTTON, False)  # pressed by accident
    before = rig.now
    time.sleep(2.5)
    assert not [line for line in rig.heard[before:] if line.startswith("button")]
    try:
        machine.line(*BUTTON, True)
        rig.wait("button taken", timeout_s=30)
        line = rig.wait("session open", since=before, timeout_s=60)
        rig.wait("session closed", since=rig.heard.index(line, before), timeout_s=60)
    finally:
        machine.line(*BUTTON, False)
    story = Story(rig.server.transcript)
    story.step(1, "the user holds the button")
    requests.asks(story, rig, "userrequest")


def test_a_button_held_at_power_on_leads_to_recovery_over_the_serial_line(make_rig, tmp_path):
    rig = make_rig(user="yes", trial_s=1, trial_max_s=60, start=False)
    program, machine = rig.strategy.power.program, machine_of(rig)
    package = tmp_path / "fw-2.0.fup"
    package.write_bytes(rig.update("2.0", encoding="delta", old_image=image(rig.old, "good", "rig_imx6")))
    machine.line(*BUTTON, True)
    said = Said(machine)
    try:
        rig.strategy.listener.power_comes()
        program.on()
        said.wait(COLD, 90)
        led_shows(machine, "recovery")
    finally:
        machine.line(*BUTTON, False)
    with program.lent_line() as line:
        told = fumo("recover", "status", "-b", "serial:%s" % line)
        assert "1.0" in told and "confirmed" in told
        assert package.stat().st_size < 100 * K, "only what differs goes over the line"
        told = fumo("recover", "upload", str(package), "-b", "serial:%s" % line)
        assert "the board starts 2.0 on trial" in told
    boot = rig.wait("boot", timeout_s=rig.update_s)
    assert "bank 1 trial version 2.0" in boot, rig.heard
    wait_for(lambda: '"trial": false' in _status(rig), 60, "the end of the trial")
    rig.power(False)
    assert chip_facts.read(machine.folder / "flash.img").safe == "2.0"


def fumo(*words: str, code: int = 0, timeout_s: float = 240) -> str:
    """Run a command on this computer in the environment that has all its packages; return what it printed."""
    own = ROOT / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    done = subprocess.run(
        [python, "-m", "flash_tools", *words], cwd=ROOT, capture_output=True, text=True, timeout=timeout_s,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "FUMO_BOARD": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == code and "Traceback" not in done.stderr, (
        words,
        done.returncode,
        done.stdout,
        done.stderr,
    )
    return done.stdout + done.stderr
