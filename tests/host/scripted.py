"""One device and its servers in virtual time, for tests of single rules: what the servers say is a script.

    bench = Bench(order("dau"), read("./FUMO/State"))     # one function for each session that the device opens
    bench.run()
    bench.results == [("a", 200)]

A session's script is a generator function of (session, bench) that yields packages, lists of commands. `files` maps (host,
path) to bytes or to a function of the request's fields that returns what a handler returns.
"""

from agent.options import Options
from flash_tools.server.dm.commands import Exec, Get, Item, Replace
from flash_tools.server.dm.push import notification
from flash_tools.server.dm.server import Device as Account
from flash_tools.server.dm.server import DmServer
from hal.region import carve
from ports.sim.clock import Clock
from ports.sim.device import IDLE
from ports.sim.device_agent import AgentDevice
from ports.sim.link import Link
from ports.sim.net import Network
from ports.sim.web_server import WebServer, serve_file
from tests.soak import goods

HOSTS = {"bench": "192.0.2.1", "other": "192.0.2.2"}
NODES = {"dau": "DownloadAndUpdate", "download": "Download", "update": "Update"}
_SETTLED_MS = 5000


def order(kind, url="/p.fup", correlator="a", then=(), replace=True):
    """Return the script of a session that orders an update; `then` is yielded behind it."""

    def script(session, bench):
        node = "./FUMO/" + NODES[kind]
        if replace and kind != "update":
            yield [Replace(Item(node + "/PkgURL", bench.url(url).encode() if url else b""))]
        command = Exec(node, correlator=correlator)
        bench.execs.append(command)
        yield [command]
        yield from then

    return script


def read(*uris):
    """Return the script of a session that reads leaves; `bench.values` has them."""

    def script(session, bench):
        command = Get(list(uris))
        yield [command]
        bench.values.append([result.data.decode() for result in command.results])

    return script


def both(*scripts):
    """Return a script that does one after the other in the same session."""

    def script(session, bench):
        for each in scripts:
            yield from each(session, bench)

    return script


def nothing(session, bench):
    """A session in which the server wants nothing."""
    return iter(())


def package(version=goods.NEW, **options):
    """Return files with a package of that kind."""
    return {("bench", "/p.fup"): goods.package(version, **options)}


def bad_gateway(fields):
    """Answer a request for a file that there is nothing."""
    return 503, (), b""


class _Policy:
    def __init__(self, name, scripts, bench):
        self.name, self._scripts, self._bench = name, list(scripts), bench
        self.alert_codes = []  # Status for the alerts of results, one after the other; 200 from then on
        self.request_code = 202

    def packages(self, session):
        self._bench.sessions.append((self._bench.clock.ms(), self.name, [alert.code for alert in session.alerts]))
        script = self._scripts.pop(0) if self._scripts else nothing
        yield from script(session, self._bench)

    def alert_status(self, session, alert):
        if alert.type.endswith("request"):
            self._bench.requests.append(alert)
            return self.request_code
        self._bench.alerts.append((self.name, alert))
        return self.alert_codes.pop(0) if self.alert_codes else 200


