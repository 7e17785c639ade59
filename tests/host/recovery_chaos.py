"""A device to which everything happens at once: hostile clients on the serial line, server's orders, owner's commands, power cuts.

`Chaos(seed).run()` is one world; `Violation` says what must never be. What counts as an error is in recovery_judge.py.
"""

from random import Random
from types import SimpleNamespace

from agent import reset
from agent.control import Control
from agent.errors import AgentError, ProtocolError
from agent.job import ARM, DOWNLOAD_AND_UPDATE, DOWNLOAD_ONLY, TRIAL, UPDATE_ONLY
from agent.push import Push
from ports.sim.device import CUT, IDLE, RECOVERY
from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from ports.sim.firmware import CRASH_CONFIRMED, GOOD
from ports.sim.power import PowerCut, Reset, Violation
from ports.sim.server import Server, make_order
from tests.host.recovery_goods import REVOKED, goods
from tests.host.recovery_hostile import Hostile
from tests.host.recovery_judge import Judge
from tests.portable.smp_client import Client
from tests.powercut.recovery_world import LAYOUT, World, _Watched, identity, package

EFFECTS = sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS))
LAST = "99"
_BANKS = ("1", 5, GOOD), ("0", 3, GOOD), ("1", 5, CRASH_CONFIRMED), ("0", 3, CRASH_CONFIRMED)


class Peer(Server):
    """The server, the user, and whoever pulls the plug."""

    def __init__(self, chaos):
        super().__init__({}, ())
        self.chaos, self.quiet = chaos, False
        self.said, self.number = [], 0
        self._idle_since = None

    def log(self, text):
        """The device said something."""
        self.said.append(text)

    def powered(self, device):
        """A boot begins."""
        super().powered(device)
        self._idle_since = None
        self.chaos.judge.powered(device)

    def mounted(self, device):
        """The agent has read its journal."""
        self.chaos.judge.mounted(device)

    def report(self, job, code):
        """Take a result; now and then the answer to it is lost."""
        self.chaos.judge.reported(job, code, self.device)
        return self.quiet or self.chaos.random.random() < 0.8

    def satisfied(self, update):
        """Do something now and then; tell whether nothing is left to wait for."""
        chaos = self.chaos
        if chaos.flash.clock.us > chaos.ends_us:
            raise Violation("no end: phase %d" % update.record.job.phase)
        if not self.quiet and chaos.random.random() < (chaos.idle_rate if update.record.idle else chaos.rate):
            chaos.happen(update)
        if not update.record.idle:
            self._idle_since = None
            return False
        clock = chaos.flash.clock
        self._idle_since = clock.ms() if self._idle_since is None else self._idle_since
        return clock.since(self._idle_since) > 3000


