"""The policy that plays orders: the numbered steps of both update scenarios as packages of commands, session by session.

Every decision is in the order's stage, so that a session that breaks, or a server that starts again, goes on where it was.
What is read of the tree, and x among that, is look.py's matter.
"""

import time

from flash_tools.server.dm.commands import Alert, Exec, Item, Replace
from flash_tools.server.look import LARGE, VERSION, Look
from flash_tools.server.orders import Order
from flash_tools.server.reports import KINDS, REQUESTS, read_report
from flash_tools.server.tasks import Task

_ENVELOPE = 1024  # bytes of a message round one object, which may travel in base64
_MIN_DISPLAY = "MINDT=10"
GENERIC = 1226
_MOST_STATUSES, _TARGET = 200, 255  # that an order remembers, characters of each target


class Play:
    """What DmServer asks; `desk` keeps the orders (see desk.py). With `inventory` more is read than the orders need."""

    def __init__(self, desk, inventory: bool = False):
        self._desk, self._inventory = desk, inventory
        self._look = Look(desk)

    def packages(self, session):
        """Yield the packages of commands of one session."""
        played = set()
        while (step := self._next(session, played)) is not None:
            yield from step

    def _next(self, session, played):
        """Return what comes next, None for nothing; each thing is begun once a session."""
        device_id = session.device.device_id
        for key, begin in self._wanted(device_id, session):
            if key not in played:
                played.add(key)
                return begin()
        return None

    def _wanted(self, device_id, session):
        """Yield (what, how to begin with it), the most urgent first."""
        orders = [order for order in self._desk.orders_of(device_id) if not order.settled]
        for order in orders:
            if order.wants_look:
                yield (order, "look"), lambda order=order: self._look_back(order, session)
        for task in self._desk.tasks.of(device_id):
            yield task, lambda task=task: self._do_task(task)
        if self._desk.profile(device_id).paused:
            return
        for order in orders:
            if order.is_due:
                yield (order, order.stage), lambda order=order: self._play(order, session)
            elif order.is_silent(time.time()):
                yield (order, "silent"), lambda order=order: self._look.silent(order)
        if self._inventory and self._look.wants_inventory(device_id):
            yield "inventory", lambda: self._look.inventory(device_id)

    def _look_back(self, order, session):
        order.note_session(session.session_id)
        return self._look.back(order, self._inventory)

    def _do_task(self, task: Task):
        yield task.commands
        task.done = True
        for command in task.commands:
            self._desk.note_values(task.device_id, command)

    def _play(self, order: Order, session):
        order.note_session(session.session_id)
        order.holder = session
        due = order.stage != "waiting"
        for commands in self._exec(order, "Update", order.update_correlator) if due else self._begin(order, session):
            if order.holder is not session:
                return  # a later session of the device has taken it over
            yield commands

    def _begin(self, order, session):
        """Steps 4 to 11 of the scenarios."""
        details = [VERSION] + ([LARGE] if order.method == "push" else [])
        hint = self._desk.root_of(order)
        found, order.fumo = yield from self._look.version_and_root(
            order.device_id, hint, details, lambda command: _note(order, command)
        )
        large = found.text(LARGE) != "false"
        if not order.offered:
            order.firmware_before = found.text(VERSION)
        if order.fumo is None:
            return order.finish("refused", failure="the device has no firmware update object")
        if order.result != "waiting":
            return None  # cancelled meanwhile
        if order.choose and not order.offered and order.version and order.firmware_before == order.version:
            return order.finish("found")  # it runs that already
        self._desk.choose_package(order, order.firmware_before or "")
        if order.confirm is not None and not (yield from self._confirm(order)):
            return None
        if order.method == "push":
            yield from self._push(order, session, large)
        elif order.method == "update":
            yield from self._exec(order, "Update", order.correlator)
        else:
            yield from self._point(order)
        return None

    # -- steps 6 to 9 -------------------------------------------------------------------------------------------------

    def _confirm(self, order):
        question = Alert(1101, [_MIN_DISPLAY, order.confirm])
        yield [question]
        _note(order, question)
        if question.status == 200:
            return order.result == "waiting"
        if question.status is not None:
            order.finish("declined", failure="the question was answered with %d" % question.status)
        return False

    # -- steps 10 and 11 ----------------------------------------------------------------------------------------------

    def _push(self, order, session, large):
        """Scenario 1: the package travels in the management session."""
        package = self._desk.package_of(order)
        if not large and len(package.data) * 4 // 3 + _ENVELOPE > (session.message_max or 0):
            return order.finish("refused", failure="the device takes no large objects (DevDetail/LrgObj)")
        target = order.fumo + "/Update/PkgData"
        replace = Replace(Item(target, package.data, format="bin", type=package.content_type))
        yield [replace]
        _note(order, replace)
        if not replace.sent and replace.status == 413:
            text = "a package of %d bytes is more than the device takes (MaxObjSize %s)"
            return order.finish("refused", failure=text % (len(package.data), session.object_max))
        if replace.status is None or order.result != "waiting":
            return None
        if replace.status != 200:
            return order.finish("refused", failure="PkgData was answered with %d" % replace.status)
        order.stage = "pushed"
        yield from self._exec(order, "Update", order.correlator)
        return None

    def _point(self, order):
        """Scenario 2: the device is told where the package is."""
        node = "DownloadAndUpdate" if order.method == "download-and-update" else "Download"
        url = Replace(Item("%s/%s/PkgURL" % (order.fumo, node), order.url, format="chr"))
        yield from self._exec(order, node, order.correlator, url)

    def _exec(self, order, node, correlator, *before):
        command = Exec(["%s/%s" % (order.fumo, node)], correlator)
        order.offered = True  # kept before the bytes leave
        yield [*before, command]
        for each in (*before, command):
            _note(order, each)
        if order.result != "waiting" or command.status is None:
            return
        order.exec_status = command.status
        if command.status == 202:
            order.stage = "accepted"
        elif command.status == 200:
            order.finish("done", 200)  # it was done at once
        else:
            order.finish("refused", failure="the Exec was answered with %d" % command.status)

    # -- what devices report ------------------------------------------------------------------------------------------

    def alert_status(self, session, alert) -> int:
        """Take a Generic Alert; return the Status that it gets."""
        desk, device_id = self._desk, session.device.device_id
        if alert.code != GENERIC:
            return 406  # no client event is ours
        report = read_report(alert, session.session_id, time.time())
        if report.kind in REQUESTS:
            return desk.intake.take_request(device_id, report)
        if report.kind not in KINDS:
            return 200
        return 412 if report.code < 0 else desk.intake.take_report(device_id, report)


def _note(order, command):
    """Note the statuses that a command got."""
    for target, code in (command.statuses or {"": command.status}).items():
        order.statuses = [*order.statuses[-_MOST_STATUSES:], (command.tag_name, target[:_TARGET], code)]
