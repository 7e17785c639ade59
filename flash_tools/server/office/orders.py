"""Orders: an update of one device, from being placed to its end."""

import secrets
import time

from flash_tools.errors import ToolError
from flash_tools.server import views
from flash_tools.server.office.base import Base, locked
from flash_tools.server.orders import Order

_QUESTION_MOST = 255
_LOOK_S = 0.5


class Orders(Base):
    """What people and campaigns do with orders."""

    @locked
    def place(
        self, device_id: str, package: str | None, method="download-and-update", *, confirm=None, notify=True,
        descriptor=True,
    ) -> str:  # fmt: skip
        """Order an update; return the order's id."""
        order = self.new_order(device_id, package, method, confirm=confirm, descriptor=descriptor)
        self.desk.commit()
        if notify and self.desk.profile(device_id).notify:
            self._wake(device_id)
        return order.order_id

    def new_order(self, device_id, package, method, *, confirm=None, descriptor=True, silent_s=None, **more) -> Order:
        """Add an order; the caller holds the lock and commits."""
        busy = self.desk.order_under_way(self.known(device_id))
        if busy is not None:
            raise ToolError("%s is busy with order %s: wait for its end, or cancel it" % (device_id, busy.order_id))
        if package is None and method != "update":
            raise ToolError("name the package of the order")
        if confirm is not None and not 0 < len(confirm) <= _QUESTION_MOST:
            raise ToolError("a question to the user has 1 to %d characters" % _QUESTION_MOST)
        order_id, token = secrets.token_hex(8), secrets.token_urlsafe(12)
        url = version = None
        if package is not None:
            found = self.desk.shelf.get(package)
            if method == "push" and not found.data:
                raise ToolError("%s is served elsewhere and cannot be pushed: take another method" % package)
            url, version = found.private_url(token, descriptor), found.facts.get("version", "")
        order = Order(
            order_id, device_id, method, order_id, package, url, confirm, None, version=version or "", token=token,
            choose=descriptor, settle_s=self.settle_s, silent_s=self.silent_s if silent_s is None else silent_s, **more,
        )  # fmt: skip
        self.desk.add_order(order)
        self._note_model(order)
        self.desk.events.add(
            "ordered", "%s by %s" % (package, method), device=device_id, order=order_id, campaign=order.campaign,
            attempt=order.attempt,
        )  # fmt: skip
        return order

    def _note_model(self, order):
        """Say where a package seems to be for other devices; the device decides, by what it was provisioned with."""
        model = self.desk.profile(order.device_id).model
        models = self.desk.shelf.get(order.package).facts.get("models", ()) if order.package else ()
        if model and models and model not in models:
            text = "%s is for %s, and the device says that it is a %s" % (order.package, ", ".join(models), model)
            self.desk.events.add("notice", text, device=order.device_id, order=order.order_id)

    def _wake(self, device_id):
        """Wake a device as well as one can; it comes by itself in the end."""
        try:
            self.send_notification(device_id)
        except ToolError as error:
            self.desk.events.add("notice", "no package 0: %s" % error, device=device_id)
            self.desk.commit()

    def the_order(self, order_id: str) -> Order:
        """Return an order, or say that it is not there."""
        if order_id not in self.desk.orders:
            raise ToolError("there is no order %s" % order_id[:64])
        return self.desk.orders[order_id]

    @locked
    def order(self, order_id: str) -> dict:
        """Return an order."""
        return views.order(self.desk, self.the_order(order_id))

    @locked
    def orders(self, device_id="", campaign="", state="", limit=500) -> list[dict]:
        """Return orders, the newest first."""
        found = self.desk.orders_of(device_id) if device_id else self.desk.orders.values()
        found = [
            each for each in found
            if (not campaign or each.campaign == campaign) and (not state or each.word == state)
        ]  # fmt: skip
        return [views.order(self.desk, each) for each in reversed(found[-limit:])]

    def wait(self, order_id: str, timeout: float = 60) -> dict:
        """Wait for the end of an order; it is as it is where the time was too short."""
        deadline = time.monotonic() + timeout
        with self.desk.changed:
            order = self.the_order(order_id)
            while not order.finished and (left := deadline - time.monotonic()) > 0:
                self.desk.changed.wait(min(_LOOK_S, left))
            return views.order(self.desk, order)

    @locked
    def cancel(self, order_id: str) -> str:
        """Cancel an order that has not left yet; say what became of that."""
        order = self.the_order(order_id)
        done = self.cancel_waiting(order)
        self.desk.commit()
        return "cancelled" if done else "too late: it is %s" % order.word

    def cancel_waiting(self, order: Order) -> bool:
        """Cancel an order if nothing of it can have left; the caller commits."""
        if order.result != "waiting" or order.offered:
            return False
        order.finish("cancelled")
        self.desk.follow(order)
        return True