class Chaos(World):
    """One world from its seed."""

    def __init__(self, seed):
        self.random = random = Random(seed)
        self.seed = seed
        self.rate = random.choice((0.0, 0.002, 0.01, 0.05))
        self.idle_rate = random.choice((0.0, 0.5, 0.8))
        self.cut_rate = random.choice((0.0, 0.3, 0.7))
        self.judge = Judge(self)
        self.peer = Peer(self)
        self.trace = []
        self.ends_us = 0
        super().__init__(self._banks(), random.randrange(2), causes_readable=random.random() < 0.8)
        self.judge.begin()

    def _banks(self):
        random, banks = self.random, []
        for _ in range(2):
            version, counter, behaviour = random.choice(_BANKS)
            more = {"behaviour": behaviour, "revoked": REVOKED if random.random() < 0.2 else ()}
            if random.random() < 0.1:
                more["key"] = 2
            ruined = random.random() < 0.3
            banks.append(((version, counter, more), ruined) if random.random() < 0.85 else None)
        return tuple(banks)

    def new_device(self, cause=reset.WATCHDOG):
        """Make the device anew."""
        policy = {"server_reached": None, "min_ms": 2000, "max_ms": 6000}
        self.device = device = _Device(
            self.flash, self.flash.clock, LAYOUT, identity(), self.peer, 8388, policy, **self.options
        )
        device.reset_to_come, device.world = cause, self
        return device

    @property
    def who(self):
        """Return what the device is and trusts."""
        return identity()

    # -- the life -----------------------------------------------------------------------------------------------------

    def run(self, boots=14):
        """Let everything happen for some boots, then nothing bad any more; raise Violation."""
        for _ in range(boots):
            self._boot()
        self.flash.faults.cut_at = 0
        self.cut_rate, self.peer.quiet, self.rate = 0.0, True, 0.0
        self._settle()
        self._recover()
        self.judge.check_end()

    def _boot(self):
        random = self.random
        device = self.device
        device.button = random.random() < 0.35
        device.uart = Hostile(random, self)
        if random.random() < self.cut_rate:
            at = self.flash.ops + 1 + int(random.random() ** 2 * 60)
            self.flash.faults.plan(at, random.choice(EFFECTS), random.randrange(1 << 20))
        self.ends_us = self.flash.clock.us + 40 * 3600 * 1000000
        self.note("boot button=%s cut=%s", device.button, self.flash.faults.cut_at - self.flash.ops)
        end = device.boot()
        self.note("end %s %s", end, self.boot_line())
        self.judge.over(device, end)
        if end == CUT:
            self.new_device(reset.POWER)
        elif end == IDLE:
            device.reset_to_come = random.choice((reset.COMMANDED, reset.COMMANDED, reset.WATCHDOG))
        return end

    def _settle(self):
        """Nobody is at the line: it runs or waits in recovery, soon."""
        ends = [self._quiet_boot() for _ in range(16)]
        if not set(ends[-8:]) & {IDLE, RECOVERY}:
            raise Violation("it goes round: %s" % ends)

    def _quiet_boot(self):
        self.device.button = False
        self.device.uart = None
        self.ends_us = self.flash.clock.us + 40 * 3600 * 1000000
        end = self.device.boot()
        self.note("quiet %s %s", end, self.boot_line())
        self.judge.over(self.device, end)
        self.device.reset_to_come = reset.COMMANDED if end in (IDLE, RECOVERY) else self.device.reset_to_come
        return end

    def _recover(self):
        """A good package, stable power: it is confirmed."""
        client = Client((("upload", package(LAST, 50), 900), ("reset",)))
        for _ in range(25):
            self.device.button = not client.done
            self.device.uart = client
            self.ends_us = self.flash.clock.us + 40 * 3600 * 1000000
            client.again()
            end = self.device.boot()
            self.note("last %s %s %s", end, self.boot_line(), client.answers)
            self.judge.over(self.device, end)
            if end == IDLE and self.device.version == LAST:
                return
            if client.done and any("rc" in answer for answer in client.answers):
                raise Violation("good firmware is refused: %s" % client.answers)
        raise Violation("good firmware does not come to run")

    # -- what happens while the agent runs ----------------------------------------------------------------------------

    def happen(self, update):
        """Something happens between two steps."""
        random = self.random
        what = random.choice(("order", "order", "order", "owner", "owner", "push", "cut", "reset"))
        if what == "order":
            self._order(update)
        elif what == "owner":
            self._command(update, random.choice(("status", "confirm", "rollback", "factory-reset", "recovery")))
        elif what == "push":
            self._push(update)
        elif what == "cut":
            self.note("cut in phase %d", update.record.job.phase)
            raise PowerCut()
        else:
            raise Reset(random.choice((reset.WATCHDOG, reset.COMMANDED)))

    def _order(self, update):
        self.peer.number += 1
        name = "c%d" % self.peer.number
        kind = self.random.choice((DOWNLOAD_AND_UPDATE, DOWNLOAD_AND_UPDATE, DOWNLOAD_ONLY, UPDATE_ONLY))
        self.peer.packages[name] = goods(self.random.randrange(400))
        self.judge.ordering(name, kind, self.peer.packages[name])
        status = update.accept(make_order(kind, name, name))
        self.note("order %s kind %d: %s", name, kind, status)
        self.judge.ordered(name, kind, status)

    def _command(self, update, word):
        device = self.device
        who = SimpleNamespace(**vars(device.identity), device={})
        agent = SimpleNamespace(
            hardware=device.hardware, record=update.record, update=update, port=device, identity=who,
            in_session=False, quiet=update.record.idle, wall_time=None, clock=device.clock, leave=_leave,
            facts=SimpleNamespace(uptime_s=lambda: 1), board=SimpleNamespace(name="sim", agent_version="1"),
            management=SimpleNamespace(forget=lambda: None), factory_reset=lambda: self._factory_reset(update),
        )  # fmt: skip
        self.judge.commanded(word, update)
        try:
            answer = Control(agent, None).obey([word])
        except _Leave as e:
            self.note("command %s: leaves", word)
            e.args[0]()
        else:
            self.note("command %s: %s", word, answer)
            self.judge.answered(word, answer, update)

    def _factory_reset(self, update):
        if update.record.job.phase in (ARM, TRIAL):
            return False
        update.rest()
        with self.judge.dropping(update.record):
            update.record.drop()
        return True

    def _push(self, update):
        """The server pushes a package, or the first part of one."""
        data = goods(self.random.randrange(400))
        end = len(data) if self.random.random() < 0.6 else self.random.randrange(len(data))
        self.note("push %d of %d", end, len(data))
        try:
            push, at = Push(self.device.hardware, update.record, self.device.identity, update.demands()), 0
            while at < end:
                self.device.watchdog.feed()
                at += push.write(at, memoryview(data)[at : min(end, at + 300)])
            while at == len(data) and not push.finish():
                self.device.watchdog.feed()
        except (ProtocolError, AgentError) as e:
            self.note("push: %s", e)
        update.rest()

    # -- helpers ------------------------------------------------------------------------------------------------------

    def note(self, text, *arguments):
        """Keep a line of what happened."""
        self.trace.append(text % arguments)

    def boot_line(self):
        """Return the boot record in words."""
        record = self.boot_record
        return "%d bank %d trial %d void %d" % (record.state, record.bank, record.trial, record.void)


class _Leave(BaseException):
    pass


def _leave(reset_now):
    raise _Leave(reset_now)


class _Device(_Watched):
    def _misbehave(self, started, bank):
        self.world.note("starts bank %d %s %s", bank, started.version, started.behaviour)
        self.world.judge.starts(self, bank, started)
        super()._misbehave(started, bank)

    def _speak_smp(self, duration_ms):
        self.world.judge.in_recovery = True
        super()._speak_smp(duration_ms)
