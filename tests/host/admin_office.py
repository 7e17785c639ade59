"""An Office that only notes what it is asked, and the admin app served in front of it on a free port."""

import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass, field

from flash_tools.errors import ToolError
from flash_tools.server.admin import make_admin
from flash_tools.server.dm.faults import Faults
from flash_tools.server.listener import Listener
from flash_tools.server.web_faults import WebFaults

TOKEN = "correct-horse-battery-staple"
COUNTERS = {"devices": {"idle": 2}, "orders": {}, "results": {"200": 3}, "messages": 5, "overdue": 1}


def event(number, kind="contact", device="dev-1", **more):
    """Make an EVENT."""
    return {
        "id": number,
        "at": 1.5,
        "kind": kind,
        "device": device,
        "order": "",
        "campaign": "",
        "text": "",
        "data": {},
        **more,
    }


class FakeOffice:
    """`calls` are (method, arguments, options); `answers` what methods return, `errors` what they raise."""

    url = "https://fumo.example:8443"
    order_keys = {"device": "dev-1", "state": "waiting", "success": None}

    def __init__(self):
        self.faults, self.web_faults = Faults(), WebFaults()
        self.calls, self.answers, self.errors = [], {"counters": COUNTERS, "cancel": "cancelled"}, {}
        self.listeners, self.kept, self.states = [], [], {}
        self.lock = threading.Lock()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*arguments, **options):
            self.calls.append((name, arguments, options))
            if name in self.errors:
                raise self.errors[name]
            return self.answers.get(name, {"said": name})

        return call

    def order(self, order_id):
        """Return an order of `states`."""
        self.calls.append(("order", (order_id,), {}))
        if order_id not in self.states:
            raise ToolError("there is no order %s" % order_id)
        return {"id": order_id, **self.order_keys, **self.states[order_id]}

    def task(self, task_id):
        """Return a task of `states`."""
        return {"id": task_id, "device": "dev-1", "done": False, **self.states[task_id]}

    def timeline(self, device_id="", campaign="", after=0, limit=200, kinds=()):
        """Return events of `kept`, as the Office does: behind `after`, the newest ones where it is 0."""
        found = [each for each in self.kept if each["id"] > after]
        found = [each for each in found if device_id in ("", each["device"]) and (not kinds or each["kind"] in kinds)]
        return found[:limit] if after else found[-limit:] if limit else []

    def subscribe(self, listener):
        """Take a listener."""
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def tell(self, made):
        """Keep an event and tell it with the lock held."""
        with self.lock:
            if made["id"]:
                self.kept.append(made)
            for listener in list(self.listeners):
                listener(made)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes

    @property
    def json(self):
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def error(self):
        """Return the line of an error."""
        assert list(self.json) == ["error"] and "\n" not in self.json["error"], self.body
        return self.json["error"]


class Admin:
    """The app on a free port; `office` is a FakeOffice unless another is given."""

    def __init__(self, office=None, secure=False, page_routes=(), host="127.0.0.1", **options):
        self.office = office if office is not None else FakeOffice()
        self.app = make_admin(self.office, TOKEN, secure=secure, page_routes=page_routes, **options)
        self.listener = Listener(self.app, host, 0, None)

    def __enter__(self):
        self.listener.start()
        return self

    def __exit__(self, *exception):
        self.listener.stop()

    @property
    def port(self):
        """Return the port."""
        return self.listener.port

    @property
    def live(self):
        """Return the part of the app that listens to the office."""
        return next(each for each in self.app._app.routes if each.path == "/api/events").endpoint.__self__

    def ask(self, method, path, body=None, token=TOKEN, timeout=10, **headers):
        """Send a request; `headers` with underlines for hyphens, None for none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        given = {"Authorization": "Bearer " + token} if token else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict | list):
            body = json.dumps(body)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, given)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def cookie(self):
        """Sign in; return the cookie."""
        answer = self.ask("POST", "/sign-in", "token=" + TOKEN, token=None)
        assert answer.status == 303, answer
        return answer.headers["set-cookie"].partition(";")[0]

    def raw(self, data, seconds=10):
        """Send bytes; return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), seconds) as sock:
            sock.sendall(data)
            parts = []
            while part := sock.recv(65536):
                parts.append(part)
        return b"".join(parts)


def wait_until(condition, seconds=5):
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()
