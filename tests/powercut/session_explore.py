"""Runs a session world and branches from it: at every flash operation, and at every place between two messages.

A cut that touches no cell takes the RAM and what is on the wire; states that were seen before are not run again.
"""

from collections import Counter

from agent import reset
from ports.sim.device import IDLE
from ports.sim.device_agent import AgentDevice
from ports.sim.link import Link
from ports.sim.net import Network
from ports.sim.power import Violation
from ports.sim.web_server import WebServer, serve_file
from tests.powercut import explore
from tests.powercut.session_oracle import SessionOracle
from tests.powercut.session_worlds import NOTIFY

_KIB = 1024
MESSAGE = "message"
KINDS = ("asking", "sent", "answered", "heard", "acting", "piece")


class Point(explore.Point):
    """A flash operation that is about to happen, or a place between two messages."""

    @property
    def effects(self):
        """Return what a cut here may do."""
        return ("cut",) if self.operation[0] == MESSAGE else super().effects


class _Net(Network):
    """Counts each KiB of what comes."""

    def __init__(self, explorer, *args):
        super().__init__(*args)
        self._explorer = explorer

    def connect(self, host, address, port, tls):
        """Begin a connection."""
        stream = super().connect(host, address, port, tls)
        plain = stream.arrive

        def arrive(segment):
            before = stream.received // _KIB
            plain(segment)
            for _ in range(before, stream.received // _KIB):
                self._explorer.mark("piece")

        stream.arrive = arrive
        return stream


class SessionExplorer(explore.Explorer):
    """One session world with its chip, its device, its servers, and the books of what was seen."""

    point = Point

    def __init__(self, world):
        super().__init__(world)
        self.by_message = Counter()

    def branch(self, point, effect, path, gather=False):
        """Cut at a point; see Explorer."""
        if point.operation[0] == MESSAGE:
            self.by_message[point.operation[1]] += 1
        return super().branch(point, effect, path, gather)

    def mark(self, kind):
        """Something went over the network, or is about to: power may go here."""
        if self._points is not None:
            self._points.append(Point(self, self.flash, self.oracle, (MESSAGE, kind, None)))

    def hook(self, running):
        """Be told of what the sessions of this boot do."""
        meetings = running._meetings
        plain = meetings.open

        def opened():
            plain()
            if meetings._talk:
                self._watch(meetings._talk.session)

        meetings.open = opened

    def phase(self):
        """Name what the device is doing."""
        device = self.device
        if device.agent and device.agent._meetings and device.agent._meetings.active:
            return "session"
        return super().phase()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _new_oracle(self):
        return SessionOracle(self.world, self)

    def _new_device(self):
        world, clock = self.world, self.flash.clock
        clock.us = 0
        hosts = {("bench", world.port): WebServer(self._answer)}
        net = _Net(self, clock, Link(1000000, 20), hosts, {"bench": "192.0.2.1"})
        self.device = AgentDevice(self.flash, clock, world.layout, world.identity(), net, world.options(), self.oracle)
        self.oracle.device = self.device

    def _forget_candidates(self):
        self.oracle.candidates, self.oracle.settings = [{}], [{}]

    def _apply(self, point, effect, path):
        if point.operation[0] != MESSAGE:
            self.oracle.disturbed = self.oracle.disturbed or effect == "disturb"
            super()._apply(point, effect, path)
            return
        self.oracle.trial_cuts += point.in_trial
        self.oracle.unsure = self.oracle.unsure or point.confirming
        self.device.scratch.set(0)

    def _run_to_end(self):
        super()._run_to_end()
        self.device.reset_to_come = reset.POWER
        self.device.scratch.set(0)
        if self.device.boot() != IDLE:
            raise Violation("a boot in peace does not end")

    def _watch(self, session):
        for name, kind in (("request", "asking"), ("end_answer", "heard"), ("step", "acting")):
            setattr(session, name, self._marked(getattr(session, name), kind))

    def _marked(self, plain, kind):
        def marked():
            self.mark(kind)
            return plain()

        return marked

    def _answer(self, method, path, fields, body):
        oracle = self.oracle
        oracle.servers.request(path, fields, body)
        self.mark("sent")
        answer = self._answer_of(path, fields, body)
        self.mark("answered")
        return answer

    def _answer_of(self, path, fields, body):
        oracle = self.oracle
        if path == "/dm":
            return oracle.servers.manage(fields, body)
        if path == NOTIFY:
            oracle.posted(body.decode())
            return 200, (), b""
        data, kind = self.world.file(path)
        return serve_file(fields, data, kind, '"1"') if data else (404, (), b"")
