"""Boots a target beside us: an MCUboot microcontroller whose second slot we write while we hold it in its reset.

The agent here stays as it is, `running` and `confirmed` are about the target. Two numbers for two images: the one that the
target keeps has the number in the record, the slot is the other one; with each update that is kept they change places, as the
images do when MCUboot swaps them. `probe.active(wait_ms)` tells (hash, confirmed) of what runs, hash None where only a line
tells that it is confirmed, and None where nobody answers. Rules that hold against every cut:

- The slot is touched only while the target says that what it runs is confirmed, or has nothing to say and no trial is open by
  the record: never during a swap, and never where a reset would make MCUboot go back to what is in the slot.
- A trial is asked for only where the slot holds a whole image, and the record knows its hash before MCUboot can.
- What the target says outweighs the record. A target that has confirmed the new image keeps it, whatever we had decided.
"""

from agent.compat import const
from agent.errors import FlashError, LinkError
from agent.reset import COMMANDED, UNKNOWN
from hal.mcuboot_image import image_hash
from hal.target_record import ARMED, ENDED, FELL, GIVEN_UP, KEPT, NO_HASH, TRYING

_QUICK_MS = const(400)
_LOOK_MS = const(2000)
_WATCH_MS = const(1000)
_TRIES = const(3)
_FAILED = const(410)


