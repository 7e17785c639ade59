"""The management and download server of the bench as a driver: a new one for each scenario, where the boards can reach it."""

import attr
from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.step import step

from flash_tools.server.bench import BenchServer
from flash_tools.server.pki import NAMES, Authority


@target_factory.reg_driver
@attr.s(eq=False)
class DmBenchDriver(Driver):
    """`server` is the BenchServer that runs, None before the first one."""

    bindings = {"bench": "DmBench"}

    def __attrs_post_init__(self):
        super().__attrs_post_init__()
        self.server: BenchServer | None = None

    def on_deactivate(self):
        """Stop."""
        self.close()

    @Driver.check_active
    @step()
    def open(self, **options) -> BenchServer:
        """Stop the server that runs and start another one; `options` are those of BenchServer."""
        self.close()
        authority = Authority()
        certificate = authority.issue((self.bench.known_as, *(name for name in NAMES if name != self.bench.known_as)))
        given = {"authority": authority, "certificate": certificate, **options}
        self.server = BenchServer(host=self.bench.host, name=self.bench.known_as, **given).start()
        return self.server

    def close(self):
        """Stop the server that runs."""
        server, self.server = self.server, None
        if server:
            server.stop()
