"""An Office with sample data and nothing behind it, many of its strings hostile; and the page served without a sign-in.

python -m tests.host.page_office      # prints an address and serves it until it is stopped
"""

import asyncio
import random
import time

from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from flash_tools.errors import ToolError
from flash_tools.server import page
from flash_tools.server.listener import Listener
from tests.host import page_samples as samples
from tests.host import page_samples_more as more_samples

STATES = ("idle", "done", "downloading", "failed", "accepted", "installing", "silent", "ordered", "paused", "new")


class FakeOffice:
    """What the page asks of an Office. `mark`: every string of its data is made of it, to see where it comes out."""

    def __init__(self, count=300, mark=None):
        self.text = (lambda plain: plain) if mark is None else (lambda plain: "%s[%s" % (mark, plain))
        self.calls = []
        self.refuse = ""  # what every change answers, as an error
        self.now = time.time()
        draw = random.Random(5)
        self.rows = [samples.row(self, draw, at, STATES[at % 10] if at > 30 else "idle") for at in range(count)]
        self.rows += samples.hostile_rows(self, draw)
        self.by_id = {row["id"]: row for row in self.rows}

    def _note(self, *call):
        if self.refuse:
            raise ToolError(self.refuse)
        self.calls.append(call)

    # -- devices ------------------------------------------------------------------------------------------------------

    def devices(self, text="", state="", campaign="", tag="", order_by="id", start=0, limit=500):
        column = order_by.removeprefix("-")
        rows = [row for row in self.rows if text in row["id"] + row["name"]]
        rows = [row for row in rows if state in ("", row["state"]) or (state == "overdue" and row["overdue"])]
        rows = [row for row in rows if not tag or tag in row["tags"]]
        rows = [row for row in rows if not campaign or row["campaign"] == campaign]
        rows.sort(
            key=lambda row: (
                row[column] is None,
                row[column] or 0 if column.endswith(("_due", "_seen")) else str(row[column]),
            )
        )
        rows = rows[::-1] if order_by.startswith("-") else rows
        return {"total": len(rows), "devices": rows[start : start + limit]}

    def device(self, device_id):
        if device_id not in self.by_id:
            raise ToolError("there is no device %s" % device_id)
        return samples.device(self, self.by_id[device_id])

    def change_device(self, device_id, **values):
        self._note("change_device", device_id, values)

    def remove_device(self, device_id):
        self._note("remove_device", device_id)

    def send_notification(self, device_id):
        self._note("send_notification", device_id)
        return 7

    def command_device(self, device_id, commands):
        self._note("command_device", device_id, commands)
        return 3

    def task(self, task_id):
        return samples.task(self)

    def add_device(self, device_id, **values):
        self._note("add_device", device_id, values)
        return samples.bundle(self, device_id)

    # -- enrolment ----------------------------------------------------------------------------------------------------

    def new_token(self, count=1, valid_s=86400, model="", tags=()):
        self._note("new_token", count, valid_s, model, tags)
        return {
            "token": self.text("tok-4711"),
            "count": count,
            "expires": self.now + valid_s,
            "model": self.text(model),
        }

    def tokens(self):
        return samples.tokens(self)

    def quarantine(self):
        return samples.quarantine(self)

    def accept(self, device_id, **values):
        self._note("accept", device_id, values)
        return samples.bundle(self, device_id)

    def dismiss(self, device_id):
        self._note("dismiss", device_id)

    # -- packages and orders ------------------------------------------------------------------------------------------

    def packages(self):
        return more_samples.packages(self)

    def add_package(self, data, name=None, *, url=""):
        self._note("add_package", data, name, url)
        if not data.startswith(b"FUP"):
            raise ToolError("%s is not a package: it does not begin as one" % name)
        return more_samples.packages(self)[0]

    def remove_package(self, name):
        self._note("remove_package", name)

    def signers(self):
        return [{"kid": self.text("a1b2c3d4e5f60718"), "name": self.text("release key")}]

    def add_signer(self, pem, name):
        self._note("add_signer", pem, name)

    def remove_signer(self, kid):
        self._note("remove_signer", kid)

    def drop_token(self, token_id):
        self._note("drop_token", token_id)

    def place(self, device_id, package, method="download-and-update", **more):
        self._note("place", device_id, package, method, more)
        return "o-1"

    def cancel(self, order_id):
        self._note("cancel", order_id)
        return "cancelled"

    # -- campaigns ----------------------------------------------------------------------------------------------------

    def campaigns(self):
        return [more_samples.campaign(self, *each) for each in more_samples.CAMPAIGNS]

    def campaign(self, name):
        for each in more_samples.CAMPAIGNS:
            if self.text(each[0]) == name:
                return more_samples.campaign(self, *each) | {"targets": more_samples.targets(self)}
        raise ToolError("there is no campaign %s" % name)

    def add_campaign(self, text):
        self._note("add_campaign", text)
        return more_samples.campaign(self, *more_samples.CAMPAIGNS[0])

    def campaign_do(self, name, action):
        self._note("campaign_do", name, action)
        more = {"aborted": {"cancelled": 12, "accepted": 3, "running": 4}} if action == "abort" else {}
        return more_samples.campaign(self, *more_samples.CAMPAIGNS[0]) | more

    # -- what happened ------------------------------------------------------------------------------------------------

    def sessions(self, device_id="", limit=50):
        return more_samples.sessions(self)[:limit]

    def trace(self, number):
        if number > 50:
            raise ToolError("there is no session %d" % number)
        return more_samples.trace(self)

    def timeline(self, device_id="", campaign="", after=0, limit=200, kinds=()):
        return more_samples.timeline(self)[-limit:]

    def counters(self):
        states = {}
        for row in self.rows:
            states[row["state"]] = states.get(row["state"], 0) + 1
        more = {"orders": {}, "results": {"200": 118, "410": 9, "404": 3}, "overdue": 6, "refused": {"unknown": 4}}
        return {"devices": states, "messages": 48211, "sessions": 12031, "bytes_served": 3 << 30, **more}

    def history(self, hours=24):
        return more_samples.history(self)

    def slots(self):
        return more_samples.slots(self)

    def add_slot(self, name, url, device_id=""):
        self._note("add_slot", name, url, device_id)

    def remove_slot(self, name):
        self._note("remove_slot", name)

    def slot_power(self, name, state):
        self._note("slot_power", name, state)


class EmptyOffice(FakeOffice):
    """An Office that nobody has done anything with."""

    def __init__(self):
        super().__init__(0)
        self.rows, self.by_id = [], {}

    def _nothing(self, *_, **__):
        return []

    campaigns = packages = signers = tokens = quarantine = sessions = timeline = slots = _nothing

    def history(self, hours=24):
        return {"at": [], "messages": [], "bytes": [], "done": [], "failed": []}


def serve(office) -> Listener:
    """Serve the page of an Office on a free port."""

    async def lines():
        yield b": hello\n\n"
        while True:
            await asyncio.sleep(15)
            yield b": still here\n\n"

    async def events(request):
        return StreamingResponse(lines(), media_type="text/event-stream")

    more = [
        Route("/api/events", events),
        Route("/sign-in", lambda request: page.sign_in_page(request, "That is not the token.")),
    ]
    listener = Listener(Starlette(routes=[*more, *page.routes(office)]), "127.0.0.1", 0, None)
    listener.start()
    return listener


if __name__ == "__main__":
    import sys

    running = serve(EmptyOffice() if "empty" in sys.argv else FakeOffice())
    print("http://127.0.0.1:%d" % running.port, flush=True)
    while True:
        time.sleep(3600)
