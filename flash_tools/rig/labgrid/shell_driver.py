"""A real Linux board: its files go over SSH, and a command of its owner makes it anew from them.

The shell is no binding: labgrid would open it before the board has power, and close this driver with it.
"""

import shlex
import tempfile
import time
from pathlib import Path

import attr
from labgrid.driver import Driver
from labgrid.driver.exception import ExecutionError
from labgrid.factory import target_factory
from labgrid.step import step

from flash_tools.errors import SilentError, ToolError
from flash_tools.rig.labgrid.board_goods import BoardGoods
from flash_tools.rig.labgrid.protocol import FumoBoardProtocol

_FOLDER = "/run/fumo-rig"
_RENEW_S = 600
_PAUSE_S = 2


@target_factory.reg_driver
@attr.s(eq=False)
class ShellBoardDriver(BoardGoods, Driver, FumoBoardProtocol):
    """The target has an SSHDriver, too, or what else gives a shell and takes files; `boot_s` is how long that may take to come."""

    bindings = {"board": "FumoBoard", "power": "PowerProtocol"}
    boot_s = attr.ib(default=120.0, converter=float)

    @Driver.check_active
    @step()
    def renew(self, bundle, wishes, size=None):
        """Start the board, put its files and run the command of its resource; its power goes again in the end."""
        if not self.board.renew:
            raise ToolError(
                "the board has no `renew`: say in its FumoBoard what makes it anew from the files in {folder}"
            )
        files = self.make_files(bundle, wishes, size)
        self.power.on()
        shell = self._shell()
        shell.run_check("rm -rf %s && mkdir -p %s" % (_FOLDER, _FOLDER))
        with tempfile.TemporaryDirectory() as here:
            for name, data in files.items():
                self._put(shell, Path(here) / Path(name).name, name, data)
        shell.run_check(self.board.renew.replace("{folder}", _FOLDER) + " && sync", timeout=_RENEW_S)
        self.target.deactivate(shell)  # its connection would not outlive the power
        self.power.off()

    def _shell(self):
        """Return the shell, once the board has come up."""
        deadline = time.monotonic() + self.boot_s
        while True:
            try:
                return self.target.get_driver("CommandProtocol")
            except ExecutionError as e:
                if time.monotonic() > deadline:
                    text = "the board has no shell %g s after its power came: %s"
                    raise SilentError(text % (self.boot_s, e.msg)) from None
            time.sleep(_PAUSE_S)

    def _put(self, shell, file, name, data):
        there = "%s/%s" % (_FOLDER, name)
        file.write_bytes(data)
        shell.run_check("mkdir -p %s" % shlex.quote(there.rpartition("/")[0]))
        self.target.get_driver("FileTransferProtocol").put(str(file), there)

    def address(self, port):
        """Return where notifications go: to the board's own address."""
        if not self.board.notify:
            raise ToolError("say in the board's FumoBoard where its notifications go, as notify: HOST")
        return super().address(port)
