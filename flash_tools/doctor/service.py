"""How the agent's service fares, as systemd has it."""

import subprocess
from collections.abc import Callable, Iterator

from flash_tools.doctor.check import Check, fail, ok, skip, warn

UNIT = "fumo-agent.service"
_ASKED = "LoadState,UnitFileState,ActiveState,SubState,NRestarts,ExecMainStatus,Result,StatusText,MainPID,TemporaryFileSystem"
_TIMEOUT_S = 5
_MANY = 5
_NO_BOARD = "78"
_LOG = "journalctl -u fumo-agent -n 50 says why"


def checks(ask: Callable[[], str | None] | None = None) -> Iterator[Check]:
    """Look at the service; `ask` returns what systemctl says, None where there is none."""
    found = facts(ask)
    if not found:
        yield skip("service", "there is no systemd here that could tell")
        return
    yield _judge(found)
    if found.get("LoadState") == "loaded" and found.get("UnitFileState") == "disabled":
        yield warn("service start", "it does not start with the machine", "systemctl enable fumo-agent")


def facts(ask: Callable[[], str | None] | None = None) -> dict[str, str]:
    """Return what systemd has of the service, {} where there is no systemd."""
    found: dict[str, str] = {}
    for line in ((ask or _ask)() or "").splitlines():
        name, _, value = line.partition("=")
        found[name] = "%s %s" % (found[name], value) if name in found else value  # lists have a line for each entry
    return found


def _judge(found):
    restarts = int(found.get("NRestarts") or 0) if (found.get("NRestarts") or "0").isdigit() else 0
    state, more = found.get("ActiveState", ""), found.get("StatusText", "")
    if found.get("LoadState") != "loaded":
        return warn("service", "%s is not installed" % UNIT, "install the package that `make deb` builds")
    if found.get("ExecMainStatus") == _NO_BOARD and state == "failed":
        do = 'set board = "..." below [linux] in /etc/fumo-agent/config.toml, then: systemctl restart fumo-agent'
        return fail("service", "no board is chosen", do)
    if state == "failed":
        return fail("service", "it has failed (%s)" % found.get("Result", "?"), _LOG)
    if state == "inactive":
        return warn("service", "it does not run", "systemctl enable --now fumo-agent")
    text = "%s (%s)%s" % (state, found.get("SubState", "?"), ", " + more if more else "")
    if restarts >= _MANY or found.get("SubState") == "auto-restart":
        return fail("service", "%s, started again %d times" % (text, restarts), _LOG)
    if state == "activating":
        return warn("service", text, "it waits for hardware or settings: " + _LOG)
    return ok("service", text)


def _ask():
    try:
        command = ["systemctl", "show", UNIT, "--property=" + _ASKED]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and "LoadState" in done.stdout else None
