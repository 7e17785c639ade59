"""One management server of a world: what it commands, session by session, and what Status it gives to alerts.

It knows of the device only what came over the wire: an Exec whose Status it never saw goes out again.
"""

from flash_tools.server.dm.commands import Alert, Exec, Get, Item, Replace
from flash_tools.server.reports import KINDS as REPORTS
from flash_tools.server.reports import REQUESTS, read_report
from tests.soak import goods
from tests.soak.plan import KINDS

_ROOT = "./FUMO/"
_FILE = "application/vnd.fumo-agent.package"


class Task:
    """An order, and how far the server is with it."""

    def __init__(self, number, order, url):
        self.number, self.order, self.url = number, order, url
        self.wanted = not order.held_back
        self.stage = "new"  # "pushed", "downloaded": the Exec Update is due; "given", "over"
        self.status = None  # of the last Exec
        self.codes = []  # of its alerts
        self.asked = False

    @property
    def due(self):
        """Tell whether the device is to be told something."""
        return self.wanted and self.stage in ("new", "pushed", "downloaded")

    @property
    def over(self):
        """Tell whether this server has nothing more to say about it."""
        return not self.wanted or not self.due


class Policy:
    """What a DmServer asks; `world` hears of alerts."""

    def __init__(self, name, plan, world):
        self.name, self._plan, self._world = name, plan, world
        self.tasks = [
            Task(number, order, world.url_of(number, order))
            for number, order in enumerate(plan.orders)
            if order.server == name
        ]
        self._codes = list(plan.alert_codes)

    def packages(self, session):
        """Yield the packages of one session."""
        played = set()
        while (task := self._next(played)) is not None:
            played.add((task, task.stage))
            yield from self._play(task)

    def alert_status(self, session, alert):
        """Take a Generic Alert."""
        report = read_report(alert, session.session_id)
        if report.kind in REQUESTS:
            return self._plan.request_code
        if report.kind not in REPORTS:
            return 200
        code = self._codes.pop(0) if self._codes else 200
        self._world.reported(self, report, code)
        for task in self.tasks:
            if task.order.correlator == report.correlator and self._matches(task, report):
                self._take(task, report)
        return code

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _matches(self, task, report):
        kinds = {"dau": ("downloadandupdate",), "download": ("download", "update"), "fetch": ("download",)}
        return task.wanted and report.kind in kinds.get(task.order.method, ("update",))

    def _take(self, task, report):
        task.codes.append(report.code)
        if task.order.method == "download" and report.kind == "download" and 200 <= report.code < 300:
            if task.stage in ("new", "given"):
                task.stage = "downloaded"
        else:
            task.stage = "over"

    def _next(self, played):
        for task in self.tasks:
            if task.due and (task, task.stage) not in played:
                return task
            if task.wanted and task.stage == "given" and not self._overtaken(task):
                return None
        return None

    def _overtaken(self, task):
        """Tell whether a later order is to take the place of this one while that goes on."""
        return any(other.number > task.number and other.order.held_back and other.wanted for other in self.tasks)

    def _play(self, task):
        order = task.order
        if order.ask and not task.asked:
            question = Alert(1101, ["MINDT=10", "Install it?"])
            yield [question]
            if question.status != 200:
                task.stage = "over" if question.status else task.stage
                return
            task.asked = True
        yield [Get(["./DevDetail/FwV", _ROOT + "State", _ROOT + "PkgVersion"])]
        if order.method == "push" and task.stage == "new":
            yield from self._push(task)
            if task.stage != "pushed":
                return
        node = "Update" if task.stage != "new" else KINDS[order.method]
        before = []
        if order.replace and node != "Update":
            before = [Replace(Item("%s%s/PkgURL" % (_ROOT, node), task.url, format="chr"))]
        if order.method == "stale":
            before = [Replace(Item(_ROOT + "Download/PkgURL", task.url, format="chr"))]
        yield from self._exec(task, _ROOT + node, before)

    def _push(self, task):
        order = task.order
        data = goods.package(order.version, order.behaviour, order.encoding, order.flaw, order.size)
        command = Replace(Item(_ROOT + "Update/PkgData", data, format="bin", type=_FILE))
        yield [command]
        task.status = command.status
        if command.status is not None:
            task.stage = "pushed" if command.status == 200 else "over"

    def _exec(self, task, node, before):
        command = Exec([node], task.order.correlator)
        stage = task.stage
        yield [*before, command]
        task.status = command.status
        if command.status is not None and task.stage == stage:
            task.stage = "given" if command.status == 202 else "over"
            self._world.answered(task)
