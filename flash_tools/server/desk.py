"""Keeps devices, packages, orders and reports of a running server, in memory and in the store.

`changed` is the lock of all of it: every method wants it held. Knows neither commands nor sockets.
"""

from dataclasses import asdict
from threading import Condition

from flash_tools.errors import ToolError
from flash_tools.server.dm_device import Device
from flash_tools.server.orders import Order, Report, Task
from flash_tools.server.packages import Package
from flash_tools.server.store import Store
from flash_tools.server.transcript import Transcript


class Desk:
    """`base()` gives the URL that packages are below."""

    def __init__(self, store: Store, transcript: Transcript, base):
        self.changed = Condition()
        self.reports: list[tuple[str, Report]] = []  # (device id, report), those of no order too
        self.requests: list[tuple[str, Report]] = []  # what users and devices asked for
        self.alert_answers: list[int] = []  # the Statuses of the next reports; 200 where there are none
        self.request_answers: list[int] = []
        self._store, self._transcript, self._base = store, transcript, base
        self._roots: dict[str, str] = {}  # device id -> x
        self._tasks: list[Task] = []
        self.devices = {device.device_id: device for device in store.devices()}
        self.packages = {name: self._package(name, data, record) for name, data, record in store.packages()}
        self.orders = [Order(**record).attach(self.changed, transcript) for record in store.orders()]
        for device in self.devices.values():
            self._hide(device)

    def _package(self, name, data, record):
        descriptor = record["descriptor"]
        descriptor = descriptor.encode("latin-1") if isinstance(descriptor, str) else descriptor
        return Package(name, data, descriptor, self._base, record["content_type"])

    def add_device(self, device: Device):
        """Add a device, or put another in its place."""
        self.devices[device.device_id] = device
        self._hide(device)
        self._store.put_device(device)
        self._store.commit()

    def _hide(self, device):
        self._transcript.secrets |= {text for text in (device.client_secret, device.server_secret) if text}

    def add_package(self, name: str, data: bytes, descriptor, content_type: str) -> Package:
        """Add a package, or put another in its place."""
        kept = descriptor.decode("latin-1") if isinstance(descriptor, bytes) else descriptor
        self._store.put_package(name, data, {"descriptor": kept, "content_type": content_type})
        self._store.commit()
        self.packages[name] = Package(name, data, descriptor, self._base, content_type)
        return self.packages[name]

    def add_order(self, order: Order) -> Order:
        """Add an order; it is kept with its correlator before anything of it leaves."""
        if order.device_id not in self.devices:
            raise ToolError("there is no device %s" % order.device_id)
        if order.correlator is not None and any(order.correlator == each.correlator for each in self.orders):
            raise ToolError("the correlator %s belongs to another order" % order.correlator)
        self.orders.append(order.attach(self.changed, self._transcript))
        self._put(order)
        self._store.commit()
        return order

    def _put(self, order):
        self._store.put_order(order.order_id, order.device_id, order.correlator, order.record())

    def add_task(self, device_id: str, commands: list) -> Task:
        """Add commands for the next session."""
        self._tasks.append(Task(device_id, commands, self.changed))
        return self._tasks[-1]

    def end_exchange(self, device_id: str):
        """Keep what an exchange has changed, before its answer leaves."""
        if device_id in self.devices:
            self._store.put_device(self.devices[device_id])
        for order in self.orders_of(device_id):
            self._put(order)
        self._store.commit()
        self._tasks = [task for task in self._tasks if not task.done]
        self.changed.notify_all()

    def orders_of(self, device_id: str) -> list[Order]:
        """Return a device's orders, the oldest first."""
        return [order for order in self.orders if order.device_id == device_id]

    def tasks_of(self, device_id: str) -> list[Task]:
        """Return what else a device is to be commanded."""
        return [task for task in self._tasks if task.device_id == device_id and not task.done]

    def root_of(self, order: Order) -> str | None:
        """Return where the device's firmware object should be."""
        return order.fumo or self._roots.get(order.device_id)

    def found_root(self, device_id: str, root: str):
        """Remember where it is."""
        self._roots[device_id] = root

    def package_of(self, order: Order) -> Package:
        """Return an order's package."""
        return self.packages[order.package]

    # -- what devices say ---------------------------------------------------------------------------------------------

    def take_report(self, device_id: str, report: Report) -> int:
        """Take what a device reports of an operation; return the Status of the alert."""
        code = self.alert_answers.pop(0) if self.alert_answers else 200
        if code >= 300:
            return code  # not taken: it will come again
        order = next((each for each in reversed(self.orders_of(device_id)) if each.matches(report)), None)
        if order is not None:
            order.note_session(report.session_id)
            order.take(report)
        self.reports.append((device_id, report))
        self._store.add_alert(device_id, report.correlator, asdict(report))
        return code

    def take_request(self, device_id: str, report: Report) -> int:
        """Take a request for an update: 200 where commands follow in this session, 202 where not."""
        self.requests.append((device_id, report))
        self._store.add_alert(device_id, report.correlator, asdict(report))
        if self.request_answers:
            return self.request_answers.pop(0)
        return 200 if any(order.is_due for order in self.orders_of(device_id)) else 202

    def take_notification(self, token: str, text: str) -> bool:
        """Take an install notification; tell whether somebody waits for it."""
        order = next((each for each in self.orders if each.order_id == token), None)
        package = self.packages.get(order.package if order else token)
        if order is None and package is None:
            return False
        if order is not None:
            order.notifications.append(text)
            self._put(order)
        if package is not None:
            package.notifications.append((token, text))
        self._store.add_notification(token, text)
        self._store.commit()
        self.changed.notify_all()
        return True
