"""The Debian package on a Debian: installed in a root of its own, then lived through under the real systemd in a container.

The root is made once by `make debroot` (mmdebstrap); without it, or without the rights for a container, these tests are skipped.
The agent in there is a stand-in where falls and hangs are wanted: unit, launcher, scripts and systemd are the real ones.
"""

import json
import os
import shutil
import subprocess
import zipfile

import pytest

from flash_tools.deb.build import build
from flash_tools.version import version
from tests.host.doc_examples import ROOT

ARCHIVE = ROOT / "build/deb/root.tar"
GUEST = ROOT / "tests/host/deb_guest"
FALLS = 12  # systemd gives up after five in ten seconds, unless told otherwise
_QUICKER = "[Service]\nRestartSec=100ms\n"  # than the unit's second: a test has no patience
_TIMEOUT_S = 150
_SERVICE = """[Unit]
After=multi-user.target
[Service]
ExecStart=/usr/bin/python3 /guest.py
"""


def _missing():
    if not ARCHIVE.is_file():
        return "no %s: make debroot" % ARCHIVE.relative_to(ROOT)
    if os.geteuid():
        return "a root folder of Debian is entered as root only"
    return "" if shutil.which("systemd-nspawn") else "no systemd-nspawn: apt-get install systemd-container"


pytestmark = pytest.mark.skipif(bool(_missing()), reason=_missing())


def _run(*words, **more):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=_TIMEOUT_S, **more)


