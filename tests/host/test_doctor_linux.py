"""`fumo doctor` on Linux boards that are folders: each thing that can be wrong is named, with what to do about it."""

import os

import pytest

from agent.errors import FlashError
from flash_tools import doctor
from flash_tools.doctor import board_file, linux, service, watchdogs
from flash_tools.doctor.check import Host
from tests.host.test_doctor_host import by_name, opened, put, watchdog

BOARD = """
SPI, SPI_HZ, CHIP, FLASH_SIZE = "/dev/spidev0.0", 1000000, b"\\xef\\x40\\x18", 65536
LAYOUT = (("bank0", 0, 4194304), ("factory", 8192, 8192))
WATCHDOG_MS = 8000
LED, BUTTON, EEPROM, UART = 17, "gpiochip1:3", (1, 0x50), "/dev/serial0"
def build(port):
    raise AssertionError("a doctor builds nothing")
"""
GOOD_SERVICE = (
    "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nSubState=running\nNRestarts=0\nExecMainStatus=0\n"
)


@pytest.fixture(name="host")
def make_host(tmp_path):
    roots = {name: tmp_path / name for name in ("sys", "proc", "dev", "run", "etc", "root")}
    for path in roots.values():
        path.mkdir()
    for name in ("spidev0.0", "gpiochip0", "gpiochip1", "i2c-1", "serial0", "watchdog0"):
        put(roots["dev"] / name)
    put(tmp_path / "mine.py", BOARD)
    put(roots["etc"] / "fumo-agent/config.toml", '[linux]\nboard = "%s"\n' % (tmp_path / "mine.py"))
    return Host(**roots, user=os.geteuid(), groups=tuple(os.getgroups()))


class Chip:
    """A link to a chip: its id, then what a read gives; `busy` answers come first."""

    max_query = 4000

    def __init__(self, jedec=b"\xef\x40\x18", cells=b"", busy=0):
        self.jedec, self.cells, self.busy, self.asked = jedec, cells, busy, []

    def query(self, head, into):
        self.asked.append(head[0])
        if head == b"\x9f":
            self.busy -= 1
            into[:] = b"\xff\xff\xff" if self.busy >= 0 else self.jedec
        else:
            at = int.from_bytes(head[1:], "big")
            into[:] = self.cells[at : at + len(into)].ljust(len(into), b"\xff")

    def read(self, reg, into):
        into[:] = bytes(len(into))

    def close(self):
        pass


def look(host, chip=None, i2c=None, ask=lambda: GOOD_SERVICE):
    chip = chip or Chip()
    opener = chip if callable(chip) else lambda *_: chip
    return by_name(linux.checks(host, ask, opener, i2c or (lambda *_: Chip())))


def refused(text):
    def opener(*_):
        raise FlashError(text)

    return opener


def test_a_board_that_is_well(host):
    found = look(host)
    verdicts = {name: check.verdict for name, check in found.items()}
    assert verdicts.pop("account") == "skip" and verdicts.pop("ram disk") in ("ok", "warn")
    assert set(verdicts.values()) == {"ok"}, verdicts
    assert set(verdicts) == {"board", "board spi", "board chip", "board uart", "board gpio", "board eeprom", "service"}


def test_no_board_is_chosen(host):
    put(host.etc / "fumo-agent/config.toml", '[agent]\nname = "x"\n')
    found = look(host)
    assert list(found) == ["board"] and found["board"].verdict == "skip"


@pytest.mark.parametrize(("text", "said"), [
    ("[linux\n", "is no TOML"),
    ("[linux]\nboard = 7\n", "linux.board"),
    ('[linux]\nboard = "nosuch"\n', "no board file nosuch"),
    ('[linux]\nboard = "/nowhere/b.py"\n', "cannot read the board file"),
    ('[linux]\nboard = "sim_nor"\n[agent]\nnap_ms = "x"\n', "agent.nap_ms"),
])  # fmt: skip
def test_settings_that_are_wrong(host, text, said):
    put(host.etc / "fumo-agent/config.toml", text)
    found = look(host)
    assert (
        list(found) == ["board"]
        and found["board"].verdict == "fail"
        and said in found["board"].what + found["board"].do
    )


@pytest.mark.parametrize(("text", "said"), [
    ("x = 1 / 0\n", "ZeroDivisionError"),
    ("def build(:\n", "is no Python"),
    ("import nosuch_module\n", "nosuch_module"),
    ("X = 1\n", "no build"),
])  # fmt: skip
def test_a_board_file_that_is_wrong(host, tmp_path, text, said):
    put(tmp_path / "mine.py", text)
    found = look(host)
    assert found["board"].verdict == "fail" and said in found["board"].what + found["board"].do


@pytest.mark.parametrize(("device", "name", "do"), [
    ("spidev0.0", "board spi", "dtparam=spi=on"),
    ("i2c-1", "board eeprom", "dtparam=i2c_arm=on"),
    ("serial0", "board uart", "enable_uart=1"),
    ("gpiochip1", "board gpio", "gpiodetect"), ("watchdog0", "board watchdog", "dtparam=watchdog=on"),
])  # fmt: skip
def test_a_device_that_is_not_there(host, device, name, do):
    (host.dev / device).unlink()
    check = look(host)[name]
    assert check.verdict == "fail" and do in check.do and device.rstrip("0") in check.what


@pytest.mark.parametrize(("device", "name", "group"), [
    ("spidev0.0", "board spi", "spi"),
    ("i2c-1", "board eeprom", "i2c"),
    ("serial0", "board uart", "dialout"),
    ("gpiochip0", "board gpio", "gpio"),
])  # fmt: skip
def test_a_device_that_this_user_may_not_open(host, device, name, group):
    (host.dev / device).chmod(0o600)
    stranger = Host(host.sys, host.proc, host.dev, host.run, os.geteuid() + 1, (), host.etc)
    for other in host.dev.iterdir():
        if other.name != device:
            other.chmod(0o666)
    check = look(stranger)[name]
    assert check.verdict == "fail" and "usermod -aG %s" % group in check.do


