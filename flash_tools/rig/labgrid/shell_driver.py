"""A real Linux board: its files go over SSH, and a command of its owner makes it anew from them."""

import shlex
import tempfile
from pathlib import Path

import attr
from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.step import step

from flash_tools.errors import ToolError
from flash_tools.rig.labgrid.board_goods import BoardGoods
from flash_tools.rig.labgrid.protocol import FumoBoardProtocol

_FOLDER = "/run/fumo-rig"
_RENEW_S = 600


@target_factory.reg_driver
@attr.s(eq=False)
class ShellBoardDriver(BoardGoods, Driver, FumoBoardProtocol):
    """`shell` and `copy` are SSHDriver as a rule; power and console are whatever the bench has."""

    bindings = {"board": "FumoBoard", "shell": "CommandProtocol", "copy": "FileTransferProtocol", "power": "PowerProtocol"}

    @Driver.check_active
    @step()
    def renew(self, bundle, wishes, size=None):
        """Start the board, put its files and run the command of its resource; its power goes again in the end."""
        if not self.board.renew:
            raise ToolError("the board has no `renew`: say in its FumoBoard what makes it anew from the files in {folder}")
        self.target.activate(self.power)
        self.power.on()
        self.target.activate(self.shell)
        self.shell.run_check("rm -rf %s && mkdir -p %s" % (_FOLDER, _FOLDER))
        with tempfile.TemporaryDirectory() as here:
            for name, data in self.make_files(bundle, wishes, size).items():
                self._put(Path(here) / Path(name).name, name, data)
        self.shell.run_check(self.board.renew.replace("{folder}", _FOLDER) + " && sync", timeout=_RENEW_S)
        self.target.deactivate(self.shell)  # its connection would not outlive the power
        self.power.off()

    def _put(self, file, name, data):
        there = "%s/%s" % (_FOLDER, name)
        file.write_bytes(data)
        self.shell.run_check("mkdir -p %s" % shlex.quote(there.rpartition("/")[0]))
        self.copy.put(str(file), there)

    def address(self, port):
        """Return where notifications go: to the board's own address."""
        if not self.board.notify:
            raise ToolError("say in the board's FumoBoard where its notifications go, as notify: HOST")
        return super().address(port)
