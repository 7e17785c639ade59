"""One world in virtual time: a device with its chip, a link, a management server and a download server."""

from agent.identity import Identity
from agent.options import Options
from board.sim_nor import make_layout
from flash_tools.keys import key_id, new_key, public_bytes
from flash_tools.package_build import Target, build_package
from flash_tools.server.dm import Device as Account
from flash_tools.server.dm import DmServer
from hal.boot_record import BootRecord
from hal.region import layout_hash
from ports.cpython_linux.signature import verify
from ports.sim import firmware
from ports.sim.clock import Clock
from ports.sim.device_agent import AgentDevice
from ports.sim.device import install_firmware
from ports.sim.link import Link
from ports.sim.net import Network
from ports.sim.nor import Geometry, Nor
from ports.sim.web_server import WebServer, serve_file

K = 1024
DEVICE_ID = "sim:1"
GEOMETRY = Geometry(
    "small", 1024 * K, ((4 * K, 45000, 400000), (32 * K, 120000, 1600000), (64 * K, 150000, 2000000)), (700, 3000), (30, 3)
)
_KEY = new_key()
_PACKAGES = {}
DEVICE = {
    "DevId": DEVICE_ID, "Man": "m", "Mod": "sim", "DmV": "1", "Lang": "en", "DevTyp": "board", "OEM": "o", "SwV": "1",
    "HwV": "1",
}  # fmt: skip
TYPES = {"md5": "DIGEST", "MAC": "HMAC", "basic": "BASIC"}


def package(layout, version, behaviour=firmware.GOOD, encoding="deflate", size=40 * K, counter=1):
    """Return (image, package); made once for each combination."""
    key = (layout_hash(layout), version, behaviour, encoding, size, counter)
    if key not in _PACKAGES:
        image = firmware.make_image(version, behaviour, size, len(version) + ord(version[0]))
        target = Target("bench", ["sim"], layout_hash(layout), version, counter)
        _PACKAGES[key] = image, build_package(image, target, _KEY, encoding=encoding)
    return _PACKAGES[key]


def identity(auth, url):
    """Return what the device is provisioned with."""
    public = public_bytes(_KEY)
    account = {
        "name": "bench", "server_id": "bench", "url": url, "auth": TYPES[auth], "server_auth": TYPES[auth], "user": "u",
        "secret": "s", "nonce": b"nonce-c".hex(), "server_user": "bench", "server_secret": "t",
        "server_nonce": b"nonce-s".hex(),
    }  # fmt: skip
    facts = {
        "product": "bench", "model": "sim", "device": DEVICE, "device_key": b"k".hex() * 16,
        "anchors": [[key_id(public), public.hex()]], "accounts": [account],
    }  # fmt: skip
    return Identity(facts, verify)


class World:
    """`policy` is that of a DmServer; `files` maps paths to bytes, `log` keeps what was said."""

    def __init__(self, policy, files, auth="md5", tls=True, link=None, **options):
        self.clock = Clock(1800000000)
        self.flash = Nor(GEOMETRY, self.clock)
        self.layout = make_layout(GEOMETRY.size, 128 * K)
        self.files, self.notifications, self.said = files, [], []
        old = package(self.layout, "1.0")
        BootRecord(install_firmware(self.flash, self.layout, 0, old[1], old[0])["boot"]).confirm()
        account = Account(
            DEVICE_ID, "u", "s", "bench", "t", auth, auth, client_nonce=b"nonce-c", server_nonce=b"nonce-s"
        )
        self.dm = DmServer([account], policy, self._random)
        self.web = WebServer(self._answer)
        scheme, port = ("https", 443) if tls else ("http", 80)
        self.tls, self.base = tls, "%s://bench" % scheme
        self.net = Network(self.clock, link or Link(1000000, 20), {("bench", port): self.web}, {"bench": "192.0.2.1"})
        settings = {"notify_port": 2948, "poll_interval_ms": 600000, "trial_min_ms": 5000, "needs_server": False}
        settings.update(options)
        self.done = lambda agent: False
        self.device = AgentDevice(
            self.flash, self.clock, self.layout, identity(auth, self.base + "/dm"), self.net, Options(**settings), self
        )
        self._drawn = 0

    def run(self, boots=30):
        """Boot until the world is satisfied; return how the boots ended."""
        ends = []
        while len(ends) < boots and "idle" not in ends:
            ends.append(self.device.boot())
        return ends

    # -- what the device's watcher is told ----------------------------------------------------------------------------

    def powered(self, device):
        """A boot begins."""

    def mounted(self, device):
        """The agent has read its journal."""

    def log(self, text):
        """The device said something."""
        self.said.append("%9.3f %s" % (self.clock.us / 1e6, text))

    def satisfied(self, agent):
        """Tell whether there is nothing left to wait for."""
        return self.done(agent)

    # -- the servers --------------------------------------------------------------------------------------------------

    def _random(self, size):
        self._drawn += 1
        return (b"n%d" % self._drawn).ljust(size, b".")

    def _answer(self, method, path, fields, body):
        if path == "/dm":
            reply = self.dm.handle(body, fields.get("content-type", ""), fields, tls=self.tls)
            head = (("Content-Type", reply.content_type),) + tuple(reply.headers.items())
            return reply.status, head, reply.body
        if path.startswith("/notify"):
            self.notifications.append(body.decode())
            return 200, (), b""
        if path not in self.files:
            return 404, (), b""
        data = self.files[path]
        kind = "application/vnd.oma.dd+xml" if data[:1] == b"<" else "application/vnd.fumo-agent.package"
        return serve_file(fields, data, kind, '"%d"' % len(data))
