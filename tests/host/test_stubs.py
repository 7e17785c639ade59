"""The files for MicroPython boards against the type stubs of three ports: nothing is wrong, and what would be is found."""

import shutil

import pytest

from tests.stubs import check as stubs
from tests.stubs.__main__ import main

PLANTED = '''"""Mistakes that only a board would find."""

import dataclasses  # reportMissingImports
import cryptography  # reportMissingImports

import machine
import network
import time
import esp32  # reportMissingImports
from hal.region import Regions  # reportAttributeAccessIssue


class Right:
    """A part that is not there yet is no mistake."""

    pin = None

    def take(self, line):
        """Begin."""
        self.pin = machine.Pin(line, machine.Pin.OUT, value=0)
        return self.pin.value()


def wrong(pin):
    """Make one mistake a line."""
    machine.SPI(0, baud=1)  # reportCallIssue
    machine.SPI(0, baudrate=1).write_into(b"")  # reportAttributeAccessIssue
    machine.WDT(timeout_ms=3000)  # reportCallIssue
    machine.Pin(1, machine.Pin.OUTPUT)  # reportAttributeAccessIssue
    machine.Pin("A1", machine.Pin.OUT, active=1)  # reportCallIssue
    time.sleep(b"1")  # reportArgumentType
    time.monotonic()  # reportAttributeAccessIssue
    time.ticks_diff(1)  # reportCallIssue
    network.WLAN(network.WLAN.IF_STA).is_connected()  # reportAttributeAccessIssue
    return machine.reset_cause() == machine.WATCHDOG_RESET or pins  # reportAttributeAccessIssue reportUndefinedVariable
'''


@pytest.fixture(autouse=True)
def there():
    if not (stubs.ROOT / stubs.STUBS / ".stamp").is_file():
        pytest.skip("no type stubs of MicroPython: make lint installs them")
    pytest.importorskip("basedpyright", reason="no basedpyright: pip install basedpyright")


@pytest.fixture
def tree(tmp_path):
    """Give a copy of what is checked, small enough to plant something into it."""
    for name in ("ports", "board", "hal", "agent"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "ports" / "micropython").mkdir()
    shutil.copy(stubs.ROOT / "hal" / "region.py", tmp_path / "hal")
    return tmp_path


def look(tree, name, text, port):
    path = tree / name
    path.write_text(text)
    found, _ = stubs.check(port, tree, stubs.ROOT / stubs.STUBS / port)
    path.unlink()
    return {(finding.line, finding.rule) for finding in found if finding.path == name}


def test_the_tree_has_no_mistakes(capsys):
    assert main() == 0, capsys.readouterr().out
    assert capsys.readouterr().out.startswith("stubs: 0 mistakes; files: rp2 ")


def test_planted_mistakes_are_found(tree):
    wanted = {
        (number, rule)
        for number, line in enumerate(PLANTED.splitlines(), 1)
        for rule in (line.partition("  # ")[2].split() if "  # report" in line else ())
    }
    assert len(wanted) == 15
    assert look(tree, "ports/micropython/plant.py", PLANTED, "rp2") == wanted


def test_a_file_for_one_port_is_checked_with_its_stubs_alone(tree):
    text = '"""One port."""\n\nimport esp32\n'
    assert look(tree, "board/esp32_x.py", text, "esp32") == set()
    (tree / "ports" / "micropython" / "esp32_net.py").touch()
    (tree / "board" / "esp32_x.py").touch()
    assert stubs.files_of("rp2", tree) == []
    assert stubs.files_of("esp32", tree) == ["ports/micropython/esp32_net.py", "board/esp32_x.py"]


def test_what_is_not_installed_is_said(tmp_path, monkeypatch, capsys):
    with pytest.raises(stubs.Missing, match="make lint installs them"):
        stubs.check("rp2", tmp_path, tmp_path)
    monkeypatch.setattr(stubs.sys, "executable", str(tmp_path / "python"))
    assert main() == 1 and "pip install basedpyright" in capsys.readouterr().out
