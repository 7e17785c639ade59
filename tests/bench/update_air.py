"""What an update costs on the air besides the package: all steps of scenario 2 over real sockets, counted above TLS.

Package 0, the session with the firmware's version, the user's confirmation, PkgURL and Exec with a correlator, descriptor,
the head of the package's request and answer, install notification, and the session of the alert. WBXML; the server is the
bench's, with all fields that its HTTP library sends.
"""

import tempfile

from flash_tools.server.bench import BenchServer
from flash_tools.sim import sim_files
from flash_tools.sim.sim_process import SimProcess, command

_ID = "sim:1"
_WAIT_S = 60


def measure():
    """Return the bytes of both directions, with md5 over TLS and with MAC."""
    return {"air_bytes_overhead": _bytes(True), "air_bytes_overhead_mac": _bytes(False)}


def _bytes(tls, kinds=()):
    with BenchServer(tls=tls) as server, tempfile.TemporaryDirectory() as folder:
        files = sim_files.make(folder, server.add_device(_ID))
        package = server.add_package(files.update("2.0"))
        options = ("--notify-port", 0, "--trial-s", 1)
        with SimProcess(command(files.flash, files.provision, *options)) as device:
            device.wait_for("listening")
            address = ("127.0.0.1", device.port())
            order = server.order(_ID, package, confirm="Update?", fumo="./FUMO", notify=address, verify=False)
            outcome = order.wait(_WAIT_S)
        if outcome.code != 200 or len(outcome.notifications) != 1:
            raise SystemExit("the update did not go as it should: %s %s" % (outcome.code, outcome.notifications))
        if kinds:
            return {kind: server.transcript.wire_bytes(kind) for kind in kinds}
        return server.transcript.wire_bytes() - len(package.data)
