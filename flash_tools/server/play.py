"""The policy that plays orders: the numbered steps of both update scenarios as packages of commands, session by session.

x, the root of the firmware object, is found by its Type. Every decision is in the order's stage, so that a session that
breaks, or a server that starts again, goes on where it was.
"""

from flash_tools.server.dm_commands import Alert, Exec, Get, Item, Replace
from flash_tools.server.orders import KINDS, REQUESTS, Order, Task, read_report

MOI = "urn:oma:mo:oma-fumo:1."
_OLD_MOI = "org.openmobilealliance/1.0/FirmwareUpdateManagementObject"
_VERSION, _LARGE = "./DevDetail/FwV", "./DevDetail/LrgObj"
_STRUCTURE = ".?list=Struct"
_ENVELOPE = 1024  # bytes of a message round one object, which may travel in base64
_MIN_DISPLAY = "MINDT=10"


class Play:
    """What DmServer asks; `desk` keeps the orders (see desk.py)."""

    def __init__(self, desk):
        self._desk = desk

    def packages(self, session):
        """Yield the packages of commands of one session."""
        played = set()
        while (step := self._next(session, played)) is not None:
            yield from step

    def _next(self, session, played):
        """Return what comes next, None for nothing; each thing is begun once a session."""
        device_id = session.device.device_id
        for order in self._desk.orders_of(device_id):
            if order.wants_look and (order, "look") not in played:
                played.add((order, "look"))
                return self._look_back(order, session)
        for task in self._desk.tasks_of(device_id):
            if task not in played:
                played.add(task)
                return self._do_task(task)
        for order in self._desk.orders_of(device_id):
            if order.is_due and (order, order.stage) not in played:
                played.add((order, order.stage))
                order.note_session(session.session_id)
                return self._play(order, session)
        return None

    def _do_task(self, task: Task):
        yield task.commands
        task.done = True

    def _play(self, order: Order, session):
        if order.stage == "waiting":
            yield from self._begin(order, session)
        else:
            yield from self._exec(order, "Update", order.update_correlator)

    def _begin(self, order, session):
        """Steps 4 to 11 of the scenarios."""
        large = yield from self._look(order)
        if order.fumo is None:
            return order.finish("refused", failure="the device has no firmware update object")
        if order.confirm is not None and not (yield from self._confirm(order)):
            return None
        if order.method == "push":
            yield from self._push(order, session, large)
        elif order.method == "update":
            yield from self._exec(order, "Update", order.correlator)
        else:
            yield from self._point(order)
        return None

    # -- steps 4 and 5 ------------------------------------------------------------------------------------------------

    def _look(self, order):
        """Read the version, and find x: where it was or is said to be, in the whole tree, or below the root one by one.

        Return whether the device takes large objects.
        """
        hint = self._desk.root_of(order)
        details = [_VERSION] + ([_LARGE] if order.method == "push" else [])
        found = yield from self._get(order, *details, _type_of(hint) if hint else _STRUCTURE)
        order.firmware_before, large = found.text(_VERSION), found.text(_LARGE) != "false"
        root = hint if hint and _is_fumo(found.text(_type_of(hint)) or "") else None
        if root is None and hint:
            found = yield from self._get(order, _STRUCTURE)
        root = root or next((each.source for each in found.results if _is_fumo(each.type)), None)
        if root is None:
            root = yield from self._search(order)
        order.fumo = root
        if root:
            self._desk.found_root(order.device_id, root)
        return large

    def _search(self, order):
        """Ask each node below the root for its Type: not every client knows ?list."""
        found = yield from self._get(order, ".")
        names = [name for name in (found.text(".") or "").split("/") if name]
        if not names:
            return None
        found = yield from self._get(order, *(_type_of("./" + name) for name in names))
        return next(("./" + name for name in names if _is_fumo(found.text(_type_of("./" + name)) or "")), None)

    def _get(self, order, *uris):
        command = Get(uris)
        yield [command]
        _note(order, command)
        return _Found(command.results)

    def _look_back(self, order, session):
        """Read version and State in the session that brought the report."""
        order.note_session(session.session_id)
        state = "%s/State" % order.fumo if order.fumo else None
        found = yield from self._get(order, _VERSION, *([state] if state else []))
        order.firmware_version, order.state = found.text(_VERSION), found.text(state)
        order.verified = True

    # -- steps 6 to 9 -------------------------------------------------------------------------------------------------

    def _confirm(self, order):
        question = Alert(1101, [_MIN_DISPLAY, order.confirm])
        yield [question]
        _note(order, question)
        if question.status == 200:
            return True
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
        if replace.status is None:
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
        report = read_report(alert, session.session_id)
        if report.kind in REQUESTS:
            return desk.take_request(device_id, report)
        if report.kind not in KINDS:
            return 200
        return desk.take_report(device_id, report)


class _Found:
    """The Results of a Get."""

    def __init__(self, results):
        self.results = results

    def text(self, uri) -> str | None:
        """Return a value as text, None where there was none."""
        for each in self.results:
            if uri and each.source.removeprefix("./") == uri.removeprefix("./"):
                return each.data.decode("utf-8", "replace").strip()
        return None


def _type_of(uri):
    return uri + "?prop=Type"


def _is_fumo(kind):
    return kind.strip().startswith(MOI) or kind.strip() == _OLD_MOI


def _note(order, command):
    """Note the statuses that a command got."""
    for target, code in (command.statuses or {"": command.status}).items():
        order.statuses.append((command.tag_name, target, code))
