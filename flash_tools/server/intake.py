"""Takes what devices say unasked: reports, requests for updates, install notifications; finds whose order each is about.

Whoever calls holds the desk's lock.
"""

from collections import Counter, deque
from dataclasses import asdict

from flash_tools.server.reports import KINDS, Report

_MOST = 10000  # reports, and requests, that are remembered


class Intake:
    """`desk` has the orders and keeps what comes of it."""

    def __init__(self, desk):
        self.reports: deque[tuple[str, Report]] = deque(maxlen=_MOST)  # (device id, report), those of no order too
        self.requests: deque[tuple[str, Report]] = deque(maxlen=_MOST)  # what users and devices asked for
        self.alert_answers: list[int] = []  # the Statuses of the next reports; 200 where there are none
        self.request_answers: list[int] = []
        self.codes: Counter = Counter()  # of reports
        self._desk = desk
        self._said: list = []  # events of the message at hand: they follow the event that the device is there

    def tell(self):
        """Note the events of the message at hand."""
        for kind, text, fields in self._said:
            self._desk.events.add(kind, text, **fields)
        self._said.clear()

    def forget(self):
        """Forget them: the message could not be kept."""
        self._said.clear()

    def take_report(self, device_id: str, report: Report) -> int:
        """Take what a device reports of an operation; return the Status of the alert."""
        code = self.alert_answers.pop(0) if self.alert_answers else 200
        if code >= 300:
            return code  # not taken: it will come again
        orders = self._desk.orders_of(device_id)
        order = next((each for each in reversed(orders) if each.matches(report)), None)
        if order is not None:
            order.note_session(report.session_id)
            order.take(report)
            self._desk.ended.add(order.order_id)
        self._note("report", device_id, report, order)
        self.reports.append((device_id, report))
        self.codes[report.code] += 1
        return code

    def take_request(self, device_id: str, report: Report) -> int:
        """Take a request for an update: 200 where commands follow in this session, 202 where not."""
        self.requests.append((device_id, report))
        self._note("request", device_id, report)
        if self.request_answers:
            return self.request_answers.pop(0)
        return 200 if any(order.is_due for order in self._desk.orders_of(device_id)) else 202

    def _note(self, kind, device_id, report, order=None):
        copy = bool(order and order.reports and order.reports[-1].copy)
        text = "asks for an update (%s)" % report.kind
        if report.kind in KINDS:
            text = "%s %d%s" % (report.kind, report.code, ", said before" if copy else "")
        keep = report.kind != "devicerequest"  # a poll: there may be thousands a day
        data = {**asdict(report), "copy": copy}
        self._said.append((kind, text, {**_names(device_id, order), "keep": keep, "report": data}))

    def take_notification(self, token: str, text: str) -> bool:
        """Take an install notification; tell whether somebody waits for it."""
        desk = self._desk
        order = desk.orders.get(token) or desk.order_of_token(token)
        package = desk.packages.get(order.package if order else token)
        if order is None and package is None:
            return False
        if order is not None:
            order.note_notification(text)
            desk.put_order(order)
        if package is not None:
            package.note_notification(token, text)
        desk.events.add("notification", text, **_names(order.device_id if order else "", order))
        desk.commit()
        return True


def _names(device_id, order):
    names = {"order": order.order_id, "campaign": order.campaign} if order else {}
    return {"device": device_id, **names}
