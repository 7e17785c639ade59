"""What a world is made from: plain values only, so that a plan can be printed, kept and made again from its seed.

Times and places are tuples. Of an event, from the world's beginning: ("ms", n) virtual time, ("net", n) messages (see
World.message), ("op", n) flash operations, ("boot", n) boots, ("phase", name, ms, nth) so long after the device was first (or
for the nth time) seen in that phase. Of a cut the same, each counted from the cut before it, and ("flash", n, effect) at a flash
operation, ("where", place, n, effect) at the n-th one in a place (see Judge.where).
"""

from dataclasses import dataclass, field

from ports.sim import firmware
from tests.soak import goods

METHODS = {
    "dau": "download and update",
    "download": "download, and update once it is there",
    "fetch": "download alone",
    "push": "write PkgData, and update",
    "update": "update with what is held",
    "stale": "write a URL, and update with nothing held",
}
KINDS = {
    "dau": "DownloadAndUpdate",
    "download": "Download",
    "fetch": "Download",
    "push": "Update",
    "update": "Update",
    "stale": "Update",
}


@dataclass(frozen=True)
class Order:
    """What a server wants of the device; see policy.py for how it goes about it."""

    method: str = "dau"  # or one of METHODS
    correlator: str | None = "a"
    server: str = "bench"
    version: str = goods.NEW
    behaviour: str = firmware.GOOD
    encoding: str = "deflate"
    flaw: str = ""  # of the package, see goods.FLAWS
    size: int = 0  # of the image, 0 for what the version has
    descriptor: bool = False
    notify: bool = False  # the descriptor has an installNotifyURI
    dflaw: str = ""  # of the descriptor, see goods.descriptor
    url: str | None = None  # instead of where the package is
    ask: bool = False  # the user is asked by the server first
    replace: bool = True  # PkgURL is written before the Exec
    held_back: bool = False  # the server wants it only after the event "release"
    codes: tuple | None = None  # what it may come to, of orders behind the first; None: success if it is good
    statuses: tuple | None = None  # what the Exec, or PkgData, may be answered with


@dataclass(frozen=True)
class Wire:
    """What is wrong on the way to `host`: with its connections or, where `path` is given, with requests that begin so.

    From number `first` on (0 is the first one), `count` of them, -1 for all. For connections `kind` is "refuse",
    "unreachable", "tls", "untrusted", "name", "dates". For requests: "status" (code, Retry-After), "reset" "close" "stall"
    (bytes of the body, "head": of all), "rate" (bytes a second), "length" (difference), "whole" (200 for 206), "changed"
    (another file of the same size), "redirect" (URL), "lost" (the server never sees it), "raw" (bytes).
    """

    host: str
    kind: str
    args: tuple = ()
    path: str = ""
    first: int = 0
    count: int = 1


@dataclass(frozen=True)
class Event:
    """Something that happens; `act` is a method of events.Events without its underscore."""

    when: tuple
    act: str
    args: tuple = ()


@dataclass
class Plan:
    """One world."""

    orders: tuple = (Order(),)
    auth: str = "md5"
    tls: bool = True
    wbxml: bool = True
    user: str = "yes"  # "yes", "no", or "late": nobody answers for a while
    causes_readable: bool = True
    needs_server: bool = False
    notified: bool = False  # the server sends package 0 when it wants something; else it waits to be asked
    resolver: bool = False  # names are asked for over UDP
    bits_per_s: int = 1000000
    alert_codes: tuple = ()  # the server's Statuses for its first alerts about updates, 200 from then on
    request_code: int = 200  # ... and for a request
    wires: tuple = ()
    events: tuple = ()
    cuts: tuple = ()
    names: dict = field(default_factory=dict)  # beside those of the servers
    options: dict = field(default_factory=dict)  # of the board
    seed: int = 0  # of the device's jitter
    hours: int = 30  # of virtual time until it must have ended
    codes: tuple | None = None  # what the first order may come to; None: nobody knows
    dlotas: tuple | None = None  # ... and what the download server may be told
    title: str = ""
