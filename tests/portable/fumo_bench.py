"""A management tree with a FUMO object over simulated hardware, and what a server does with it, for portable tests."""

from agent.dm_commit import commit
from agent.dm_edit import execute, replace
from agent.dm_value import Value
from agent.errors import ProtocolError
from tests.dm.device import Device
from tests.portable.dm_trees import BIN, GET, REPLACE, status

SERVER = "srv"
URL = "http://download.example/a?b=%20c&d=~"
HELD = {"state": 50}
EXT = (
    "AgentVersion",
    "Board",
    "Bank",
    "Confirmed",
    "Attempts",
    "SecurityCounter",
    "LastResult",
    "PollInterval",
    "Diag",
)


class Bench:
    """A tree with a FUMO object over hardware, and what a test does with it; `config` as in tests/dm/device.py."""

    def __init__(self, config=None, **options):
        self.device = Device(dict({"firmware": options}, **(config or {})))
        self.fw, self.tree = self.device.firmware, self.device.client.tree
        self.fumo, self.record, self.top = self.fw.fumo, self.fw.record, self.fw.fumo.uri[2:]

    def path(self, path):
        """Return the path in the tree."""
        return self.top + "/" + path if path else self.top

    def get(self, path):
        """Return what a server reads."""
        self.tree.may(GET, self.path(path), SERVER)
        return bytes(self.tree.value(self.path(path)))

    def replace(self, path, data, form=0):
        """Replace a leaf without commit; return the status."""
        return status(replace, self.tree, self.path(path), Value(data, form, "", SERVER))

    def set_url(self, path="Download", url=URL):
        """Replace a PkgURL, in a message of its own."""
        assert self.replace(path + "/PkgURL", url.encode()) == 200
        commit(self.tree)

    def order(self, path, correlator=None, server=SERVER):
        """Exec; return the status."""
        return status(execute, self.tree, self.path(path), Value(b"", 0, "", server, correlator))

    def push(self, data):
        """Push a package, as dm_object does it; return the status."""
        at, code = 0, 0
        value = Value(b"", BIN, "", SERVER)
        try:
            code = self.fumo.check(REPLACE, "Update/PkgData", value)
            if code >= 300:
                return code
            while at < len(data):
                at += self.fumo.write("Update/PkgData", at, memoryview(data)[at : at + 192])
            value.data, code = None, 0
            while not code:
                code = self.fumo.apply(REPLACE, "Update/PkgData", value)
        except ProtocolError as e:
            self.fumo.abandon("Update/PkgData")
            return e.code
        return code