class CoTarget:
    """BootControl of such a target. `slot` is its McubootSlot, `region` what that lies in, `bus` the TargetBus.

    `start_ms`: from a reset to the first answer, without a swap; `swap_ms`: the same with one; both are bounds, not what is usual.
    `confirms`: we confirm a new image that answers; else it does so itself. `shared`: one supply for us and the target, so that a
    fall that we have watched was no power cut. `end()` starts the agent again, where the target has ended a trial.
    """

    native = True  # nothing of ours chooses between banks
    void = False

    def __init__(self, record, slot, region, bus, probe, clock, feed, **policy):
        self._record, self._slot, self._region, self._bus = record, slot, region, bus
        self._probe, self._clock, self._feed = probe, clock, feed
        self._start_ms, self._swap_ms = policy.get("start_ms", 10000), policy.get("swap_ms", 120000)
        self._idle_ms, self._shared = policy.get("idle_ms", 5000), policy.get("shared", True)
        self._confirms, self._end = policy.get("confirms", False), policy.get("end")
        self._stayed = False  # the target runs the old image although the record is armed: it never came to the trial
        self._other = False  # it runs something unconfirmed that nobody here ordered
        self.strange = False  # it has confirmed an image that nobody here put there
        self._watched_ms = self._began_ms = clock.ms()
        self._open_ms = policy.get("open_ms", 3600000)  # a trial that nobody is responsible for ends then
        bus.take = self.take_bus

    # -- BootControl --------------------------------------------------------------------------------------------------

    def running(self):
        """Return the number of the image that the target runs, as far as is known."""
        record = self._record
        return 1 - record.bank if self._tries() or self._other else record.bank

    def confirmed(self):
        """Return the number of the image that the target keeps."""
        return self._record.bank

    def ran_before(self):
        """Return -1: `cause_of_fall` says more."""
        return -1

    def fell_back(self):
        """Return False: a target does not give up what it has confirmed."""
        return False

    def tried(self, bank, attempt):
        """Tell whether that trial is used up."""
        record = self._record
        return record.state in (FELL, ENDED) and bank == 1 - record.bank and attempt == record.attempt

    def cause_of_fall(self):
        """Return why the target went back: because we wanted it, or nobody knows why."""
        return COMMANDED if self._record.state == ENDED else UNKNOWN

    def set_trial(self, bank, attempt):
        """Hold the target and have MCUboot try the slot when `restart` lets it go."""
        if bank != 1 - self._record.bank:
            raise FlashError("the target's own image cannot be tried, only that in its slot")
        try:
            self.take_bus()
            digest = image_hash(self._region, self._slot.room, self._feed)
            if not digest:
                raise FlashError(
                    "the target's slot does not hold a whole MCUboot image any more: send the package again"
                )
            self._stayed = False
            self._record.arm(attempt, digest)
            self._slot.set_test()
        except LinkError as e:
            raise FlashError(str(e))
        except FlashError:
            self._disarm()
            raise

    def confirm(self):
        """Keep the image that the target runs; it has to say that it is confirmed."""
        if self._record.state == KEPT:
            return
        for _ in range(_TRIES):
            if self._confirms and self._is_new(self._ask()):
                self._adopt(self._probe.confirm(self._start_ms), True)
            else:
                self._adopt(self._ask(), True)
            if self._record.state == KEPT:
                return
        self._give_up()
        raise LinkError("the target does not say that the new image is confirmed: look at its serial line")

    # -- for the board ------------------------------------------------------------------------------------------------

    def look(self):
        """At the start: ask what the target runs; where a swap may be under way wait for its end, at most."""
        self._adopt(self._wait_for_answer(self._swap_ms if self._tries() else _LOOK_MS))

    def restart(self):
        """Begin the trial that was set; end the one that is under way; else let the target be."""
        record = self._record
        if record.state == ARMED and self._bus.held:
            record.enter(TRYING)
        elif self._tries():
            self._adopt(self._ask())
            if self._tries():
                if record.state != GIVEN_UP:
                    record.enter(GIVEN_UP)
                self._bus.pulse()
        self._bus.let_go()

    def works(self):
        """The self-test of a trial: the target answers with the new image, and has confirmed it where that is its own affair."""
        record = self._record
        seen = self._ask()
        self._watched_ms = self._clock.ms()
        self._adopt(seen, True)
        if record.state == KEPT:
            return True
        if record.state in (FELL, ENDED):
            self._give_up()
        return self._confirms and self._is_new(seen)

    def free_slot(self):
        """Before an image is written: the slot is ours, and MCUboot is asked for nothing."""
        self.take_bus()
        if self._slot.state():
            self._slot.clear()

    def tick(self):
        """Watch a trial; let the target go where the slot was not used for a while: a download that waits must not keep it."""
        if self._tries() and not self._bus.held and self._clock.since(self._watched_ms) >= _WATCH_MS:
            self.works()
            if self._clock.since(self._began_ms) > self._open_ms:
                self._give_up()
        if self._bus.held and self._record.state != ARMED and self._clock.since(self._bus.used_ms) > self._idle_ms:
            self._bus.let_go()

    def take_bus(self):
        """Hold the target in its reset where that is safe, see the rules above."""
        if self._bus.held:
            return
        seen = self._wait_for_answer(self._start_ms)
        if not seen and self._probe.trouble:
            raise LinkError("nobody can ask the target: %s" % self._probe.trouble, _FAILED)
        if seen and not seen[1] or not seen and self._tries():
            raise LinkError("the target runs an image that is not confirmed: its slot must not be touched now", _FAILED)
        self._adopt(seen)
        self._bus.hold()

    # -- what the target says -----------------------------------------------------------------------------------------

    def _tries(self):
        """Tell whether a trial is open, as far as the record knows: MCUboot may be swapping at any moment."""
        state = self._record.state
        return state in (TRYING, GIVEN_UP) or state == ARMED and not self._stayed

    def _give_up(self):
        """Start the agent again, which ends a trial that is open."""
        if self._end:
            self._end()

    def _disarm(self):
        """The trial could not be asked for: the target goes on with what it has."""
        try:
            if self._bus.held and self._record.state == ARMED and not self._slot.state():
                self._record.enter(ENDED)
        finally:
            self._bus.let_go()

    def _ask(self):
        return None if self._bus.held else self._probe.active(_QUICK_MS)

    def _wait_for_answer(self, most_ms):
        since_ms = self._clock.ms()
        while True:
            seen = self._ask()
            if seen or self._bus.held or self._clock.since(since_ms) >= most_ms:
                return seen
            self._feed()
            self._clock.sleep_ms(20)

    def _is_new(self, seen):
        return seen is not None and seen[0] == self._record.tried

    def _adopt(self, seen, live=False):
        """Bring the record to what the target says; `live`: we have watched since the trial began."""
        record = self._record
        if not seen:
            return
        digest, confirmed = seen
        if record.state not in (ARMED, TRYING, GIVEN_UP):
            self._note_kept(digest, confirmed)
            return
        if digest is None and confirmed:
            digest = self._which()
        if digest == record.tried:
            if confirmed:
                record.take()
        elif confirmed:
            self._stayed = record.state == ARMED
            if record.state != ARMED:
                ended = record.state == GIVEN_UP or live and self._shared
                record.enter(ENDED if ended else FELL)

    def _note_kept(self, digest, confirmed):
        record = self._record
        self._other = not confirmed and digest != record.kept
        self.strange = confirmed and bool(digest) and NO_HASH != record.kept != digest
        if confirmed and digest and record.kept == NO_HASH:
            record.learn(digest)

    def _which(self):
        """Return the hash of what runs, told by what MCUboot has put into the slot; it is confirmed, a reset does no harm."""
        self._bus.hold()
        other = image_hash(self._region, self._slot.room, self._feed)
        self._bus.let_go()
        return NO_HASH if other == self._record.tried else self._record.tried
