"""All targets of a campaign in their groups: every change goes through `put`, so that counts and queues are never wrong.

Decides nothing.
"""

from flash_tools.server.campaigns.groups import Group
from flash_tools.server.campaigns.targets import FINAL, STATES, UNDER_WAY, WAITING, Target


class Roster:
    """`dirty`: the devices whose target has changed; `touched`: those that are to be looked at."""

    def __init__(self, groups: list[Group]):
        self.groups = groups
        self.targets: dict[str, Target] = {}
        self.dirty: set[str] = set()
        self.touched: set[str] = set()
        self.under_way: set[str] = set()
        self._by_name = {group.name: group for group in groups}

    def add(self, target: Target):
        """Add a target that is new here."""
        self.targets[target.device] = target
        group = self.group_of(target)
        group.counts[target.state] += 1
        if target.state == WAITING:
            group.queue(target.device)
        elif target.state in UNDER_WAY:
            self.under_way.add(target.device)

    def group_of(self, target: Target) -> Group:
        """Return a target's group."""
        return self._by_name[target.group]

    def put(self, target: Target, state: str, **changes):
        """Give a target another state, and what belongs to it, at once."""
        group = self.group_of(target)
        group.counts[target.state] -= 1
        group.counts[state] += 1
        if target.state == WAITING:
            group.remove(target.device)
        if state == WAITING:
            group.queue(target.device)
        (self.under_way.add if state in UNDER_WAY else self.under_way.discard)(target.device)
        target.state = state
        for key, value in changes.items():
            setattr(target, key, value)
        self.dirty.add(target.device)

    def touch(self, device: str):
        """Note that something may have happened to a device."""
        target = self.targets.get(device)
        if target is not None and target.state not in FINAL:
            self.touched.add(device)

    def touch_all(self):
        """Look at all that have no end yet; those put aside wait again."""
        self.touched |= self.under_way
        for group in self.groups:
            group.release()

    def take_touched(self) -> list[Target]:
        """Return whom to look at, in the order of ids."""
        touched, self.touched = self.touched, set()
        return [self.targets[device] for device in sorted(touched)]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many targets are in each state."""
        return {state: sum(group.counts[state] for group in self.groups) for state in STATES}

    @property
    def is_over(self) -> bool:
        """Tell whether every target has its end."""
        return all(group.is_over for group in self.groups)
