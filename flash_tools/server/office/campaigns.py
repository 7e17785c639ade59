"""Campaigns: many orders in groups. The engine decides, this part gives it orders and keeps what it decides.

An order and what its campaign says of the device are kept in one transaction, and a device is woken only after that.
"""

import time

from flash_tools.errors import ToolError
from flash_tools.server import views
from flash_tools.server.campaigns import spec as specs
from flash_tools.server.campaigns.campaign import Campaign
from flash_tools.server.campaigns.targets import Outcome
from flash_tools.server.office.base import locked
from flash_tools.server.office.devices import Devices
from flash_tools.server.office.orders import Orders
from flash_tools.server.office.wire import Wire

_WAKES = 50  # devices that are woken in one tick
_UNKNOWN = Outcome(False, None, "lost: the order is not known any more")


class Campaigns(Wire, Devices, Orders):
    """What people do with campaigns; `place`, `stage`, `outcome` and `cancel` of _Book are what the engine calls."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._campaigns: dict[str, Campaign] = {}
        self._to_wake: dict[str, None] = {}
        self._book = _Book(self)
        for name, record in self.store.records("campaign"):
            self._campaigns[name] = self._restored(name, record)

    def _restored(self, name, record):
        targets = self.store.targets(name).values()
        return Campaign.from_record(record, targets)

    # -- what people do -----------------------------------------------------------------------------------------------

    @locked
    def add_campaign(self, source: str | dict) -> dict:
        """Add a campaign from TOML or a dict; it starts when it says so."""
        spec = specs.read(source)
        if spec.name in self._campaigns:
            raise ToolError("there is a campaign %s already: take another name" % spec.name)
        package = self.desk.shelf.get(spec.package)
        campaign = Campaign(spec, version=package.facts.get("version", ""), created=time.time())
        campaign.open(self._rows())
        self._campaigns[spec.name] = campaign
        self._tell(campaign, "added")
        self._keep(campaign)
        self._advance(campaign)
        self.desk.commit()
        return self._view(campaign)

    def _rows(self):
        return [views.row(self.desk, device_id) for device_id in self.desk.devices]

    @locked
    def campaigns(self) -> list[dict]:
        """Return all campaigns without their targets, the newest first."""
        found = [self._view(campaign) for campaign in self._campaigns.values()]
        return sorted(found, key=lambda each: -(each["created"] or 0))

    def _view(self, campaign):
        return {**campaign.view(), "spec": campaign.spec.text}

    def _campaign(self, name) -> Campaign:
        if name not in self._campaigns:
            raise ToolError("there is no campaign %s" % name[:64])
        return self._campaigns[name]

    @locked
    def campaign(self, name: str) -> dict:
        """Return a campaign with its targets."""
        campaign = self._campaign(name)
        return {**self._view(campaign), "targets": campaign.view_targets()}

    @locked
    def campaign_do(self, name: str, action: str) -> dict:
        """Start, pause, resume, next, abort, retry or remove."""
        campaign = self._campaign(name)
        if action == "remove":
            return self._remove(campaign)
        if action == "start" and campaign.state == "ready":
            self.store.drop_targets(name)
            campaign.open(self._rows())  # those that are there now
        campaign.do(action)
        self._tell(campaign, action)
        self._advance(campaign)
        self.desk.commit()
        return self._view(campaign)

    def _remove(self, campaign):
        if campaign.state not in ("ready", "finished", "aborted"):
            raise ToolError("campaign %s is %s: abort it first" % (campaign.spec.name, campaign.state))
        name = campaign.spec.name
        del self._campaigns[name]
        self.store.drop_targets(name)
        self.store.drop("campaign", name)
        self._tell(campaign, "removed")
        self.desk.commit()
        return self._view(campaign)

    # -- what happens -------------------------------------------------------------------------------------------------

    @locked
    def remove_device(self, device_id):
        """Forget a device; campaigns go on without it."""
        self.known(device_id)
        for campaign in self._campaigns.values():
            campaign.leave(device_id)
            if campaign.dirty:
                self._keep(campaign)  # in the transaction that forgets the device
        super().remove_device(device_id)
        self._advance_touched()
        self.desk.commit()

    def arrive(self, device_id):
        """Let campaigns see a device that is new or has changed; the caller commits."""
        row = views.row(self.desk, device_id)
        for campaign in self._campaigns.values():
            if not campaign.ended:
                campaign.arrive(row)
                campaign.touched(device_id)
        self._advance_all()

    def _note(self, body, content_type, reply, started, address):
        """Take an exchange; campaigns go on in the same transaction."""
        profile = self.desk.profiles.get(self.dm.last_device)
        known = profile and (profile.model, profile.firmware)
        super()._note(body, content_type, reply, started, address)
        if known and (profile.model, profile.firmware) != known:
            self.arrive(self.dm.last_device)
        self._advance_touched()

    def _advance_touched(self):
        """Let campaigns see the orders that changed."""
        changed = {self.desk.orders[key] for key in self.desk.ended}
        self.desk.ended.clear()
        names = set()
        for order in changed:
            names |= self._touch(order)
        for name in names:
            self._advance(self._campaigns[name])

    def _touch(self, order):
        """Tell those that wait for the device, and the order's own campaign; return who is to go on."""
        found = {order.campaign} & set(self._campaigns)
        if order.word in ("done", "failed") and not order.told_end:
            self._tally[order.word] += 1
            order.told_end = True
        if order.result != "waiting":
            found |= {name for name, each in self._campaigns.items() if each.state == "running"}
        for name in found:
            self._campaigns[name].touched(order.device_id)
        return found

    def _advance_all(self):
        for campaign in list(self._campaigns.values()):
            self._advance(campaign)

    def _advance(self, campaign):
        """Let a campaign go on, and put what it decided."""
        before = campaign.state
        if not campaign.advance(time.time(), self._book):
            return
        self._keep(campaign)
        if campaign.state != before:
            self._tell(campaign, campaign.state)

    def _keep(self, campaign):
        name = campaign.spec.name
        self.desk.put("campaign", name, campaign.record())
        for record in campaign.take_dirty():
            self.store.put_target(name, record["device"], record)

    def _tell(self, campaign, what):
        text = "%s: %s" % (what, campaign.reason) if campaign.reason else what
        self.desk.events.add("campaign", text, campaign=campaign.spec.name, state=campaign.state)

    def undo(self):
        """Take back what could not be kept; campaigns are what the store says."""
        super().undo()
        self._campaigns = {name: self._restored(name, record) for name, record in self.store.records("campaign")}

    def wake_some(self):
        """Wake devices that have orders, a few at a time."""
        for device_id in list(self._to_wake)[:_WAKES]:
            del self._to_wake[device_id]
            if device_id in self.desk.devices:
                self._wake(device_id)