def _nspawn(root, *words):
    options = ["--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe", "--resolv-conf=off"]
    name = "fumo-test-%d" % os.getpid()
    return _run(
        "systemd-nspawn",
        *options,
        "--timezone=off",
        "--link-journal=no",
        "-M",
        name,
        "-D",
        root,
        *words,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Make a Debian root with the package in it; return it with what dpkg said."""
    folder = tmp_path_factory.mktemp("debian")
    root = folder / "root"
    root.mkdir()
    _run("tar", "-C", root, "--numeric-owner", "-xpf", ARCHIVE, check=True)
    package = build(folder)
    shutil.copy(package, root / "first.deb")
    shutil.copy(build(folder, version() + "+next"), root / "new.deb")
    said = _run("chroot", root, "dpkg", "-i", "/first.deb")
    yield root, said
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def life(installed):
    """Boot the root under systemd, let guest.py live through everything, return its results."""
    root, _ = installed
    probe = _nspawn(root, "--as-pid2", "/bin/true")
    if probe.returncode:
        pytest.skip("no container can be started here: %s" % probe.stderr.strip().splitlines()[-1])
    shutil.copy(root / "usr/lib/fumo-agent/fumo-agent.pyz", root / "real.pyz")
    with zipfile.ZipFile(root / "fake.pyz", "w") as fake:
        fake.write(GUEST / "agent.py", "__main__.py")
    shutil.copy(root / "fake.pyz", root / "usr/lib/fumo-agent/fumo-agent.pyz")
    shutil.copy(GUEST / "guest.py", root / "guest.py")
    (root / "etc/fumo-agent/mode").write_text("fall:%d" % FALLS)
    drop_ins = root / "etc/systemd/system/fumo-agent.service.d"
    drop_ins.mkdir()
    (drop_ins / "quicker.conf").write_text(_QUICKER)
    unit = root / "etc/systemd/system/guest.service"
    unit.write_text(_SERVICE)
    (root / "etc/systemd/system/multi-user.target.wants/guest.service").symlink_to("/etc/systemd/system/guest.service")
    done = _nspawn(root, "--boot")
    assert (root / "results.json").is_file(), done.stdout + done.stderr
    results = json.loads((root / "results.json").read_text())
    assert "failed" not in results, results
    return results


def test_it_installs_and_configures(installed):
    root, said = installed
    assert said.returncode == 0, said.stderr
    assert "Setting up fumo-agent" in said.stdout
    assert _run("chroot", root, "systemctl", "is-enabled", "fumo-agent.service").stdout.strip() == "enabled"
    groups = _run("chroot", root, "id", "-nG", "fumo-agent").stdout.split()
    assert set(groups) == {"fumo-agent", "spi", "i2c", "gpio", "dialout"}


def test_it_runs_on_the_systems_python(installed):
    root, _ = installed
    done = _run("chroot", root, "fumo-agent", "--version")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("fumo-agent ")
    assert list((root / "usr/lib/fumo-agent").iterdir()) == [root / "usr/lib/fumo-agent/fumo-agent.pyz"]


def test_the_agent_itself_without_a_board_ends_with_78(installed):
    root, _ = installed
    done = _run("chroot", root, "fumo-agent", "run")
    assert done.returncode == 78 and len(done.stderr.splitlines()) == 1 and "no board is chosen" in done.stderr


def test_the_agent_itself_finds_a_board_of_the_package(installed):
    root, _ = installed
    (root / "etc/fumo-agent/conf.d/board.toml").write_text('[linux]\nboard = "rpi_nor_hat"\n')
    done = _run("chroot", root, "fumo-agent", "check")
    (root / "etc/fumo-agent/conf.d/board.toml").unlink()
    assert "rpi_nor_hat" in done.stdout + done.stderr and "there is no board file" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_unit_is_sound_where_it_is_installed(installed):
    root, _ = installed
    done = _run(
        "systemd-analyze", "verify", "--man=no", "--root=%s" % root, root / "lib/systemd/system/fumo-agent.service"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_quick_falls_never_end_it(life):
    assert life["fallen"]["ActiveState"] == "active"
    assert int(life["fallen"]["NRestarts"]) == FALLS


def test_what_the_service_may_and_may_not(life):
    probe = life["probe"]
    assert probe["uid"] > 0 and probe["isolated"] == 1 and probe["no_new_privileges"] == "1"
    assert int(probe["capabilities"], 16) == 1 << 22  # CAP_SYS_BOOT
    assert probe["reboot"] == "EINVAL"  # allowed: EPERM is who may not
    assert probe["inet"] == "" and probe["netlink"] == "EAFNOSUPPORT" and probe["become_root"] == "EPERM"
    mine = ("/run/fumo-agent", "/var/lib/fumo-agent", "/run/fumo-agent/firmware", "/tmp")
    for path, error in probe["tried"].items():
        assert (error == "") == (path in mine), (path, error)
    assert probe["runtime_mode"] == "0o700" and probe["folder"] == "/run/fumo-agent"


def test_the_libraries_load_below_the_filters(life):
    assert set(life["probe"]["imports"].values()) == {""}, life["probe"]["imports"]


def test_the_ram_disk_has_a_limit_and_is_private(life):
    assert life["probe"]["overfill"] == "ENOSPC"
    assert life["stray"] == []
    assert life["probe"]["started"] == "/run/fumo-agent/firmware/first_stage.pyz"


def test_an_upgrade_leaves_the_agent_running(life):
    assert life["upgraded"]["MainPID"] == life["fallen"]["MainPID"] != "0"
    assert life["upgraded"]["ActiveState"] == "active" and life["version"].endswith("+next")
    assert "takes over at the next start" in life["upgrade"]


def test_an_upgrade_keeps_the_settings(life):
    assert life["config"].endswith("# mine\n")


def test_systemds_watchdog_ends_a_hang(life):
    assert life["fed"]["ActiveState"] == "active" and life["fed"]["NRestarts"] == "0"
    assert life["fed"]["WatchdogUSec"] == "2s"
    assert int(life["hung"]["NRestarts"]) >= 1
    assert "Watchdog timeout" in life["hang_log"]


def test_without_a_board_it_says_so_and_stays_down(life):
    assert life["unconfigured"]["ActiveState"] == "failed" and life["unconfigured"]["NRestarts"] == "0"
    assert life["unconfigured"]["ExecMainStatus"] == "78" and "no board is chosen" in life["status"]


def test_the_agent_itself_without_a_board_stays_down(life):
    assert life["real"]["ActiveState"] == "failed" and life["real"]["ExecMainStatus"] == "78"
    assert "no board is chosen" in life["real"]["status"]


def test_the_agent_itself_waits_for_hardware_and_says_so_once(life):
    waiting, waited = life["waiting"], life["waited"]
    assert waiting["ActiveState"] == "activating" and "watchdog" in waiting["StatusText"]
    assert (waited["MainPID"], waited["NRestarts"]) == (waiting["MainPID"], "0")
    assert waited["log"].count(waiting["StatusText"]) == 1


def test_removal_stops_it_and_keeps_the_settings(life):
    assert life["before_removal"]["ActiveState"] == "active"
    assert life["removed"]["MainPID"] in ("", "0") and life["removed"]["ActiveState"] != "active"
    assert life["removed"]["config"] and life["removed"]["state"] and not life["removed"]["pyz"]


def test_a_purge_leaves_nothing(life):
    kept = ("/var/lib/dpkg/", "/sys/", "/var/log/")
    assert [path for path in life["left"] if not path.startswith(kept)] == []
