"""Runs as root inside a container of the tests, under the real systemd: lives through the package's life, writes results.json.

Whatever happens, the container is switched off at the end.
"""

import json
import pathlib
import shutil
import subprocess
import time

UNIT = "fumo-agent.service"
MODE, DROP_IN = pathlib.Path("/etc/fumo-agent/mode"), pathlib.Path("/etc/systemd/system/%s.d/dog.conf" % UNIT)
CHOICE = pathlib.Path("/etc/fumo-agent/conf.d/board.toml")
STATE, CONFIG = pathlib.Path("/var/lib/fumo-agent"), pathlib.Path("/etc/fumo-agent/config.toml")
PYZ, EXAMPLE = "/usr/lib/fumo-agent/fumo-agent.pyz", "/usr/share/doc/fumo-agent/examples/systemd-watchdog.conf"


def call(*words):
    """Run a command; return what it said, or that it failed."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def unit():
    """Return what systemd knows of the service."""
    names = "ActiveState,SubState,MainPID,NRestarts,Result,ExecMainStatus,WatchdogUSec,StatusText"
    return dict(line.split("=", 1) for line in call("systemctl", "show", UNIT, "-p", names).splitlines())


def wait(holds, seconds=40):
    """Wait until it holds, or for so long."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return unit()


def restart(mode):
    """Start the service again in a mode of the agent."""
    MODE.write_text(mode)
    (STATE / "starts").unlink(missing_ok=True)
    call("systemctl", "reset-failed", UNIT)
    return call("systemctl", "restart", UNIT)


def upgrade(found):
    """Let it fall and rise, then upgrade the package below it."""
    found["fallen"] = wait(lambda: unit()["ActiveState"] == "active")
    found["probe"] = json.loads((STATE / "probe.json").read_text())
    found["stray"] = sorted(path.name for path in pathlib.Path("/run/fumo-agent").glob("firmware/*"))
    CONFIG.write_text(CONFIG.read_text() + "# mine\n")
    found["upgrade"] = call("dpkg", "-i", "/new.deb")
    found["upgraded"] = unit()
    found["config"] = CONFIG.read_text()
    found["version"] = call("dpkg-query", "-W", "-f", "${Version}", "fumo-agent")
    shutil.copy("/fake.pyz", PYZ)


def hang(found):
    """Have systemd watch it, fed and not."""
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text(pathlib.Path(EXAMPLE).read_text().replace("WatchdogSec=30", "WatchdogSec=2"))
    call("systemctl", "daemon-reload")
    restart("good")
    time.sleep(2.3)
    found["fed"] = unit()
    restart("hang")
    found["hung"] = wait(lambda: int(unit()["NRestarts"]) >= 1)
    found["hang_log"] = call("journalctl", "--no-pager", "-u", UNIT, "-n", "30")
    DROP_IN.unlink()
    call("systemctl", "daemon-reload")


def choose_no_board(found):
    """Start the agent itself without a board, with one whose hardware is not there, and the stand-in that refuses."""
    shutil.copy("/real.pyz", PYZ)
    restart("")
    found["real"] = {**unit(), "status": call("systemctl", "--no-pager", "status", UNIT)}
    CHOICE.write_text('[linux]\nboard = "rpi_nor_hat"\n')
    call("systemctl", "--no-block", "restart", UNIT)
    found["waiting"] = wait(lambda: unit()["StatusText"])
    time.sleep(1.3)
    found["waited"] = {**unit(), "log": call("journalctl", "--no-pager", "-u", UNIT, "-n", "20")}
    call("systemctl", "stop", UNIT)
    CHOICE.unlink()
    shutil.copy("/fake.pyz", PYZ)

    found["refusal"] = restart("unconfigured")
    time.sleep(1.3)
    found["unconfigured"] = unit()
    found["status"] = call("systemctl", "--no-pager", "status", UNIT)


def remove(found):
    """Remove the package, then purge it."""
    restart("good")
    found["before_removal"] = unit()
    found["removal"] = call("dpkg", "-r", "fumo-agent")
    found["removed"] = {**unit(), "config": CONFIG.exists(), "state": STATE.exists(), "pyz": pathlib.Path(PYZ).exists()}
    MODE.unlink()
    found["purge"] = call("dpkg", "-P", "fumo-agent")
    found["left"] = call("sh", "-c", "find / -xdev -path /proc -prune -o -name '*fumo-agent*' -print").split()


def main():
    """Go through the package's life."""
    found = {}
    for part in (upgrade, hang, choose_no_board, remove):
        part(found)
    return found


if __name__ == "__main__":
    results = {}
    try:
        results = main()
    except BaseException as e:
        results = {"failed": repr(e), "unit": unit(), "log": call("journalctl", "--no-pager", "-u", UNIT)}
    finally:
        pathlib.Path("/results.json").write_text(json.dumps(results))
        call("systemctl", "poweroff", "--force")