def test_a_device_that_the_user_of_the_service_may_not_open(host):
    for path in host.dev.iterdir():
        path.chmod(0o600)
    roots = (host.sys, host.proc, host.dev, host.run, os.geteuid() + 1, ())
    found = look(Host(*roots, host.etc, who="fumo-agent"))
    for name in ("board spi", "board eeprom", "board uart", "board gpio"):
        assert "fumo-agent, the user of the service, may not" in found[name].what and "$USER" not in found[name].do


@pytest.mark.parametrize(("chip", "said"), [
    (Chip(b"\xc8\x40\x18"), "the chip has id c84018, the board file names ef4018"),
    (Chip(b"\xff\xff\xff"), "no chip answers (id ffffff)"),
    (Chip(b"\0\0\0"), "no chip answers (id 000000)"), (refused("/dev/spidev0.0 is in use: a driver has it"), "in use"),
])  # fmt: skip
def test_a_chip_that_is_another_one(host, chip, said):
    check = look(host, chip)["board chip"]
    assert check.verdict == "fail" and said in check.what and check.do


def test_a_chip_that_works_is_asked_again_and_never_reset(host):
    chip = Chip(busy=3)
    assert look(host, chip)["board chip"].verdict == "ok"
    assert set(chip.asked) <= {0x9F, 0x03}


def test_the_chip_of_a_target_is_let_alone(host, tmp_path):
    put(tmp_path / "mine.py", BOARD + "TARGET_RESET = 24\n")
    chip = Chip()
    assert look(host, chip)["board chip"].verdict == "skip" and not chip.asked


def test_an_i2c_part_that_does_not_answer(host):
    check = look(host, i2c=refused("nothing answers at 0x50 on /dev/i2c-1: check power, pull-ups, wiring"))[
        "board eeprom"
    ]
    assert check.verdict == "fail" and "0x50" in check.what and "pull-ups" in check.do


def test_a_register_is_asked_for_and_nothing_written(host, tmp_path):
    put(tmp_path / "mine.py", BOARD + "TEMPERATURE = (1, 0x48)\n")
    asked = []
    found = look(host, i2c=lambda path, address, size: asked.append((address, size)) or Chip())
    assert asked == [(0x50, 2), (0x48, 1)] and found["board temperature"].verdict == "ok"


# -- where it writes ----------------------------------------------------------------------------------------------------


def test_what_systemd_says_of_the_ram_disk_is_used(host):
    disk = "/run/fumo-agent/firmware:size=4M,mode=1777"
    found = look(
        host, ask=lambda: GOOD_SERVICE + "MainPID=0\nTemporaryFileSystem=%s\nTemporaryFileSystem=/mnt:ro\n" % disk
    )
    assert found["ram disk"].what.startswith("/run/fumo-agent/firmware, by the unit, has 4096 KiB")


# -- service and watchdog -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "verdict", "said"), [
    (None, "skip", "no systemd"), ("LoadState=not-found\nActiveState=inactive", "warn", "not installed"),
    ("LoadState=loaded\nActiveState=failed\nExecMainStatus=78", "fail", "no board is chosen"),
    ("LoadState=loaded\nActiveState=failed\nResult=exit-code", "fail", "exit-code"),
    ("LoadState=loaded\nActiveState=inactive", "warn", "does not run"),
    ("LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nNRestarts=41", "fail", "41 times"),
    ("LoadState=loaded\nActiveState=activating\nSubState=start\nNRestarts=0\nStatusText=no chip", "warn", "no chip"),
    (GOOD_SERVICE, "ok", "running"), ("LoadState=loaded\nNRestarts=junk", "ok", ""),
])  # fmt: skip
def test_the_service(text, verdict, said):
    check = by_name(service.checks(lambda: text))["service"]
    assert check.verdict == verdict and said in check.what


def test_a_service_that_is_not_enabled():
    found = by_name(service.checks(lambda: GOOD_SERVICE.replace("=enabled", "=disabled")))
    assert found["service start"].verdict == "warn"


@pytest.mark.parametrize(("command", "line", "verdict"), [
    ("watchdogd", b"/usr/sbin/watchdogd\0", "warn"), ("python3", b"python3\0-I\0/run/fumo-agent/bank0.zip\0", "ok"),
])  # fmt: skip
def test_a_watchdog_that_somebody_else_holds(host, command, line, verdict):
    watchdog(host)
    opened(host, 60, command)
    (host.proc / "60/cmdline").write_bytes(line)
    check = by_name(watchdogs.checks(host))["watchdog0 owner"]
    assert check.verdict == verdict and "process 60" in check.what


# -- all of it ---------------------------------------------------------------------------------------------------------


def test_the_boards_of_the_project_are_looked_at(host):
    """What their files are called by is what is looked for: a constant of another name would go unseen."""
    for name in ("rpi_mcuboot_target", "rpi_nor_hat", "rig_imx6", "rpi_tryboot"):
        put(host.etc / "fumo-agent/config.toml", '[linux]\nboard = "%s"\n' % name)
        board, _ = board_file.chosen(host)
        if not board:
            continue
        found = look(host)
        assert len(found) >= 4, (name, list(found))
        assert ("board spi" in found) == hasattr(board, "SPI")


def test_the_whole_machine(host):
    names = [check.name for check in doctor.examine_host(host)]
    assert "python" in names and "board" in names and "service" in names and len(names) == len(set(names))
