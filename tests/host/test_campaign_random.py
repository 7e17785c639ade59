"""Campaigns under random outcomes, actions, clocks and crashes: what must hold whatever comes."""

import json
import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flash_tools.errors import ToolError
from flash_tools.server.campaigns.window import in_window
from tests.host.campaign_book import World, row

FINAL = ("success", "failed", "skipped")
GROUP = st.fixed_dictionaries(
    {
        "success": st.sampled_from(["100%", "50%", "1", "3"]),
        "errors": st.sampled_from(["", "1", "2", "34%", "100%"]),
        "then": st.sampled_from(["next", "pause"]),
    }
)
SIZE = st.one_of(
    st.builds(lambda n: {"count": n}, st.integers(1, 4)),
    st.builds(lambda n: {"percent": n}, st.sampled_from([10, 25, 33.3])),
)


@st.composite
def group_lists(draw):
    """Draw groups as a user writes them."""
    groups = [{**draw(GROUP), **draw(SIZE)} for _ in range(draw(st.integers(0, 3)))]
    groups.append({**draw(GROUP), "dynamic": draw(st.booleans())})
    return [{"name": "g%d" % n, **group} for n, group in enumerate(groups)]


def limit(text, size):
    """Work a threshold out as the page says it."""
    return math.ceil(round(size * float(text[:-1]) / 100, 6)) if text.endswith("%") else int(text)


