"""The management and download server of the bench as a driver: a new one for each scenario, where the boards can reach it."""

import attr
from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.step import step

from flash_tools.server.bench import BenchServer
from flash_tools.server.pki import NAMES, Authority

_SEEN_AS = {"emulated": "10.0.2.2"}  # QEMU's network has this computer's loopback there


@target_factory.reg_driver
@attr.s(eq=False)
class DmBenchDriver(Driver):
    """`server` is the BenchServer that runs, None before the first one."""

    bindings = {"bench": "DmBench", "board": {"FumoBoard", None}}

    def __attrs_post_init__(self):
        super().__attrs_post_init__()
        self.server: BenchServer | None = None

    def on_deactivate(self):
        """Stop."""
        self.close()

    @property
    def name_for_boards(self) -> str:
        """Return what the board calls this server."""
        return self.bench.known_as or _SEEN_AS.get(self.board.kind if self.board else "", "localhost")

    @Driver.check_active
    @step()
    def open(self, **options) -> BenchServer:
        """Stop the server that runs and start another one; `options` are those of BenchServer."""
        self.close()
        authority = Authority()
        certificate = authority.issue((self.name_for_boards, *(name for name in NAMES if name != self.name_for_boards)))
        given = {"authority": authority, "certificate": certificate, **options}
        self.server = BenchServer(host=self.bench.host, name=self.name_for_boards, **given).start()
        return self.server

    def close(self):
        """Stop the server that runs."""
        server, self.server = self.server, None
        if server:
            server.stop()
