"""FumoStrategy: brings a board into a named state of an update, from whatever state it is in.

Power is the way back from everywhere: unlike other strategies this one does not refuse to go on after a transition that failed,
because a board that did not do what it should is what it is there to find.
"""

import enum
import os
from pathlib import Path

import attr
from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.step import step
from labgrid.strategy import Strategy, StrategyError

from flash_tools.rig.labgrid import bench_driver  # noqa: F401 - makes its name known
from flash_tools.rig.labgrid.listener import Listener
from flash_tools.rig.wishes import Wishes

_LOGS = Path("build") / "rig" / "consoles"
_NEXT = "2.0"


class Status(enum.Enum):
    """What a board can be brought to."""

    unknown = 0
    off = 1
    confirmed = 2  # renewed; the firmware that it had first runs and waits
    updating = 3  # an update is being downloaded
    trial = 4  # its firmware runs on trial
    updated = 5  # it was kept, and the server was told
    rolled_back = 6  # an update did not work; the firmware of before runs, and the server was told


@target_factory.reg_driver
@attr.s(eq=False)
class FumoStrategy(Strategy):
    """`boot_s` is how long a board may take to its agent's first word, `update_s` to the end of an update."""

    bindings = {
        "board": "FumoBoardProtocol",
        "power": "PowerProtocol",
        "console": "ConsoleProtocol",
        "dm": {"DmBenchDriver", None},
    }
    boot_s = attr.ib(default=60.0, converter=float)
    update_s = attr.ib(default=120.0, converter=float)
    status = attr.ib(default=Status.unknown)

    def __attrs_post_init__(self):
        super().__attrs_post_init__()
        self.listener: Listener | None = None
        self.order = None  # the last one that a transition made

    # -- states -------------------------------------------------------------------------------------------------------

    @step(args=["status"])
    def transition(self, status, *, step):
        """Bring the board into that state; it is done anew where the board is there already, except for off."""
        status = self._named(status)
        if status == self.status == Status.off:
            step.skip("nothing to do")
            return
        self.status = Status.unknown
        {
            Status.off: self._off,
            Status.confirmed: self._confirmed,
            Status.updating: self._updating,
            Status.trial: self._trial,
            Status.updated: self._updated,
            Status.rolled_back: self._rolled_back,
        }[status]()
        self.status = status

    @step(args=["status"])
    def force(self, status):
        """Believe that the board is in that state, during development: `--lg-initial-state`."""
        self.status = self._named(status)
        self._listen()

    def _named(self, status):
        found = status if isinstance(status, Status) else Status.__members__.get(str(status))
        if found is None or found == Status.unknown:
            names = ", ".join(name for name in Status.__members__ if name != "unknown")
            raise StrategyError("there is no state %s, only %s" % (status, names))
        return found

    # -- what scenarios and transitions are made of -------------------------------------------------------------------

    @Driver.check_bound
    def fresh(self, wishes: Wishes, server, device_id: str, auth=("auto", "auto"), size: int | None = None):
        """Make it a new board with an account at the server, without power, and listen to it."""
        self.transition("off")
        self.target.activate(self.board)
        self.board.renew(server.add_device(device_id, *auth), wishes, size)
        self._listen()

    def start(self) -> tuple[str, int]:
        """Give it power and wait for its agent; return where its notifications go."""
        before = len(self.listener.lines)
        self.status = Status.unknown
        self.listener.power_comes()
        self.power.on()
        line = self.listener.wait_for("listening", since=before, timeout_s=self.boot_s)
        return self.board.address(int(line.split()[1]))

    # -- transitions --------------------------------------------------------------------------------------------------

    def _off(self):
        self.target.activate(self.power)
        self.power.off()
        if self.listener:
            self.listener.stop()
            self.listener = None

    def _confirmed(self):
        if self.dm is None:
            raise StrategyError("this state needs a server: give the target DmBench and DmBenchDriver")
        self.target.activate(self.dm)
        self.fresh(Wishes(user="yes"), self.dm.open(), self.board.device_id)
        self._address = self.start()
        boot = self.listener.wait_for("boot")
        if " confirmed version %s " % self.board.old not in boot:
            raise StrategyError("a renewed board should run %s, not: %s" % (self.board.old, boot))

    def _updating(self, behaviour="good"):
        self._confirmed()
        package = self.dm.server.add_package(self.board.update(_NEXT, behaviour))
        self.order = self.dm.server.order(self.board.device_id, package, notify=self._address)
        self.listener.wait_for("state 30", timeout_s=self.update_s)

    def _trial(self):
        self._updating()
        self.listener.wait_for("boot 2 bank 1 trial", timeout_s=self.update_s)

    def _updated(self):
        self._updating()
        self._ended(200, _NEXT)

    def _rolled_back(self):
        self._updating("crash")
        self._ended(410, self.board.old)

    def _ended(self, code, version):
        outcome = self.order.wait(self.update_s)
        if (outcome.code, outcome.firmware_version) != (code, version):
            raise StrategyError(
                "the update ended with %s and %s, not with %d and %s; %s"
                % (outcome.code, outcome.firmware_version, code, version, self.listener.last())
            )

    def _listen(self):
        self.target.activate(self.power)
        self.target.activate(self.console)
        if not self.listener:
            name = "-".join(filter(None, (self.target.name, os.environ.get("PYTEST_XDIST_WORKER"), str(os.getpid()))))
            self.listener = Listener(self.console, _LOGS / (name + ".log"))
