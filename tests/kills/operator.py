"""A user and a script of his at the JSON API: campaigns one after the other, uploads, commands, tokens that let devices in.

What was answered is noted in the truth; what was not is done again, as a script does that lost its connection.
"""

import hashlib
import http.client
import json
import threading
import time

from flash_tools.admin_client import Client, path
from flash_tools.errors import ToolError
from tests.host.office_device import package

_PARALLEL = 8
_REST_S = 0.08
_CAMPAIGN = {
    "method": "download-and-update", "start": "now", "retries": 1, "parallel": _PARALLEL,
    "group": [{"name": "first", "percent": 25, "success": "30%", "errors": "100%"},
              {"name": "rest", "success": "30%", "errors": "100%"}],
}  # fmt: skip


class Operator:
    """`enrolled(bundle)` is called for each device that came in; `late` are the names of those that come by token."""

    def __init__(self, url, token, web, truth, source, late, enrolled):
        self._client, self._web = Client(url, token), web
        self._truth, self._source, self._late, self._enrolled = truth, source, list(late), enrolled
        self._token, self._number, self._round = None, 0, 0
        self._stopped, self.may_begin = threading.Event(), True
        self._packages = {}
        self.wanted = ""  # what the next death waits for
        self.over = 0  # campaigns that have ended
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Begin."""
        self._thread.start()

    def stop(self):
        """End."""
        self._stopped.set()
        self._thread.join(20)

    def _run(self):
        while not self._stopped.wait(_REST_S):
            wanted = {
                "upload": self._upload,
                "enrol": self._enrol,
                "token": self._enrol,
                "order": self._order,
                "campaign": self._idle_campaign,
            }.get(self.wanted)
            for step in (
                self._campaign,
                self._command,
                wanted or self._source.choice((self._upload, self._enrol, self._order, None)),
            ):
                if step:
                    self._try(step)

    def _try(self, step):
        """Do a step; a connection that breaks is nothing, an answer that must not be is a violation."""
        try:
            step()
        except ToolError as error:
            words = {"cannot keep": "put off requests", "is busy with order": "busy"}
            found = next((count for text, count in words.items() if text in str(error)), None)
            if found:
                self._truth.count(found)
            elif not _is_connection(error):
                self._truth.violation("the API says %s", error)
        except (OSError, http.client.HTTPException, ValueError):
            self._truth.count("broken requests")

    # -- campaigns ----------------------------------------------------------------------------------------------------

    def _campaign(self):
        """Begin a campaign where none runs and another is wanted."""
        found = {each["name"]: each for each in self._client.get("/api/campaigns") if each["name"].startswith("round")}
        for name in self._truth.campaigns:
            if name not in found:
                self._truth.violation("campaign %s was answered and is gone", name)
        for name, each in found.items():
            self._truth.put("campaigns", name, each["version"])  # shown is answered
        self.over = sum(each["state"] == "finished" for each in found.values())
        if any(each["state"] == "paused" for each in found.values()):
            self._truth.violation("a campaign is paused: %s", [each["reason"] for each in found.values()])
        if self.over < len(found) or not self.may_begin:
            return
        self._round = len(found) + 1
        self._begin("v%d.fup" % (self._round + 1), "round-%d" % self._round, "%d.0" % (self._round + 1))

    def _idle_campaign(self):
        """Add one that never starts, then abort it."""
        package = next(iter(self._truth.uploads), None)
        if package is None:
            return
        self._number += 1
        name = "idle-%d" % self._number
        self._client.post("/api/campaigns", {"name": name, "package": package})
        self._truth.put("idle", name, "ready")
        self._client.post("/api/campaigns/%s/abort" % name)
        self._truth.put("idle", name, "aborted")

    def _begin(self, name, campaign, version):
        if name not in self._truth.uploads:
            self._send_package(name, version)
        self._client.post("/api/campaigns", {**_CAMPAIGN, "name": campaign, "package": name})
        self._truth.put("campaigns", campaign, version)

    def _send_package(self, name, version):
        data = self._packages[name] = self._packages.get(name) or package(version)
        self._truth.counts["uploads"] += 1
        self._client.post("/api/packages", data, name=name)
        self._truth.put("uploads", name, hashlib.sha256(data).hexdigest())

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _command(self):
        self._number += 1
        device = self._source.choice(sorted(self._truth.bundles))
        value = "word-%d" % self._number
        commands = [{"do": "replace", "uri": "./Words/last", "value": value}]
        answer = self._client.post(path("devices", device, "commands"), commands)
        self._truth.put("tasks", answer["task"], (device, value))

    def _order(self):
        """Order what a campaign is for: a device that is busy must be left alone."""
        package = next(reversed([name for name in self._truth.uploads if name.startswith("v")]), None)
        if package is None:
            return
        device = self._source.choice(sorted(self._truth.bundles))
        order = self._client.post("/api/orders", {"device": device, "package": package})
        self._truth.put("orders", order["id"], device)

    def _upload(self):
        self._number += 1
        self._send_package("extra-%d.fup" % self._number, "0.%d" % self._number)

    def _enrol(self):
        if self._token is None:
            token = self._client.post("/api/tokens", {"count": 1, "valid_s": 3600})["token"]
            self._truth.put("tokens", token, None)
            self._token = token if self._late else None
        if not self._late:
            return None
        device = self._late[0]
        body = json.dumps({"token": self._token, "device": device, "model": "board"})
        reply = self._web.ask(self._web.connect(), "POST", "/enrol", body, {"Content-Type": "application/json"})
        if self._web.is_put_off(reply):
            return None
        if reply.status != 200:
            return self._truth.violation("enrolment of %s: HTTP %d %s", device, reply.status, reply.body[:100])
        bundle = json.loads(reply.body)
        self._truth.put("tokens", self._token, device)
        self._truth.put("bundles", device, bundle)
        self._late.pop(0)
        self._token = None
        return self._enrolled(bundle)

    def wait_for_end(self, seconds: float) -> bool:
        """Begin nothing new; tell whether all campaigns end within that time."""
        self.may_begin = False
        deadline = time.monotonic() + seconds
        while self.over < len(self._truth.campaigns) and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.over >= len(self._truth.campaigns)


def _is_connection(error):
    """Tell whether the answer did not come whole: a refusal whose text was cut off is "the server answers 400" only."""
    cut = "the server's answer was cut", "the server answers "
    return str(error).startswith(("no server answers", "the server at", *cut))
