"""What happens to a world from outside: power cuts, owners, users, servers with ideas of their own, faults that come and go."""

from agent import reset
from agent.job import DOWNLOAD
from agent.lifecycle import PHASES
from hal.boot_record import BootRecord
from hal.region import carve
from ports.sim.device import install_firmware
from ports.sim.power import PowerCut, Reset
from tests.soak import goods

_VERIFIED = 40


def phase_of(agent):
    """Return the name of what the device is doing."""
    if agent._meetings and agent._meetings.active:
        return "session"
    if agent.record.job.phase == DOWNLOAD and agent.update.state == _VERIFIED:
        return "verify"
    return PHASES[agent.record.job.phase]


class Events:
    """`happen` is called before each step of the device."""

    def __init__(self, world):
        self._world, self._plan = world, world.plan
        self._left, self._cuts = list(world.plan.events), list(world.plan.cuts)
        self._seen = {}  # phase -> [times at which it began]
        self._phase = ""
        self._owner = None  # version that the owner flashes once the power is off
        self._mark = (0, 0, world.first_op, 0)
        self.cuts = 0
        self._there = 0  # flash operations in the place where the next cut is to be
        if any(cut[0] == "where" for cut in self._cuts):
            self._watch_places()
        end = world.flash.faults._end

        def watched_end():
            effect = world.flash.faults.effect
            world.judge.cut(effect)
            self._next_cut("flash operation, " + effect)
            end()

        world.flash.faults._end = watched_end

    @property
    def waiting(self):
        """Tell whether something is sure to come."""
        return any(event.when[0] == "ms" for event in self._left) or any(cut[0] == "ms" for cut in self._cuts[:1])

    def arm(self):
        """A boot begins: plan the cut at a flash operation, if that is the next one."""
        cut, faults = self._cuts[0] if self._cuts else ("",), self._world.flash.faults
        if cut[0] == "flash":
            at = self._mark[2] + cut[1]
            faults.plan(max(at, self._world.flash.ops + 1), cut[2], self._plan.seed + at)

    def happen(self, agent):
        """Let everything happen that is due."""
        phase = phase_of(agent)
        if phase != self._phase:
            self._phase = phase
            self._seen.setdefault(phase, []).append((self._world.clock.ms(), self.cuts))
        for event in list(self._left):
            if self._is_due(event.when, 0):
                self._left.remove(event)
                self._world.note("event: %s %s", event.act, event.args)
                getattr(self, "_" + event.act)(agent, *event.args)
        if self._cuts and self._cuts[0][0] not in ("flash", "where") and self._is_due(self._cuts[0], 1):
            self._world.judge.cut("power")
            self._next_cut("power")
            raise PowerCut()

    def boot_is_over(self):
        """A boot has ended: do what needs a device without power."""
        self._phase = ""
        if self._owner:
            world, version = self._world, self._owner
            self._owner, flash = None, world.flash
            flash.guard, flash.faults.weak, flash.faults.unstable = (), {}, {}
            bank = world.judge.confirmed
            install_firmware(flash, goods.LAYOUT, bank, goods.package(version, encoding="none"), goods.image(version))
            BootRecord(carve(flash, goods.LAYOUT)["boot"], bank).confirm()
            world.judge.flashed()

    def _watch_places(self):
        world, faults = self._world, self._world.flash.faults

        def watched(plain):
            def operation(*args):
                cut = self._cuts[0] if self._cuts else ("",)
                if cut[0] == "where" and world.judge.where() == cut[1]:
                    self._there += 1
                    if self._there == cut[2]:
                        faults.plan(world.flash.ops, cut[3], self._plan.seed + self._there)
                plain(*args)

            return operation

        faults.program, faults.erase = watched(faults.program), watched(faults.erase)

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _next_cut(self, how):
        world = self._world
        self._cuts.pop(0)
        self._there = 0
        self.cuts += 1
        self._mark = (world.clock.ms(), world.messages, world.flash.ops, world.device.boots)
        world.note("CUT (%s) at %s", how, self._mark)

    def _is_due(self, when, relative):
        """Tell whether it is time; `relative`: counted from the last cut."""
        kind, world = when[0], self._world
        if kind == "phase":
            times = [at for at, cuts in self._seen.get(when[1], ()) if not relative or cuts == self.cuts]
            nth = when[3] if len(when) > 3 else 0
            return len(times) > nth and world.clock.since(times[nth]) >= when[2]
        now = (world.clock.ms(), world.messages, world.flash.ops, world.device.boots)
        index = ("ms", "net", "op", "boot").index(kind)
        base = self._mark[index] if relative else world.first_op if kind == "op" else 0
        return now[index] - base >= when[1]

    # -- what can happen ----------------------------------------------------------------------------------------------

    def _cut(self, agent):
        self._world.judge.cut("power")
        self.cuts += 1
        raise PowerCut()

    def _reset(self, agent):
        """The watchdog bites."""
        self._world.judge.cut("reset")
        raise Reset(reset.WATCHDOG)

    def _reflash(self, agent, version=goods.OWNERS):
        self._owner = version
        self._cut(agent)

    def _factory_reset(self, agent):
        if agent.factory_reset():
            self._world.judge.dropped()

    def _user(self, agent):
        agent.request_update()

    def _clean_up(self, agent):
        agent.clean_up()

    def _notify(self, agent, server="bench", **changes):
        self._world.notify(server, **changes)

    def _junk(self, agent, data):
        self._world.net.datagram(data, ("192.0.2.66", 4711), 2948)

    def _release(self, agent, number, notified=True):
        """The server wants this order from now on."""
        task = self._world.tasks[number]
        task.wanted = True
        if notified:
            self._world.notify(task.order.server)

    def _again(self, agent, number):
        """The server does not remember that its Exec was taken."""
        task = self._world.tasks[number]
        task.stage = "new" if task.stage == "given" else task.stage

    def _link(self, agent, up):
        self._world.net.link.up = up

    def _name(self, agent, name, value):
        self._world.net.names[name] = value

    def _dm(self, agent, name, count, server="bench"):
        """The management server does wrong for some messages, see server/dm/faults.py."""
        setattr(self._world.dms[server].faults, name, count)

    def _forget(self, agent, server="bench"):
        self._world.dms[server].forget()

    def _bad(self, agent, sector, operation):
        """A sector of the spare bank wears out."""
        start = {name: start for name, start, _ in goods.LAYOUT}["bank%d" % (1 - self._world.judge.confirmed)]
        self._world.flash.faults.bad[start // self._world.flash.sector + sector] = operation

    def _read_error(self, agent, count):
        self._world.flash.faults.read_errors += count
