"""The service's unit and what goes with it: as systemd judges it, and as the pages tell it."""

import configparser
import re
import shutil
import subprocess

import pytest

from board import rpi_tryboot
from tests.host.doc_examples import ROOT

UNITS = ROOT / "ports/cpython_linux/systemd"
UNIT = UNITS / "fumo-agent.service"
PAGE = ROOT / "docs/boards/service.md"
_EXPOSURE = re.compile(r"exposure level for \S+: ([0-9.]+)")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze: apt-get install systemd"
)


def _analyze(*words):
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *map(str, words)], capture_output=True, text=True, timeout=60
    )


def _copy(folder, *drop_ins):
    """Copy the unit with a program that is there; the drop-ins are put beside it."""
    program = folder / "fumo-agent"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = folder / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/bin/fumo-agent", str(program)))
    (folder / (UNIT.name + ".d")).mkdir()
    for path in drop_ins:
        shutil.copy(path, folder / (UNIT.name + ".d"))
    return unit


def _settings(path):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(path)
    return parser


@needs_systemd
def test_systemd_finds_nothing_wrong(tmp_path):
    done = _analyze("verify", "--man=no", _copy(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", sorted(path.name for path in (UNITS / "examples").iterdir()))
def test_systemd_finds_nothing_wrong_with_a_drop_in(name, tmp_path):
    done = _analyze("verify", "--man=no", _copy(tmp_path, UNITS / "examples" / name))
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_systemd_would_find_something_wrong(tmp_path):
    unit = _copy(tmp_path)
    unit.write_text(unit.read_text().replace("ProtectHome=yes", "ProtectHome=perhaps"))
    assert "perhaps" in _analyze("verify", "--man=no", unit).stderr


@needs_systemd
def test_the_exposure_is_what_the_page_says(tmp_path):
    done = _analyze("security", "--offline=true", _copy(tmp_path))
    found = float(_EXPOSURE.search(done.stdout).group(1))
    told = float(re.search(r"exposure of ([0-9.]+)", PAGE.read_text()).group(1))
    version = _analyze("--version").stdout.split()[1]
    if version != "252":
        pytest.skip("the figure is that of systemd 252; %s says %.1f" % (version, found))
    assert found == told <= 2.0


def test_it_is_started_again_for_ever():
    unit = _settings(UNIT)
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    service = unit["Service"]
    assert (service["Restart"], service["RestartSec"], service["RestartPreventExitStatus"]) == ("always", "1", "78")
    assert (service["Type"], service["NotifyAccess"]) == ("notify", "main")
    assert "network" not in unit["Unit"].get("After", "") + unit["Unit"].get("Wants", "") + unit["Unit"].get(
        "Requires", ""
    )
    assert "WatchdogSec" not in service  # the hardware's is the agent's own; the drop-in is for where it is not


def test_every_group_of_the_rules_is_made():
    made = set(re.findall(r"^[gu] (\S+)", (UNITS / "fumo-agent.sysusers").read_text(), re.MULTILINE))
    rules = (UNITS / "60-fumo-agent.rules").read_text()
    wanted = set(re.findall(r'GROUP="(\S+?)"', rules))
    assert wanted == {"spi", "i2c", "gpio", "fumo-agent"} and wanted <= made
    assert set(re.findall(r'MODE="(\S+?)"', rules)) == {"0660"}
    joined = set(re.findall(r"^m fumo-agent (\S+)", (UNITS / "fumo-agent.sysusers").read_text(), re.MULTILINE))
    assert joined == {"spi", "i2c", "gpio", "dialout"}


def test_every_device_with_a_rule_may_be_opened():
    allowed = re.findall(r"^DeviceAllow=(\S+) rw$", UNIT.read_text(), re.MULTILINE)
    assert {"char-spi", "char-mtd", "char-i2c", "char-gpiochip", "char-watchdog", "char-tty*"} <= set(allowed)
    assert _settings(UNIT)["Service"]["DevicePolicy"] == "closed"


def test_the_drop_in_of_tryboot_opens_what_its_board_file_writes():
    drop_in = (UNITS / "examples/rpi_tryboot.conf").read_text()
    assert "ReadWritePaths=-%s\n" % rpi_tryboot.SELECT in drop_in
    assert rpi_tryboot.DISK.startswith("/dev/mmcblk") and "DeviceAllow=block-mmc rw\n" in drop_in


def test_the_page_names_every_drop_in():
    for path in (UNITS / "examples").iterdir():
        assert path.name in PAGE.read_text()
