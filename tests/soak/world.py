"""One world in virtual time, made from a plan: a device with its chip, a link, management servers, download servers.

`World(plan).run()` runs it to its end; what went wrong is in `judge.violations`, what was seen in `seen`. Every run of a plan
is the same. `world.flash.ops - world.first_op` counts flash operations, `world.messages` what went over the network.
"""

from agent.options import Options
from flash_tools.server.dm.push import notification
from flash_tools.server.dm.server import Device as Account
from flash_tools.server.dm.server import DmServer
from ports.sim.clock import Clock
from ports.sim.device import IDLE, RECOVERY
from ports.sim.device_agent import AgentDevice
from ports.sim.link import Link
from ports.sim.net import Network
from ports.sim.power import Violation
from tests.soak import goods
from tests.soak.events import Events
from tests.soak.invariants import Judge
from tests.soak.policy import Policy
from tests.soak.reached import Reached
from tests.soak.web import Web

ADDRESSES = {"bench": "192.0.2.1", "other": "192.0.2.2", "files": "192.0.2.3", "cdn": "192.0.2.4"}
_MOST_BOOTS = 80
_SETTLE_MS = 100000  # without work for so long: nothing more comes
_REMIND_MS = 600000
_REMINDERS = 8  # then that server gives up
_LATE_MS = 400000


class User:
    """Who answers the device's questions."""

    pause_ms = 500

    def __init__(self, kind, clock):
        self._kind, self._clock = kind, clock
        self._since = None

    def answer(self, question):
        """Answer, None while nobody has."""
        if self._kind == "late":
            self._since = self._clock.ms() if self._since is None else self._since
            if self._clock.since(self._since) < _LATE_MS:
                return None
        return (304, ()) if self._kind == "no" else (200, ())


