"""A book for campaigns: orders in memory that a test moves from stage to stage, and a store that a crash falls back to."""

import copy
import json

from flash_tools.errors import ToolError
from flash_tools.server.campaigns.campaign import Campaign
from flash_tools.server.campaigns.spec import read
from flash_tools.server.campaigns.targets import Outcome


class Book:
    """`orders`: id -> [device, attempt, stage, outcome]; refuses what must never happen."""

    def __init__(self):
        self.orders, self.busy, self.gone, self.asked = {}, set(), set(), 0
        self.on_place = None

    def place(self, campaign, device, group, attempt):
        if self.on_place:
            self.on_place(device, group)
        if device in self.gone:
            raise ToolError("there is no device %s" % device)
        if device in self.busy:
            return None
        mine = [order for order in self.orders.values() if order[0] == device]
        assert not [order for order in mine if order[3] is None and order[2] != "cancelled"], "a second order under way"
        assert attempt == len(mine) + 1, "attempt %d of %s after %d" % (attempt, device, len(mine))
        self.orders["o%d" % len(self.orders)] = [device, attempt, "waiting", None]
        return "o%d" % (len(self.orders) - 1)

    def stage(self, order):
        self.asked += 1
        return self.orders[order][2]

    def outcome(self, order):
        return self.orders[order][3]

    def cancel(self, order):
        if self.orders[order][2] != "waiting":
            return False
        self.orders[order][2] = "cancelled"
        return True

    def open(self):
        """Return the ids of the orders under way, the oldest first."""
        return [key for key, order in self.orders.items() if order[3] is None and order[2] != "cancelled"]

    def order_of(self, device):
        """Return the id of a device's order under way."""
        return next((key for key in self.open() if self.orders[key][0] == device), None)


def row(device, **more):
    """Make a device's row."""
    base = {"id": device, "name": "", "model": "m", "manufacturer": "f", "hw": "1", "firmware": "1.0"}
    return {**base, "group": "", "tags": [], "state": "idle", **more}


class World:
    """A campaign, its book and what of both is in the store; `now` is its clock."""

    def __init__(self, devices=10, *, version="2.0", rows=None, **spec):
        groups = spec.pop("group", None)
        table = {"name": "trial", "package": "fw", **spec, **({"group": groups} if groups else {})}
        self.book, self.now = Book(), 1_800_000_000.0
        self.rows = [row("d%02d" % n) for n in range(devices)] if rows is None else rows
        self.campaign = Campaign(read(table), version=version)
        self.stored = {}
        self.campaign.open(self.rows)
        self.commit()

    def commit(self):
        """Keep all of it, as a server does."""
        self.stored |= {each["device"]: json.dumps(each) for each in self.campaign.take_dirty()}
        self.record = json.dumps(self.campaign.record())
        self.orders = copy.deepcopy(self.book.orders)

    def crash(self):
        """Lose what is not kept, and start again."""
        targets = [json.loads(each) for each in self.stored.values()]
        hook = self.book.on_place
        self.campaign = Campaign.from_record(json.loads(self.record), targets)
        self.book.orders, self.book.on_place = copy.deepcopy(self.orders), hook

    def advance(self, seconds=1):
        """Let time pass."""
        self.now += seconds
        changed = self.campaign.advance(self.now, self.book)
        self.commit()
        return changed

    def do(self, action):
        """Do it, and what follows."""
        self.campaign.do(action)
        self.advance()
        return self.campaign.view()

    def stage(self, device, stage, seen=True):
        """Let a device's order get to a stage."""
        self.book.orders[self.book.order_of(device)][2] = stage
        self.orders = copy.deepcopy(self.book.orders)
        if seen:
            self.campaign.touched(device)

    def end(self, device, success=True, code=None, failure="", seen=True):
        """Let a device's order end."""
        code = code if code is not None or failure else 200 if success else 410
        order = self.book.orders[self.book.order_of(device)]
        order[2:] = ["done" if success else "failed", Outcome(success, code, failure)]
        self.orders = copy.deepcopy(self.book.orders)
        if seen:
            self.campaign.touched(device)

    def ends(self, *devices, **how):
        """Let several end, and look."""
        for device in devices:
            self.end(device, **how)
        self.advance()

    @property
    def placed(self):
        """Return the devices that have an order under way."""
        return sorted(self.book.orders[key][0] for key in self.book.open())

    def states(self):
        """Return device -> state."""
        return {device: target.state for device, target in self.campaign.targets.items()}


def started(*arguments, **spec):
    """Make a world whose campaign has begun."""
    world = World(*arguments, **spec)
    world.do("start")
    return world
