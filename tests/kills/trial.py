"""The whole trial: a server that dies again and again, devices and users around it, the store measured after each death."""

import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from flash_tools.admin_client import Client, path
from flash_tools.server import settings as folders
from tests.kills import invariants
from tests.kills.deaths import Death, draw
from tests.kills.device import Device
from tests.kills.fleet import Fleet
from tests.kills.operator import Operator
from tests.kills.truth import Truth
from tests.kills.web import Web

_END_S = 45
_LAST = Death("random", 3600)


class Trial:
    """`devices` at the beginning, `late` more by tokens."""

    bad_lines = ("defect", "Traceback", "error", "the store fails")  # what the server must never say

    def __init__(self, folder, seed: int, devices: int, late: int):
        self.folder, self.seed = Path(folder), seed
        self.source, self.truth = random.Random(seed), Truth()
        self.phases, self.places = Counter(), Counter()
        self._late = ["late-%02d" % number for number in range(late)]
        self._names = ["dev-%0*d" % (2 + number % 2, number) for number in range(devices)]
        self._copy = self.folder / "copy"
        self._copy.mkdir()
        self._life = 0

    def run(self, kills: int):
        """Do it; violations are in the truth."""
        with ExitStack() as stack:
            self._make_folder()
            self._open_nursery(stack)
            self._begin(stack)
            for death in draw(self.seed, kills):
                self._live(death)
            self._last_life()
            self._finish()

    # -- the server ---------------------------------------------------------------------------------------------------

    def _make_folder(self):
        ports = _free_ports(2)
        url, places = "https://127.0.0.1:%d" % ports[0], ["127.0.0.1:%d" % port for port in ports]
        self.server = self.folder / "server"
        settings = folders.init(self.server, name="srv", public_url=url, listen=places[0], page=places[1])
        toml = self.server / folders.TOML
        toml.write_text(re.sub(r"tls = true", "tls = false", toml.read_text()))  # as behind something that speaks TLS
        self._port, self._page, self._token = ports[0], "http://127.0.0.1:%d" % ports[1], settings.token
        self.web = Web(ports[0], self.truth, self.source)

    def _open_nursery(self, stack):
        self._errors = stack.enter_context((self.folder / "stderr").open("w+"))
        command = [sys.executable, "-m", "tests.kills.nursery", str(self.server)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._errors, "text": True}
        self._nursery = stack.enter_context(subprocess.Popen(command, **pipes))
        stack.callback(self._nursery.stdin.close)

    def _ask(self, what, **values):
        self._nursery.stdin.write(json.dumps({"do": what, **values}) + "\n")
        self._nursery.stdin.flush()
        return json.loads(self._nursery.stdout.readline() or '{"ready": false}')

    def _bear(self, death):
        self._life += 1
        told = self._ask("start", number=self._life, **asdict(death))
        self._pid = told.get("pid")
        return told["ready"]

    def _live(self, death):
        """Let a server live and die, then look at what it leaves."""
        self.operator.wanted = death.where
        ready = self._bear(death)
        end = self._ask("end")
        own = end.get("at", "").startswith('"')
        if not end.get("killed") or not (ready or own or death.phase == "start"):
            self.truth.violation("life %d ended by itself, or never began: %s", self._life, end)
        self.places[json.loads(end["at"]) if own else "random: " + end.get("at", "")] += 1
        self.phases[death.phase if own or death.phase == "start" else "random"] += 1
        self._look(invariants.check)

    def _look(self, check):
        self.truth.count("checks")
        truth = self.truth.snapshot()
        try:
            for line in check(invariants.read(self.server, self._copy), truth):
                self.truth.violation("%s", line)
        except sqlite3.DatabaseError as error:
            self.truth.violation("the store cannot be read: %s", error)

    # -- who is around it ---------------------------------------------------------------------------------------------

    def _begin(self, stack):
        self._bear(_LAST)
        client = Client(self._page, self._token)
        for name in self._names:
            self.truth.put("bundles", name, client.post("/api/devices", {"id": name}))
        self.fleet = Fleet(self.truth, self.source)
        for bundle in self.truth.bundles.values():
            self._add(bundle)
        self.fleet.start()
        stack.callback(self.fleet.stop)
        self.operator = Operator(
            self._page, self._token, self.web, self.truth, self.source, self._late, self._add
        )  # fmt: skip
        self.operator.start()
        stack.callback(self.operator.stop)
        time.sleep(0.5)
        self._kill()

    def _kill(self):
        os.kill(self._pid, signal.SIGKILL)
        self._ask("end")

    def _add(self, bundle):
        self.fleet.add(Device(bundle, self.web, self.truth, random.Random(self.source.random())))

    # -- the end ------------------------------------------------------------------------------------------------------

    def _last_life(self):
        self.operator.wanted = ""
        if not self._bear(_LAST):
            self.truth.violation("the last life never began")

    def _finish(self):
        """Let all come to its end with a server that lives, and look once more."""
        deadline = time.monotonic() + _END_S
        if not self.operator.wait_for_end(_END_S):
            self.truth.violation("a campaign does not come to its end")
        self.operator.stop()
        while time.monotonic() < deadline and not self._is_quiet():
            time.sleep(0.1)
        self.fleet.stop()
        self._try_spent_tokens()
        self._look_at_log()
        self._kill()
        self._look(invariants.check_end)

    def _is_quiet(self):
        done = set(self.truth.done)
        reported = all(each.is_done for each in self.fleet.devices)
        return reported and done.issuperset(self.truth.tasks.values()) and not self._waiting_tasks()

    def _waiting_tasks(self):
        """Tell whether the server waits for an answer to a command: power may have gone behind the doing."""
        client = Client(self._page, self._token)
        return any(client.get(path("devices", name))["tasks"] for name in self.truth.bundles)

    def _try_spent_tokens(self):
        for token in [token for token, device in self.truth.tokens.items() if device]:
            body = json.dumps({"token": token, "device": "thief"})
            reply = self.web.ask(self.web.connect(), "POST", "/enrol", body, {"Content-Type": "application/json"})
            if reply.status != 403:
                self.truth.violation("a spent token lets another device in: HTTP %d", reply.status)

    def _look_at_log(self):
        self._errors.seek(0)
        for line in [line for line in [*self._errors, *self._log()] if any(word in line for word in self.bad_lines)][
            :5
        ]:
            self.truth.violation("the server says: %s", line.strip()[:200])

    def _log(self):
        return [line for file in sorted(self.server.glob("log-*")) for line in file.read_text().splitlines()]