class _Book:
    """What the engine asks of the server; the lock is held, and the caller commits."""

    def __init__(self, office: Campaigns):
        self._office = office

    def place(self, campaign: str, device_id: str, group: str, attempt: int) -> str | None:
        """Order an update; None where the device is busy or paused."""
        office = self._office
        desk, spec = office.desk, office._campaign(campaign).spec
        if device_id not in desk.devices:
            raise ToolError("the device was removed")
        profile = desk.profile(device_id)
        if profile.paused or desk.order_under_way(device_id) is not None:
            return None
        order = office.new_order(
            device_id, spec.package, spec.method, confirm=spec.confirm, silent_s=spec.silent_h * 3600, campaign=campaign,
            group=group, attempt=attempt,
        )  # fmt: skip
        if spec.notify and profile.notify:
            office._to_wake[device_id] = None
        return order.order_id

    def stage(self, order_id: str) -> str:
        """Return where an order is."""
        order = self._office.desk.orders.get(order_id)
        return order.word if order else "failed"

    def outcome(self, order_id: str) -> Outcome | None:
        """Return how an order ended, None while it is under way."""
        order = self._office.desk.orders.get(order_id)
        if order is None:
            return _UNKNOWN
        if not order.finished or order.result == "cancelled":
            return None
        kind = "" if order.result in ("done", "found") else order.result + ": "
        code = order.code if order.result == "done" else order.exec_status if order.result == "refused" else None
        return Outcome(
            bool(order.success), code, "" if order.success else kind + (order.failure or "code %s" % order.code)
        )

    def cancel(self, order_id: str) -> bool:
        """Take an order back if nothing of it can have left."""
        order = self._office.desk.orders.get(order_id)
        return order is not None and self._office.cancel_waiting(order)