class Campaigns(RuleBasedStateMachine):
    """`seen`: group -> failures that the user has seen and gone on after; `by_hand`: groups that the user let start."""

    @initialize(
        groups=group_lists(),
        devices=st.integers(0, 12),
        there=st.integers(0, 2),
        retries=st.integers(0, 2),
        parallel=st.sampled_from([None, 1, 3]),
        window=st.sampled_from(["", "08:00-20:00 UTC"]),
        start=st.sampled_from(["manual", "now", "2027-01-15T10:00Z"]),
    )
    def begin(self, groups, devices, there, retries, parallel, window, start):
        rows = [row("d%02d" % n, firmware="2.0" if n < there else "1.0") for n in range(devices)]
        self.world = World(rows=rows, group=groups, retries=retries, parallel=parallel, window=window, start=start)
        self.advanced = False  # since the last crash
        self.groups, self.spec = groups, self.world.campaign.spec
        self.expected, self.new = {each["id"] for each in rows}, 0
        self.seen, self.by_hand = dict.fromkeys((group["name"] for group in groups), 0), {"g0"}
        self.world.book.on_place = self.placing
        sizes = [group.due for group in self.world.campaign.groups]
        assert sum(sizes) == max(0, devices - there)

    # -- what is checked whenever an order is placed ------------------------------------------------------------------

    def of(self, name):
        return [target for target in self.world.campaign.targets.values() if target.group == name]

    def count(self, name, state):
        return sum(target.state == state for target in self.of(name))

    def due(self, name):
        return sum(target.state != "skipped" for target in self.of(name))

    def stops(self, group):
        """Tell whether a group's failures must have stopped the campaign."""
        name, errors = group["name"], group["errors"]
        failed = self.count(name, "failed") - self.seen[name]
        return bool(errors) and failed > 0 and failed >= limit(errors, self.due(name))

    def met(self, group):
        name = group["name"]
        return self.count(name, "success") >= min(limit(group["success"], self.due(name)), self.due(name))

    def placing(self, device, group):
        world, campaign = self.world, self.world.campaign
        assert campaign.state == "running" and in_window(self.spec.window, world.now)
        assert not [each for each in self.groups if self.started(each["name"]) and self.stops(each)]
        assert len(world.book.open()) < (self.spec.parallel or 10**6)
        target = campaign.targets[device]
        assert target.group == group and target.state == "waiting"
        assert target.attempts - target.forgiven <= self.spec.retries
        before = self.groups[: [each["name"] for each in self.groups].index(group)]
        for each, following in zip(before, self.groups[1:], strict=False):
            assert self.met(each) or following["name"] in self.by_hand, "%s began too early" % following["name"]
            self.by_hand.add(following["name"])  # once it has begun, it stays so
        waiting = [
            each.device for each in self.of(group) if each.state == "waiting" and each.device not in world.book.busy
        ]
        assert device in world.book.busy or device == min(waiting)

    def started(self, name):
        return next(group.started for group in self.world.campaign.groups if group.name == name)

    # -- what happens -------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 1, 30, 60, 3600, 40000, -500]))
    def tick(self, seconds):
        self.world.advance(seconds)
        self.advanced = True

    @rule()
    def crash_in_a_tick(self):
        self.world.campaign.advance(self.world.now, self.world.book)
        self.crash()

    @rule()
    def restart(self):
        before = self.all_of_it()
        self.crash()
        assert self.all_of_it() == before

    def crash(self):
        self.world.crash()
        self.advanced = False

    def all_of_it(self):
        campaign = self.world.campaign
        flags = [(each.started, each.settled, each.stopped, each.tolerated) for each in campaign.groups]
        return campaign.view(), campaign.view_targets(), campaign.spec, campaign.closed, flags

    @rule(action=st.sampled_from(["start", "pause", "resume", "resume", "next", "retry"]), crash=st.integers(0, 5))
    def act(self, action, crash):
        self.user(action, crash)

    @rule(crash=st.integers(0, 3), sure=st.integers(0, 3))
    def abort(self, crash, sure):
        if sure == 0:
            self.user("abort", crash)

    def user(self, action, crash):
        campaign = self.world.campaign
        stopped = {group.name: self.count(group.name, "failed") for group in campaign.groups if group.stopped}
        waiting, left = self.split_open()
        started = [group for group in campaign.groups if group.started]
        following = [group.name for group in campaign.groups if not group.started][:1]
        failed = {target.device for target in campaign.targets.values() if target.state == "failed"}
        over = bool(started) and started[-1].is_over
        paused = campaign.state == "paused"
        try:
            campaign.do(action)
        except ToolError:
            return
        if crash == 1:
            self.crash()
            return
        if paused and action in ("resume", "next"):
            self.seen |= stopped
        if action == "next" or (action == "resume" and over):
            self.by_hand |= set(following)
        if action == "retry":
            for name in {campaign.targets[device].group for device in failed}:
                self.seen[name] = 0
        self.world.advance()
        if action == "abort":
            self.check_abort(waiting, left)

    def split_open(self):
        """Return who can still be cancelled, and stage -> how many for those whose order may have left."""
        orders = [self.world.book.orders[key] for key in self.world.book.open()]
        left = {"offered": 0, "accepted": 0}
        for _, _, stage, _ in orders:
            if stage != "waiting":
                left["offered" if stage == "offered" else "accepted"] += 1
        can = {target.device for target in self.world.campaign.targets.values() if target.state == "waiting"}
        return can | {device for device, _, stage, _ in orders if stage == "waiting"}, left

    def check_abort(self, waiting, left):
        campaign = self.world.campaign
        assert campaign.aborted["cancelled"] == len(waiting)
        assert {key: campaign.aborted[key] for key in left} == left
        assert campaign.view()["aborted"]["running"] == sum(left.values()) == len(self.world.book.open())

    @precondition(lambda self: self.world.book.open())
    @rule(data=st.data(), stage=st.sampled_from(["offered", "accepted", "downloaded"]), seen=st.booleans())
    def goes_on(self, data, stage, seen):
        device = self.world.book.orders[data.draw(st.sampled_from(self.world.book.open()))][0]
        self.world.stage(device, stage, seen)

    @precondition(lambda self: self.world.book.open())
    @rule(data=st.data(), success=st.booleans(), seen=st.booleans(), code=st.sampled_from([None, 200, 410, 500]))
    def ends(self, data, success, seen, code):
        device = self.world.book.orders[data.draw(st.sampled_from(self.world.book.open()))][0]
        self.world.end(device, success, code, seen=seen)

    @rule(number=st.integers(0, 11))
    def busy(self, number):
        self.world.book.busy ^= {"d%02d" % number}
        self.world.campaign.touched("d%02d" % number)

    @rule(number=st.integers(0, 11))
    def removed(self, number):
        device = "d%02d" % number
        self.world.book.gone.add(device)
        self.world.campaign.leave(device)
        self.world.commit()

    @rule()
    def arrives(self):
        self.new += 1
        if self.world.campaign.arrive(row("n%02d" % self.new)):
            self.expected.add("n%02d" % self.new)
            assert self.groups[-1]["dynamic"] and self.world.campaign.state in ("ready", "running", "paused")
        self.world.commit()

    # -- what holds afterwards ----------------------------------------------------------------------------------------

    @invariant()
    def each_device_is_one_target_in_one_state(self):
        campaign = self.world.campaign
        assert set(campaign.targets) == self.expected
        for target in campaign.targets.values():
            orders = [order for order in self.world.book.orders.values() if order[0] == target.device]
            assert target.attempts == len(orders) and target.attempts - target.forgiven <= self.spec.retries + 1
            under_way = [key for key in self.world.book.open() if self.world.book.orders[key][0] == target.device]
            if target.state in ("ordered", "accepted"):
                assert not under_way or under_way == [target.order]  # it may have ended unseen
            else:
                assert not under_way

    @invariant()
    def nothing_can_leave_that_should_not(self):
        campaign = self.world.campaign
        if self.advanced and (campaign.state != "running" or not in_window(self.spec.window, self.world.now)):
            stages = [
                (self.world.book.orders[key][2], campaign.targets[self.world.book.orders[key][0]])
                for key in self.world.book.open()
            ]
            assert not [target for stage, target in stages if stage == "waiting"]

    @invariant()
    def counts_add_up(self):
        view, targets = self.world.campaign.view(), self.world.campaign.targets.values()
        names = {"waiting": ("waiting",), "running": ("ordered", "accepted"), **{name: (name,) for name in FINAL}}
        for name, states in names.items():
            assert view["counts"][name] == sum(target.state in states for target in targets)
            assert view["counts"][name] == sum(group["counts"][name] for group in view["groups"])
        for group in view["groups"]:
            assert group["size"] == sum(group["counts"].values()) == len(self.of(group["name"]))
        assert sum(view["results"].values()) == view["counts"]["success"] + view["counts"]["failed"]

    @invariant()
    def the_store_has_all_of_it(self):
        campaign = self.world.campaign
        assert not campaign.dirty
        assert {key: json.loads(each) for key, each in self.world.stored.items()} == {
            device: target.record() for device, target in campaign.targets.items()
        }
        assert json.loads(json.dumps(campaign.record())) == json.loads(self.world.record)

    @invariant()
    def a_finished_campaign_is_over(self):
        campaign = self.world.campaign
        if campaign.state == "finished":
            assert all(target.state in FINAL for target in campaign.targets.values()) and campaign.ended
        if campaign.state == "aborted":
            assert not any(target.state == "waiting" for target in campaign.targets.values())

    def teardown(self):
        """Let the world end well: the campaign comes to its end, and then stays there."""
        if not hasattr(self, "world"):
            return
        world, campaign = self.world, self.world.campaign
        world.book.busy = set()
        for _ in range(400):
            state = self.world.campaign.state
            if state in ("finished", "aborted") and not world.book.open() and self.world.campaign.ended:
                break
            if state in ("ready", "paused"):
                if state == "ready" and not self.expected and not self.groups[-1]["dynamic"]:
                    return
                self.user("resume" if state == "paused" else "start", 0)
            elif state == "running" and world.campaign._roster.is_over and not self.world.campaign.closed:
                self.user("next", 0)
            for key in world.book.open():
                world.end(world.book.orders[key][0], len(key) % 2 == 0)
            world.advance(3600)
        campaign = self.world.campaign
        assert campaign.state in ("finished", "aborted") and all(t.state in FINAL for t in campaign.targets.values())
        orders = len(world.book.orders)
        for _ in range(3):
            world.advance(3600)
        assert len(world.book.orders) == orders and not world.book.open()
        self.counts_add_up()
        self.the_store_has_all_of_it()


Campaigns.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestRandomCampaigns = Campaigns.TestCase
