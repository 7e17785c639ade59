"""Groups of a campaign: how many devices each gets, its thresholds, its counts and who waits in it.

Does not know what an order is. The counts are kept, never counted again: a tick must not cost more with more devices.
"""

import heapq
import math
import re
from dataclasses import dataclass

from flash_tools.errors import ToolError
from flash_tools.server.campaigns.targets import FAILED, SKIPPED, STATES, SUCCESS, UNDER_WAY, WAITING

_THRESHOLD = re.compile(r"([0-9]{1,7})|([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*%", re.ASCII)


@dataclass(frozen=True)
class Threshold:
    """A number of devices, or a part of a group in percent."""

    number: float
    percent: bool

    def of(self, size: int) -> int:
        """Return how many devices of a group that is."""
        return math.ceil(size * self.number / 100 - 1e-9) if self.percent else int(self.number)


def read_threshold(text: str) -> Threshold:
    """Read "95%" or "3"."""
    found = _THRESHOLD.fullmatch(text.strip())
    number = float(found[1] or found[2]) if found else 0
    if number <= 0 or (found[2] and number > 100):
        raise ToolError('write a part of the group as "5%", or a number of devices as "3"')
    return Threshold(number, found[2] is not None)


def sizes(groups, devices: int) -> list[int]:
    """Tell how many of the devices each group gets; each is in one, and the last group takes what is left.

    Percents are of all devices. Their sum is rounded up, not each one: ten times 10 % never runs out early, and a first
    group of a few percent has a device.
    """
    found, left, percent = [], devices, 0
    for group in groups[:-1]:
        before, percent = percent, percent + (group.percent or 0)
        part = group.count if group.count is not None else _part(devices, percent) - _part(devices, before)
        found.append(min(part, left))
        left -= found[-1]
    return [*found, left]


def _part(devices, percent):
    return math.ceil(devices * percent / 100 - 1e-9)


class Group:
    """`settled`: what follows its end (next group or pause) has been seen to; `stopped`: by its error threshold."""

    def __init__(self, spec, record=None):
        self.spec, self.name = spec, spec.name
        self.counts = dict.fromkeys(STATES, 0)
        self.started = self.settled = self.stopped = False
        self.tolerated = 0  # failures before the last resume: the user has seen them
        self._success, self._errors = read_threshold(spec.success), spec.errors and read_threshold(spec.errors)
        self._queue, self._ready, self._held = [], set(), set()
        for key, value in (record or {}).items():
            setattr(self, key, value)

    def record(self) -> dict:
        """Return what the targets do not say."""
        return {key: getattr(self, key) for key in ("started", "settled", "stopped", "tolerated")}

    @property
    def size(self) -> int:
        """Return how many devices are in it."""
        return sum(self.counts.values())

    @property
    def due(self) -> int:
        """Return how many devices the thresholds are parts of: those skipped do not count."""
        return self.size - self.counts[SKIPPED]

    @property
    def under_way(self) -> int:
        """Return how many have an order."""
        return sum(self.counts[state] for state in UNDER_WAY)

    @property
    def is_over(self) -> bool:
        """Tell whether every device has its end."""
        return not self.under_way and not self.counts[WAITING]

    @property
    def wanted(self) -> int:
        """Return how many successes make it a success."""
        return min(self._success.of(self.due), self.due)

    @property
    def is_met(self) -> bool:
        """Tell whether enough devices have succeeded."""
        return self.counts[SUCCESS] >= self.wanted

    @property
    def has_failed(self) -> bool:
        """Tell whether too many devices have failed since the user last looked."""
        failed = self.counts[FAILED] - self.tolerated
        return bool(self._errors) and failed > 0 and failed >= self._errors.of(self.due)

    def tolerate(self):
        """Forgive the failures so far: the user has seen them and goes on."""
        self.stopped, self.tolerated = False, self.counts[FAILED]

    def reopen(self):
        """Judge it again: its failed devices get another chance."""
        self.stopped, self.tolerated = False, 0
        self.settled = self.settled and self.is_met

    # -- who waits, in the order of ids -------------------------------------------------------------------------------

    def queue(self, device: str):
        """Let a device wait for its order."""
        self._ready.add(device)
        heapq.heappush(self._queue, device)

    def first(self) -> str | None:
        """Return whose turn it is."""
        while self._queue and self._queue[0] not in self._ready:  # those removed stay until they come up
            heapq.heappop(self._queue)
        return self._queue[0] if self._queue else None

    def hold(self, device: str):
        """Put one aside: it can get no order now."""
        self._ready.discard(device)
        self._held.add(device)

    def release(self, device: str | None = None):
        """Let one that was put aside, or all of them, wait again."""
        devices = self._held & {device} if device is not None else self._held
        self._held = self._held - devices
        for each in devices:
            self.queue(each)

    def remove(self, device: str):
        """Take a device out that waits no longer."""
        self._held.discard(device)
        self._ready.discard(device)

    def waiting(self) -> list[str]:
        """Return all who wait."""
        return sorted(self._ready | self._held)

    # -- for people ---------------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """Return waiting, running, done or error."""
        if not self.started:
            return "waiting"
        if self.stopped:
            return "error"
        if not self.is_over:
            return "running"
        return "done" if self.is_met else "error"

    def view(self) -> dict:
        """Return it for people."""
        spec = self.spec
        return {
            "name": self.name,
            "state": self.state,
            "size": self.size,
            "dynamic": spec.dynamic,
            "counts": counts_view(self.counts),
            "success": spec.success,
            "errors": spec.errors,
            "then": spec.then,
        }


def counts_view(counts: dict) -> dict:
    """Return counts for people: who has an order is running, whatever stage it is at."""
    running = sum(counts[state] for state in UNDER_WAY)
    return {"waiting": counts[WAITING], "running": running, **{key: counts[key] for key in (SUCCESS, FAILED, SKIPPED)}}