class World:
    """`said` is what the device logged and the world noted, with times; `trace` True keeps more of it."""

    confirmed, old, bad = 0, goods.OLD, ()  # what the chip begins with

    def __init__(self, plan, trace=False):
        self.plan, self.trace, self.said = plan, trace, []
        self.clock = Clock(1800000000)
        self.flash = goods.chip(self.clock)
        self.first_op = self.flash.ops
        self.messages = 0
        self.scheme = "https" if plan.tls else "http"
        self._drawn = 0
        self._idle_since = None
        self._reminded = self._reminders = 0
        self.policies = {name: Policy(name, plan, self) for name in ("bench", "other")}
        self.tasks = sorted(
            [task for policy in self.policies.values() for task in policy.tasks], key=lambda task: task.number
        )
        self._make_servers()
        self._make_device()
        self.images = {goods.OLD: goods.image(goods.OLD), goods.OWNERS: goods.image(goods.OWNERS)}
        for order in plan.orders:
            if order.method not in ("update", "stale"):
                self.images[order.version] = goods.image(order.version, order.behaviour, order.size)
        self.seen = Reached()
        self.judge = Judge(self)
        self.events = Events(self)

    def _make_servers(self):
        plan = self.plan
        self.accounts, self.dms = {}, {}
        for name, policy in self.policies.items():
            self.accounts[name] = Account(
                goods.DEVICE_ID, "u", "s", name, "t", plan.auth, plan.auth, client_nonce=b"nonce-c",
                server_nonce=b"nonce-s",
            )  # fmt: skip
            self.dms[name] = DmServer([self.accounts[name]], policy, self._random)
        self.web = Web(self)
        port = 443 if plan.tls else 80
        hosts = {(name, port): self.web.server(name) for name in ADDRESSES}
        if plan.resolver:
            hosts = {(ADDRESSES[name], port): server for (name, port), server in hosts.items()}
        link = Link(plan.bits_per_s, 20)
        names = dict(ADDRESSES, **plan.names)
        self.net = Network(self.clock, link, hosts, names, plan.resolver, self.web.connecting)

    def _make_device(self):
        plan = self.plan
        settings = {"notify_port": 2948, "poll_interval_ms": 900000, "trial_min_ms": 5000, "trial_max_ms": 100000}
        settings["nap_ms"] = 10000  # nothing is missed: a datagram ends it, and fewer naps make a fast soak
        settings.update(plan.options, needs_server=plan.needs_server, wbxml=plan.wbxml)
        options = Options(**settings)
        options.ui = User(plan.user, self.clock)
        other = any(order.server == "other" for order in plan.orders)
        urls = [self.scheme + "://%s/dm" % name for name in ("bench", "other")]
        identity = goods.identity(plan.auth, urls[0], urls[1] if other else "")
        self.device = AgentDevice(
            self.flash, self.clock, goods.LAYOUT, identity, self.net, options, self,
            causes_readable=plan.causes_readable,
        )  # fmt: skip
        self.device._seed = plan.seed * 7919 + 1

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self):
        """Boot until nothing more is to come; return the violations, as texts."""
        judge = self.judge
        try:
            for _ in range(_MOST_BOOTS):
                end = self.device.boot()
                self.note("boot ends: %s", end)
                self._between(end)
                if end == IDLE:
                    break
            judge.check(end == IDLE, "no end after %d boots" % self.device.boots)
            judge.check_end()
        except Violation as e:
            judge.violations.append(str(e))
        except Exception as e:  # what the device itself does not catch is a defect too
            if self.trace:
                raise
            judge.violations.append("%s: %s" % (type(e).__name__, e))
        return judge.violations

    def _between(self, end):
        """The device is without power, or about to start again."""
        self.flash.faults.cut_at = 0
        self.events.boot_is_over()
        self.judge.check(end != RECOVERY or self.judge.resets > 2, "only serial recovery is left")
        self._idle_since = None

    def note(self, text, *arguments):
        """Keep a line for the trace."""
        if self.trace:
            self.said.append("%10.3f  # %s" % (self.clock.us / 1e6, text % arguments if arguments else text))

    # -- what the device's watcher is told ----------------------------------------------------------------------------

    def powered(self, device):
        """A boot begins."""
        self.note("boot %d, cause %d, operation %d", device.boots, device.cause, self.flash.ops - self.first_op)
        device.agent = None
        self.events.arm()
        self.judge.powered(device)

    def mounted(self, device):
        """The agent has read its journal."""
        self.judge.mounted(device)

    def log(self, text):
        """The device said something."""
        self.said.append("%10.3f  %s" % (self.clock.us / 1e6, text))

    def satisfied(self, agent):
        """Look at the device before each of its steps; tell whether nothing more is to come."""
        self.judge.look(agent)
        self.events.happen(agent)
        self._remind()
        if self.clock.us > self.plan.hours * 3600 * 1000000:
            raise Violation("no end after %d hours: phase %d" % (self.plan.hours, agent.record.job.phase))
        if not self._is_quiet(agent):
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = self.clock.ms()
        if self._idle_since is None or self.clock.since(self._idle_since) < _SETTLE_MS:
            return False
        return not agent.in_session

    def _remind(self):
        """A server that the device does not turn to by itself sends package 0 again while it wants something."""
        if self.clock.since(self._reminded) > _REMIND_MS:
            self._reminded = self.clock.ms()
            for task in self.tasks:
                if task.due and task.order.server != "bench":
                    self._reminders += 1
                    self.notify(task.order.server)
                    task.wanted = self._reminders < _REMINDERS

    def _is_quiet(self, agent):
        if not agent.record.idle or self.events.waiting:
            return False
        return all(task.over for task in self.tasks)

    # -- what the servers tell ----------------------------------------------------------------------------------------

    def message(self, text):
        """Something crosses the network: a place where the power can be cut."""
        self.messages += 1
        self.note("message %d: %s", self.messages, text)

    def reported(self, policy, report, code):
        """A server has an alert."""
        self.note("alert %s %s of %s, answered with %d", report.kind, report.code, report.correlator, code)
        self.judge.alert(policy.name, report, code)

    def answered(self, task):
        """A server knows what the device said to its Exec."""
        self.note("order %d is answered with %s", task.number, task.status)

    def url_of(self, number, order):
        """Return what the server writes into PkgURL."""
        if order.url is not None:
            return order.url
        return "%s://files/%d.%s" % (self.scheme, number, "dd" if order.descriptor else "fup")

    def notify(self, name, **changes):
        """Let a server send package 0."""
        self._drawn += 1
        data = notification(self.accounts[name], 0x4000 + self._drawn, **changes)
        self.net.datagram(data, (ADDRESSES[name], 2948), 2948)

    def _random(self, size):
        self._drawn += 1
        return (b"n%d" % self._drawn).ljust(size, b".")
