"""The worlds of the session phases: how a package gets to the device, and how the two sides talk."""

from functools import lru_cache

from agent.options import Options
from ports.sim.clock import Clock
from ports.sim.firmware import CRASH, GOOD, UNFIT
from ports.sim.nor import Geometry, Nor
from tests.soak import goods

NEW, OLD = goods.OTHER, goods.OLD
FLOWS = {
    # name -> the orders one after the other: (Exec node, correlator, code)
    "push": (("Update", "p1", 200),),
    "two-step": (("Download", "d1", 200), ("Update", "u1", 200)),
    "dau": (("DownloadAndUpdate", "a1", 200),),
    "paused": (("DownloadAndUpdate", "n1", 200),),  # a notification comes in the middle of the download
    "crash": (("DownloadAndUpdate", "x1", 410),),
    "unfit": (("DownloadAndUpdate", "y1", 410),),
}
TALKS = {"xml-mac": ("MAC", False, False), "wbxml-tls": ("md5", True, True)}  # credentials, TLS, WBXML
_SIZE = 6 * goods.K
_K = goods.K
_GEOMETRY = Geometry("session", 256 * _K, ((4 * _K, 45000, 400000),), (700, 3000), (30, 3))
NOTIFY = "/notify"


class SessionWorld:
    """One flow in one kind of talk; plain facts, nothing in it changes."""

    confirmed = 0
    old = OLD
    bad = ()
    extra_boots = 0

    def __init__(self, flow, talk):
        self.name, self.flow = "%s/%s" % (flow, talk), flow
        self.orders = FLOWS[flow]
        self.auth, self.tls, self.wbxml = TALKS[talk]
        self.base = ("https" if self.tls else "http") + "://bench"
        self.port = 443 if self.tls else 80
        behaviour = {"crash": CRASH, "unfit": UNFIT}.get(flow, GOOD)
        self.package = goods.package(NEW, behaviour, "none", size=_SIZE)
        self.images = {OLD: goods.image(OLD), NEW: goods.image(NEW, behaviour, _SIZE)}
        self.layout = goods.LAYOUT
        self.end = NEW if behaviour == GOOD else OLD
        self.notifies = flow in ("dau", "crash", "unfit")  # there is a descriptor, and an install notification
        self.asks = flow == "dau"  # the user is asked first
        self.told = "900 Success" if flow == "dau" else "952 Device Aborted"

    @property
    def url(self):
        """Return the PkgURL."""
        return self.base + ("/d.dd" if self.notifies else "/p.fup")

    def chip(self):
        """Return a chip as it leaves the factory."""
        chip = Nor(_GEOMETRY, Clock(1800000000))
        chip.pages = dict(goods.chip(chip.clock).pages)
        chip.poll_us = 100000
        return chip

    @property
    def pages(self):
        """Return the cells of that chip."""
        return self.chip().pages

    def file(self, path):
        """Return (bytes, content type), (None, "") where there is nothing."""
        if path == "/p.fup":
            return self.package, "application/vnd.fumo-agent.package"
        if path == "/d.dd" and self.notifies:
            text = goods.descriptor(self.base + "/p.fup", len(self.package), self.base + NOTIFY)
            return text, "application/vnd.oma.dd+xml"
        return None, ""

    def identity(self):
        """Return what the device is provisioned with."""
        return goods.identity(self.auth, self.base + "/dm")

    def options(self):
        """Return what the board chooses."""
        return Options(
            nap_ms=10000,  # a datagram ends it anyway
            poll_interval_ms=60000,
            trial_min_ms=2000,
            trial_max_ms=6000,
            needs_server=False,
            wbxml=self.wbxml,
        )


@lru_cache(maxsize=16)
def session_world(name):
    """Return the world of a name like "dau/wbxml-tls"."""
    return SessionWorld(*name.split("/"))


def names():
    """Return the names of all of them."""
    return tuple("%s/%s" % (flow, talk) for flow in FLOWS for talk in TALKS)
