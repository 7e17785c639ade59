"""Keeps devices and orders of a running server, in memory and in the store; what devices report: intake.py.

`changed` is the lock of all of it: every method wants it held. Knows neither commands nor sockets.
"""

import json
import time
from threading import Condition

from flash_tools.errors import ToolError
from flash_tools.server.dm.device import Device
from flash_tools.server.events import Events
from flash_tools.server.intake import Intake
from flash_tools.server.orders import Order
from flash_tools.server.profiles import Profile
from flash_tools.server.shelf import Shelf
from flash_tools.server.store import Store
from flash_tools.server.task_list import TaskList
from flash_tools.server.tasks import shown
from flash_tools.server.transcript import Transcript
from flash_tools.server.undo import restore

_NONCES = ("client_nonce", "server_nonce")
_MOST_VALUES, _MOST_TEXT, _MOST_URI = 2000, 4096, 255  # of one answer


class Desk:
    """`base()` gives the URL that packages are below."""

    def __init__(self, store: Store, transcript: Transcript, base):
        self.changed = Condition()
        self.store, self.transcript = store, transcript
        self.events, self.shelf = Events(store), Shelf(store, base)
        self.intake = Intake(self)
        self.ended: set[str] = set()  # ids of orders that changed since somebody took them out of here
        self._unkept: set[tuple[str, str]] = set()  # (kind, id) of what was put since the last commit
        self._kept: dict = {}  # (kind, id) -> what the store has
        self.devices = {key: _device(record) for key, record in store.records("device")}
        self.profiles = {key: Profile(**record) for key, record in store.records("profile")}
        self.orders: dict[str, Order] = {}
        self.open: dict[str, Order] = {}  # those of which something may still change
        self._orders_of: dict[str, list[Order]] = {}
        self._keys: dict[tuple[str, str], Order] = {}  # by correlator, and by the token of the download
        self.tasks = TaskList(store, self.changed, transcript.secrets)
        self._load()

    @property
    def packages(self):
        """Return the packages by name."""
        return self.shelf.packages

    def _load(self):
        for _, record in self.store.records("order"):
            self._file(Order(**record))
        contacts = self.store.last_contacts()
        for device in self.devices.values():
            self._hide(device)
            profile = self.profile(device.device_id)
            profile.last_seen = max(filter(None, (profile.last_seen, contacts.get(device.device_id))), default=None)

    def _file(self, order):
        self.orders[order.order_id] = order.attach(self.changed, self.transcript)
        self._orders_of.setdefault(order.device_id, []).append(order)
        self._keys["correlator", order.correlator] = self._keys["token", order.token] = order
        if not order.settled:
            self.open[order.order_id] = order

    # -- keeping ------------------------------------------------------------------------------------------------------

    def put(self, kind: str, key: str, record: dict, told=None):
        """Put a record, if it is another than the store has; `told` is what of it is compared."""
        told = told or json.dumps(record)
        if self._kept.get((kind, key)) != told:
            self._kept[kind, key] = told
            self._unkept.add((kind, key))
            self.store.put_text(kind, key, told if isinstance(told, str) else json.dumps(record))

    def rollback(self, device_id: str = ""):
        """Take back what was put and could not be kept, and whatever else a message of that device has changed."""
        self.store.rollback()
        self._kept.clear()
        self.events.forget()
        self.intake.forget()
        restore(self, self._unkept, device_id)
        self._unkept.clear()

    def take_back(self, order: Order):
        """Forget an order that was never kept."""
        self._orders_of[order.device_id].remove(order)
        for key in (("correlator", order.correlator), ("token", order.token)):
            self._keys.pop(key, None)
        self.orders.pop(order.order_id)
        self.open.pop(order.order_id, None)
        self.ended.discard(order.order_id)

    def commit(self):
        """Keep what was put, then tell."""
        self.store.commit()
        self._unkept.clear()
        self.events.tell()
        self.changed.notify_all()

    def put_order(self, order: Order):
        """Put an order; whoever follows orders sees it."""
        self.put("order", order.order_id, order.record())
        self.ended.add(order.order_id)

    # -- devices ------------------------------------------------------------------------------------------------------

    @staticmethod
    def device_of(record: dict) -> Device:
        """Make a device of its record."""
        return _device(record)

    def add_device(self, device: Device):
        """Add a device, or put another in its place; the caller commits."""
        self.devices[device.device_id] = device
        self._hide(device)
        self.put("device", device.device_id, _record(device))

    def _hide(self, device):
        self.transcript.secrets |= {text for text in (device.client_secret, device.server_secret) if text}

    def remove_device(self, device_id: str):
        """Forget a device and what it said; its orders stay."""
        del self.devices[device_id]
        self.profiles.pop(device_id, None)
        for kind in ("device", "profile"):
            self._kept.pop((kind, device_id), None)
            self._unkept.add((kind, device_id))
        self.store.forget(device_id)
        self.commit()

    def profile(self, device_id: str) -> Profile:
        """Return what is known of a device."""
        if device_id not in self.profiles:
            self.profiles[device_id] = Profile(device_id)
        return self.profiles[device_id]

    def put_profile(self, profile: Profile):
        """Put what is known of a device; when it was last seen once a day: the rows of its sessions tell it better."""
        self.put("profile", profile.device_id, vars(profile), profile.told)

    # -- orders -------------------------------------------------------------------------------------------------------

    def add_order(self, order: Order) -> Order:
        """Add an order; it is kept with its correlator before anything of it leaves. The caller commits."""
        if order.device_id not in self.devices:
            raise ToolError("there is no device %s" % order.device_id)
        if order.correlator is not None and ("correlator", order.correlator) in self._keys:
            raise ToolError("the correlator %s belongs to another order" % order.correlator)
        self._file(order)
        self.put_order(order)
        return order

    def orders_of(self, device_id: str) -> list[Order]:
        """Return a device's orders, the oldest first."""
        return self._orders_of.get(device_id, [])

    def order_under_way(self, device_id: str) -> Order | None:
        """Return the order that a device is at, or is to begin with."""
        return next((order for order in self.orders_of(device_id) if order.result == "waiting"), None)

    def choose_package(self, order: Order, firmware: str):
        """Decide which package the device gets, now that it has said what it runs."""
        package = self.packages.get(order.package)
        if package is None or not order.choose or order.offered:
            return
        package = self.shelf.choose(package, firmware, full_only=order.attempt > 1)
        order.package, order.url = package.name, package.private_url(order.token, True)

    def root_of(self, order: Order) -> str | None:
        """Return where the device's firmware object should be."""
        return order.fumo or self.profile(order.device_id).root

    def found_root(self, device_id: str, root: str):
        """Remember where it is."""
        self.profile(device_id).root = root

    def package_of(self, order: Order):
        """Return an order's package."""
        return self.shelf.get(order.package)

    def note_values(self, device_id: str, command):
        """Keep the values that a device gave to a command; where it listed its structure, leaves without a value say nothing."""
        profile, at = self.profile(device_id), time.time()
        listed = any("?list=" in item.target for item in command.items)
        rows = {True: [], False: []}
        for each in command.results[:_MOST_VALUES]:
            text, named = shown(each.source, each.data[:_MOST_TEXT]), listed and not each.data
            rows[named].append((each.source[:_MOST_URI], text, each.format[:_MOST_URI], each.type[:_MOST_URI], at))
            if not named:
                profile.take_value(each.source, text.strip())
        for named, found in rows.items():
            self.store.put_nodes(device_id, found, named)

    # -- what devices say ---------------------------------------------------------------------------------------------

    def end_exchange(self, device_id: str):
        """Put what an exchange has changed; the caller commits before the answer leaves."""
        if device_id not in self.devices:
            return
        self.put("device", device_id, _record(self.devices[device_id]))
        self.intake.tell()
        for order in self.orders_of(device_id):
            if not order.settled or order.order_id in self.ended:
                self.follow(order)
        self.tasks.drop_done(device_id)

    def follow(self, order):
        """Put an order that may have changed, and note the steps that people want to see."""
        word = order.word
        if word != order.told:
            order.told = word
            order.note_time(word)
            self.events.add(
                "result" if word in ("done", "failed") else word, order.failure, device=order.device_id,
                order=order.order_id, campaign=order.campaign, code=order.code, firmware=order.firmware_version,
                package=order.package, version=order.version,
            )  # fmt: skip
        order.settled = order.finished
        if order.settled:
            self.open.pop(order.order_id, None)
        self.put_order(order)

    def order_of_token(self, token: str) -> Order | None:
        """Return the order whose download's secret it is."""
        return self._keys.get(("token", token)) if token else None


def _record(device):
    record = {name: value for name, value in vars(device).items() if name != "offered"}
    return record | {name: record[name].hex() for name in _NONCES if record[name] is not None}


def _device(record):
    return Device(**record | {name: bytes.fromhex(record[name]) for name in _NONCES if record[name] is not None})
