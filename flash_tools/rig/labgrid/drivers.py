"""Drivers of boards that are programs: on this computer, power and console too; on another one, what stock drivers do not do."""

import fcntl
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import attr
from labgrid.driver import Driver
from labgrid.driver.consoleexpectmixin import ConsoleExpectMixin
from labgrid.factory import target_factory
from labgrid.protocol import ConsoleProtocol, PowerProtocol, ResetProtocol
from labgrid.step import step

from flash_tools.errors import BusyError, NotFoundError, ToolError
from flash_tools.rig import boards
from flash_tools.rig.labgrid.board_goods import BoardGoods
from flash_tools.rig.labgrid.protocol import FumoBoardProtocol
from flash_tools.rig.labgrid.wire import Wire

_FOLDER = Path("build") / "rig"
_CYCLE_S = 0.2
_ANSWER_S = 60
_MOST_BOARDS = 16


def take_folder(resource) -> tuple[Path, int]:
    """Return where a board's files are, and a lock on it: processes that run tests beside each other have a board each."""
    base = Path(resource.folder or _FOLDER / resource.kind)
    for number in range(1, _MOST_BOARDS + 1):
        folder = base.with_name("%s-%s-%d" % (base.name, resource.target.name, number))
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return folder, lock
        except BlockingIOError:
            os.close(lock)
    raise BusyError("%d boards like %s run already: end one of them" % (_MOST_BOARDS, base))


@attr.s(eq=False)
class ProgramDriver(
    BoardGoods, ConsoleExpectMixin, Driver, PowerProtocol, ResetProtocol, ConsoleProtocol, FumoBoardProtocol
):
    """A board that this process starts."""

    bindings = {"board": "FumoBoard"}
    kind = ""
    txdelay = attr.ib(default=0.0, validator=attr.validators.instance_of(float))
    txchunk = attr.ib(default=1, validator=attr.validators.instance_of(int))

    def on_activate(self):
        """Make the program's object; it has no power."""
        self._wire = Wire()
        folder, self._lock = take_folder(self.board)
        self.program = boards.make(self.kind, folder, self.board.micropython)
        self.program.on_bytes = self._wire.feed

    def on_deactivate(self):
        """Leave nothing behind."""
        self.program.close()
        os.close(self._lock)

    @Driver.check_active
    @step()
    def on(self):
        """Give power."""
        self.program.on()

    @Driver.check_active
    @step()
    def off(self):
        """Take power at once."""
        self.program.off()

    @Driver.check_active
    @step()
    def cycle(self):
        """Take power and give it back."""
        self.off()
        time.sleep(_CYCLE_S)
        self.on()

    @Driver.check_active
    @step()
    def reset(self):
        """Reset it the only way there is from outside."""
        self.cycle()

    @Driver.check_active
    def get(self) -> bool:
        """Tell whether it has power."""
        return self.program.runs

    @Driver.check_active
    @step()
    def renew(self, bundle, wishes, size=None):
        """Take its power and replace its files."""
        self.program.off()
        self.program.clear()
        for name, data in self.make_files(bundle, wishes, size).items():
            self.program.put(name, data)

    def address(self, port):
        """Return where notifications go: a board behind a forwarded port says another one than this computer has."""
        return super().address(self.program.notify_port or port)

    def _read(self, size=1, timeout=0.0, max_size=None):
        return self._wire.take(size, timeout, max_size)

    def _write(self, data):
        self.program.write(data)
        return len(data)


@target_factory.reg_driver
@attr.s(eq=False)
class SimBoardDriver(ProgramDriver):
    """A simulated device."""

    kind = "sim"


@target_factory.reg_driver
@attr.s(eq=False)
class EmulatedBoardDriver(ProgramDriver):
    """The emulated Linux board."""

    kind = "emulated"


@target_factory.reg_driver
@attr.s(eq=False)
class ServedBoardDriver(BoardGoods, Driver, FumoBoardProtocol):
    """A board that `python -m flash_tools.rig.serve` has, here or elsewhere; power and console are the stock drivers' matter."""

    bindings = {"board": "FumoBoard"}

    @Driver.check_active
    @step()
    def renew(self, bundle, wishes, size=None):
        """Take its power and replace its files."""
        self._ask("GET", "0")
        self._ask("DELETE", "files")
        for name, data in self.make_files(bundle, wishes, size).items():
            self._ask("PUT", "files/" + name, data)

    def address(self, port):
        """Return where notifications go: to the computer that has the board."""
        if self.board.notify:
            return super().address(port)
        return urlsplit(self.board.url).hostname, int(self._ask("GET", "notify") or port)

    def _ask(self, method, path, body=None):
        if not self.board.url:
            raise NotFoundError("the board has no url: say in its FumoBoard where the board server answers")
        url = "%s/%s" % (self.board.url.rstrip("/"), path)
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=_ANSWER_S) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as e:
            raise ToolError("%s: %s" % (url, e.read().decode(errors="replace"))) from None
        except (OSError, ValueError) as e:
            raise NotFoundError("no board server answers at %s: %s" % (url, e)) from None