class Bench:
    """`ask` is called before each step of the agent with (agent, milliseconds); it may do anything."""

    def __init__(
        self, *scripts, other=(), auth="md5", tls=True, files=None, tamper=None, script=None, ask=None, **options
    ):
        self.clock = Clock(1800000000)
        self.flash = goods.chip(self.clock)
        self.tls, self.auth, self.ask = tls, auth, ask
        self.sessions, self.alerts, self.requests, self.execs, self.values = [], [], [], [], []
        self.posts, self.said, self.gets, self.states = [], [], [], []
        self.on_dm = None  # function of (host, body) before a management message is looked at
        self.files = {("bench", "/p.fup"): goods.package(goods.NEW)}
        self.files.update(files or {})
        self.policies = {"bench": _Policy("bench", scripts, self), "other": _Policy("other", other, self)}
        self.accounts = {name: self._account(name) for name in HOSTS}
        self.dms = {name: DmServer([self.accounts[name]], self.policies[name], self._random) for name in HOSTS}
        port = 443 if tls else 80
        self.servers = {name: WebServer(self._handler(name), tamper) for name in HOSTS}
        hosts = {(name, port): server for name, server in self.servers.items()}
        self.net = Network(self.clock, Link(2000000, 20), hosts, HOSTS, script=script)
        settings = {"notify_port": 2948, "poll_interval_ms": 3600000, "trial_min_ms": 5000, "trial_max_ms": 20000}
        settings.update(needs_server=False, **options)
        identity = goods.identity(auth, self.scheme + "://bench/dm", self.scheme + "://other/dm")
        self.device = AgentDevice(self.flash, self.clock, goods.LAYOUT, identity, self.net, Options(**settings), self)
        self._drawn, self._ends_at, self._idle_since, self.agent = 0, 0, None, None

    def _account(self, name):
        names = goods.DEVICE_ID, "u", "s", name, "t", self.auth, self.auth
        return Account(*names, client_nonce=b"nonce-c", server_nonce=b"nonce-s")

    @property
    def scheme(self):
        """Return http or https."""
        return "https" if self.tls else "http"

    @property
    def results(self):
        """Return (correlator, code) of the alerts that came, one after the other."""
        return [(alert.correlator, int(alert.data)) for _, alert in self.alerts]

    @property
    def record(self):
        """Return the device's record."""
        return self.agent.record

    def url(self, path, host="bench"):
        """Return the URL of a file."""
        return path if "://" in path else "%s://%s%s" % (self.scheme, host, path)

    def region(self, name):
        """Return a region of the flash."""
        return carve(self.flash, goods.LAYOUT)[name]

    def run(self, seconds=1200, boots=12):
        """Run until the device has been idle for a while, `seconds` of virtual time at most; return how the boots ended."""
        self._ends_at, ends = self.clock.ms() + seconds * 1000, []
        while IDLE not in ends and len(ends) < boots:
            ends.append(self.device.boot())
        return ends

    def notify(self, name="bench", session_id=None):
        """Send package 0."""
        account = self.accounts[name]
        number = session_id or 100 + len(self.sessions)
        self.net.datagram(notification(account, number), (HOSTS[name], 9), 2948)

    # -- what the device's watcher is told ----------------------------------------------------------------------------

    def powered(self, device):
        """A boot begins."""
        self._idle_since = None

    def mounted(self, device):
        """The agent has read its journal."""
        self.agent = device.agent

    def log(self, text):
        """The device said something."""
        self.said.append(text)

    def satisfied(self, agent):
        """Let the test look on; tell whether there is nothing left to wait for."""
        now = self.clock.ms()
        if not self.states or self.states[-1] != agent.update.state:
            self.states.append(agent.update.state)
        if self.ask:
            self.ask(self, agent)
        busy = not agent.record.idle or agent._meetings.active or len(self.policies["bench"]._scripts) > 0
        self._idle_since = None if busy else self._idle_since or now
        return now > self._ends_at or not busy and now - self._idle_since > _SETTLED_MS

    # -- the servers --------------------------------------------------------------------------------------------------

    def _random(self, size):
        self._drawn += 1
        return (b"n%d" % self._drawn).ljust(size, b".")

    def _handler(self, host):
        def handle(method, path, fields, body):
            if path == "/dm":
                return self._manage(host, fields, body)
            if method == "POST":
                self.posts.append((self.clock.ms(), path, body.decode()))
                return self.files.get((host, path), lambda fields: (200, (), b""))(fields)
            self.gets.append((self.clock.ms(), host, path, fields.get("range")))
            found = self.files.get((host, path))
            if found is None:
                return 404, (), b""
            if callable(found):
                return found(fields)
            kind = "application/vnd.oma.dd+xml" if found[:1] == b"<" else "application/octet-stream"
            return serve_file(fields, found, kind, '"%d"' % len(found))

        return handle

    def _manage(self, host, fields, body):
        if self.on_dm:
            self.on_dm(host, body)
        reply = self.dms[host].handle(body, fields.get("content-type", ""), fields, tls=self.tls)
        return reply.status, (("Content-Type", reply.content_type),) + tuple(reply.headers.items()), reply.body
