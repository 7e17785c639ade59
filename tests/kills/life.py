"""One life of a server in the process that calls: the field server that users run, with a death built in.

Everything that is wrapped here does what it did before; only the moment of SIGKILL is added. `place` takes a word: what the
server is at, for whoever looks at it after the death.
"""

import functools
import json
import os
import random
import signal
import threading
import time

from flash_tools.server import delivery, field
from flash_tools.server.events import Events
from flash_tools.server.field import FieldServer
from flash_tools.server.intake import Intake
from flash_tools.server.office import Office
from flash_tools.server.settings import Settings
from flash_tools.server.store import Store, StoreError
from flash_tools.server.web import make_app
from tests.kills.deaths import Death

WHERE = {
    "dm_messages": "message", "tick": "tick", "add_package": "upload", "command_device": "task", "enrol": "enrol",
    "add_campaign": "campaign", "campaign_do": "campaign", "notified": "notification", "private_file": "download",
    "new_token": "token", "place": "order", "add_device": "device",
}  # fmt: skip
_STATEMENTS = ("put", "put_text", "drop", "add_event", "put_target", "add_message", "put_session", "put_package")
TICK_S, _LINES = 0.2, 64
FLAKY, _FAILS = "flaky", 0.3  # a life in which so many commits fail


def serve(folder, number: int, death: Death, place, ready):
    """Serve until death; `ready()` is called when devices are answered."""
    place(b"start")
    _Reaper(death, place).arm()
    field._TICK_S = TICK_S
    field.make_app = lambda office: _marked(make_app(office), str(number).encode())
    FieldServer(Settings.read(folder), log=_Log(os.path.join(folder, "log-%d" % number)).write).start()
    place(b"idle")
    ready()
    while True:
        time.sleep(3600)


class _Log:
    """Lines in short files: they are to be written where no long one can be."""

    def __init__(self, start):
        self._start, self._count, self._file = start, 0, None

    def write(self, line):
        """Write a line."""
        if self._count % _LINES == 0:
            self._file = open("%s-%d" % (self._start, self._count), "w", buffering=1)
        self._count += 1
        self._file.write(line + "\n")


def _marked(app, number):
    """Add which life it is to every answer."""

    async def call(scope, receive, send):
        async def mark(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-life", number)]
            await send(message)

        await app(scope, receive, mark)

    return call


class _Reaper:
    """Knows what the server is at, and kills it when the moment has come."""

    def __init__(self, death: Death, place):
        self._death, self._place, self._left = death, place, death.n
        self._now = threading.local()
        self._told = set()  # the kinds of events of the last message

    def arm(self):
        """Wrap what is watched."""
        for name, where in WHERE.items():
            _wrap(Office, name, functools.partial(self._enter, where))
        for name in _STATEMENTS:
            _wrap(Store, name, self._statement)
        _wrap(Store, "commit", self._commit)
        _wrap(Events, "add", self._event)
        _wrap(Intake, "take_report", self._report)
        whole = delivery.send_plain
        delivery.send_plain = lambda wire, send, answer: self._answer(whole, wire, send, answer)

    def _enter(self, where, method, *arguments, **options):
        before = getattr(self._now, "where", None)
        if before is None:
            self._now.where, self._now.kinds = where, {""}
            self._place(where.encode())
        try:
            return method(*arguments, **options)
        finally:
            if before is None:
                if self._is_time("soon after"):
                    threading.Thread(target=self._die_later, daemon=True).start()
                self._told = self._now.kinds if where == "message" else self._told
                self._now.where = None
                self._place(b"idle")

    def _event(self, method, events, kind, *arguments, **options):
        self._note(kind)
        return method(events, kind, *arguments, **options)

    def _report(self, method, *arguments):
        self._note("report")
        return method(*arguments)

    def _note(self, kind):
        if getattr(self._now, "where", None):
            self._now.kinds.add(kind)

    def _statement(self, method, *arguments, **options):
        self._die_if("statement")
        return method(*arguments, **options)

    def _commit(self, method, *arguments):
        self._die_if("before commit")
        self._fail_if_flaky()
        if self._is_time("in commit"):
            threading.Thread(target=self._die_later, daemon=True).start()
        result = method(*arguments)
        self._die_if("after commit")
        return result

    def _fail_if_flaky(self):
        if self._death.phase == FLAKY and getattr(self._now, "where", None) and random.random() < _FAILS:
            raise StoreError("the disk is flaky")

    async def _answer(self, whole, wire, send, answer):
        self._now.where, self._now.kinds = "message", self._told
        if self._is_time("half answer"):
            wire.write(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer.body)
                + answer.body[: len(answer.body) // 2]
            )
            self._die()
        self._now.where = None
        await whole(wire, send, answer)
        self._now.where, self._now.kinds = "message", self._told
        self._die_if("after answer")
        self._now.where = None

    def _is_time(self, phase):
        death, where = self._death, getattr(self._now, "where", None)
        if phase != death.phase or where != death.where or death.kind not in self._now.kinds:
            return False
        self._left -= 1
        return self._left == 0

    def _die_if(self, phase):
        if self._is_time(phase):
            self._die()

    def _die_later(self):
        time.sleep(self._death.delay_s)
        self._die()

    def _die(self):
        self._place(json.dumps(self._death.name).encode())
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)


def _wrap(owner, name, around):
    method = getattr(owner, name)

    @functools.wraps(method)
    def call(*arguments, **options):
        return around(method, *arguments, **options)

    setattr(owner, name, call)