def _free_ports(count):
    """Return ports that nobody gets by chance while the server is dead: clients' own ones are above these."""
    found = []
    while len(found) < count:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) and port not in found:
                found.append(port)
    return found


def run(seed: int, kills: int, devices: int = 30, late: int = 10) -> dict:
    """Return the flat figures of one trial; violations as a list of lines."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fumo-kills-") as folder:
        trial = Trial(folder, seed, devices, late)
        trial.run(kills)
        return _figures(trial, kills, time.monotonic() - start)


def _figures(trial, kills, seconds):
    truth = trial.truth
    return {
        "seed": trial.seed,
        "kills": kills,
        "devices": len(truth.bundles),
        "campaigns": len(truth.campaigns),
        "orders": len({correlator for _, correlator in truth.wire}),
        "installs": sum(good for *_, good in truth.installs),
        "reports": len(truth.reports),
        "tasks": len(truth.tasks),
        "uploads": len(truth.uploads),
        "tokens": sum(device is not None for device in truth.tokens.values()),
        **{name.replace(" ", "_"): count for name, count in sorted(truth.counts.items())},
        "phases": dict(sorted(trial.phases.items())),
        "places": dict(sorted(trial.places.items())),
        "seconds": round(seconds, 1),
        "violations": truth.violations,
    }
