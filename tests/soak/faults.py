"""What can go wrong in a world, one thing each: what it changes of the plan, and what an update then comes to.

Every entry is (name, for which worlds, FUMO codes, statuses for the download server, changes). "dd": with a descriptor, the
package on another host than that; "web": any download; "all": pushed packages too. Codes of (200,) mean that it heals.
`changes` has fields of the plan and of its first order; of tuples what the plan has already stays.
"""

from agent.causes import ROWS
from ports.sim import firmware
from tests.soak import goods
from tests.soak.plan import Event, Wire

GOOD, LOADED = (200,), (900,)


def _cdn(kind, *args, first=0, count=-1):
    return Wire("cdn", kind, args, "/", first, count)


def _host(kind, count=-1, first=0):
    return Wire("cdn", kind, first=first, count=count)


def _dm(kind, *args, first=0, count=1):
    return Wire("bench", kind, args, "/dm", first, count)


def _ends(kind):
    """Return responses that end before the first block, each at another byte."""
    return tuple(_cdn(kind, 40 + 30 * n, first=n, count=1) for n in range(30))


def _starts(most, ms):
    """Return a power that goes again and again while no block is whole."""
    return {"wires": (_cdn("stall", most),), "cuts": (("phase", "download", ms),) * 12}


def _lonely_trial():
    """The management server is gone while the new firmware wants to see it."""
    return {
        "needs_server": True,
        "events": _away("trial", 0, 900000),
    }


def _away(phase, after, ms):
    """The link goes, and comes back."""
    return (Event(("phase", phase, after), "link", (False,)), Event(("phase", phase, after + ms), "link", (True,)))


def _named(ms):
    return (Event(("phase", "download", ms), "name", ("cdn", "192.0.2.4")),)


_LASTING = (
    ("redirects", "dd", 411, 954, {"wires": (_cdn("redirect", "/0.fup"),)}),
    ("redirect to another scheme", "dd", 411, 954, {"wires": (_cdn("redirect", "ftp://cdn/0.fup"),)}),
    ("no such name", "dd", 412, 954, {"names": {"cdn": None}, "resolver": True}),
    ("no name server", "dd", 412, 954, {"names": {"cdn": "silent"}, "resolver": True}),
    ("the name server fails", "dd", 412, 954, {"names": {"cdn": "fail"}, "resolver": True}),
    ("refused", "dd", 412, 954, {"wires": (_host("refuse"),)}),
    ("not reached", "dd", 412, 954, {"wires": (_host("unreachable"),)}),
    ("reset", "dd", 503, 903, {"wires": _ends("reset")}),
    ("early close", "dd", 503, 903, {"wires": _ends("close")}),
    ("silence", "dd", 407, 903, {"wires": (_cdn("stall", 700),)}),
    ("silence at once", "dd", 407, 903, {"wires": (_cdn("stall", 0, "head"),)}),
    ("drips", "dd", 407, 903, {"wires": (_cdn("rate", 5),)}),
    ("a longer file", "dd", 402, 905, {"wires": (_cdn("length", 40),)}),
    ("a shorter file", "dd", 402, 905, {"wires": (_cdn("length", -40),)}),
    ("nonsense instead of HTTP", "dd", 503, 903, {"wires": (_cdn("raw", b"SSH-2.0-x\r\n\r\n"),)}),
    ("changed", "dd", 402, 905, {"wires": (_cdn("reset", 5000, count=1), _cdn("changed", first=1))}),
    ("nobody wants it", "dd", 401, 902, {"user": "no"}),
    ("many starts", "dd alone", 409, 952, _starts(2000, 4000)),
    ("many early starts", "dd alone", 409, 952, _starts(2000, 60)),
    ("crashes", "all", 410, 952, {"behaviour": firmware.CRASH}),
    ("hangs", "all", 410, 952, {"behaviour": firmware.HANG}),
    ("is unfit", "all", 410, 952, {"behaviour": firmware.UNFIT}),
    ("no server in the trial", "all", 410, 952, _lonely_trial()),
)
_PASSING = (
    ("a redirect", "dd", {"wires": (_cdn("redirect", "/0.fup?x", count=3),)}),
    ("refused for a while", "dd", {"wires": (_host("refuse", 3),)}),
    ("not reached for a while", "dd", {"wires": (_host("unreachable", 2),)}),
    ("the descriptor's host refuses", "dd", {"wires": (Wire("files", "refuse", count=3),)}),
    ("the descriptor breaks off", "dd", {"wires": (Wire("files", "reset", (100,), "/0.dd", 0, 2),)}),
    ("the descriptor is away", "dd", {"wires": (Wire("files", "status", (503, 40), "/0.dd", 0, 2),)}),
    ("no answer for a notification", "dd", {"wires": (Wire("files", "lost", (), "/notify", 0, 2),)}),
    ("a notification is refused", "dd", {"wires": (Wire("files", "status", (500,), "/notify", 0, -1),)}),
    (
        "reset in the download",
        "dd",
        {"wires": (_cdn("reset", 5000, count=1), _cdn("reset", 1500, first=1, count=1))},
    ),
    ("closed in the download", "dd", {"wires": (_cdn("close", 7000, count=1),)}),
    ("silence in the download", "dd", {"wires": (_cdn("stall", 6000, count=2),)}),
    ("200 for 206", "dd", {"wires": (_cdn("reset", 6000, count=1), _cdn("whole", first=1))}),
    ("changed and back", "dd", {"wires": (_cdn("reset", 6000, count=1), _cdn("changed", first=1, count=1))}),
    ("503 and Retry-After", "dd", {"wires": (_cdn("status", 503, 90, count=2),)}),
    ("429", "dd", {"wires": (_cdn("status", 429, count=3),)}),
    ("500", "dd", {"wires": (_cdn("status", 500, count=3),)}),
    ("401 once", "dd", {"wires": (_cdn("status", 401, count=1),)}),
    ("404 once", "dd", {"wires": (_cdn("status", 404, count=1),)}),
    ("TLS breaks once", "dd tls", {"wires": (_host("tls", 2),)}),
    ("slow", "web", {"wires": (Wire("files", "rate", (900,), "/", 0, -1),)}),
    ("a slow link", "all", {"bits_per_s": 20000}),
    ("the user takes time", "dd", {"user": "late"}),
    ("the link is away", "web", {"events": _away("download", 80, 200000)}),
    ("the link is away before the report", "all", {"events": _away("report", 0, 4000000)}),
    ("the link is away in a session", "all", {"events": _away("session", 40, 300000)}),
    ("the name is away", "dd", {"resolver": True, "names": {"cdn": "silent"}, "events": _named(90000)}),
    ("the session is forgotten", "all", {"events": (Event(("net", 4), "forget"),)}),
    ("the session is forgotten later", "all", {"events": (Event(("net", 6), "forget"),)}),
    ("the Exec comes twice", "all", {"events": (Event(("phase", "session", 0, 1), "again", (0,)),)}),
)


def _always():
    """Return what does not heal."""
    rows = list(_LASTING)
    for kind in ("untrusted", "name", "dates"):
        rows.append(("certificate: " + kind, "dd tls", 503, 954, {"wires": (_host(kind),)}))
    rows.append(("TLS", "dd tls", 503, 903, {"wires": (_host("tls"),)}))
    rows.append(("bad sector", "web", 410, 952, {"events": (Event(("ms", 100), "bad", (2, "program")),)}))
    statuses = {401: 406, 403: 406, 407: 406, 404: 411, 410: 411, 412: 411, 500: 500, 502: 500, 504: 500, 503: 412}
    statuses.update({429: 412, 400: 409, 405: 409, 418: 409})
    for status, code in statuses.items():
        rows.append(("HTTP %d" % status, "dd", code, 954, {"wires": (_cdn("status", status),)}))
    rows.append(("HTTP 416", "dd", 402, 905, {"wires": (_cdn("reset", 5000, count=1), _cdn("status", 416, first=1))}))
    for flaw, code, dlota in (
        ("scheme", 411, 954),
        ("ill-formed", 405, 906),
        ("version", 405, 951),
        ("type", 405, 953),
    ):
        rows.append(("descriptor: " + flaw, "dd", code, dlota, {"dflaw": flaw}))
    rows.append(("descriptor: https to http", "dd tls", 411, 954, {"dflaw": "https"}))
    for flaw, code, dlota in (("size", 501, 901), ("long", 402, 905), ("short", 402, 905)):
        rows.append(("descriptor: " + flaw, "dd", code, dlota, {"dflaw": flaw}))
    for flaw, code in goods.FLAWS.items():
        if code == 200:
            continue
        dlota = {402: 905, 502: 901, 405: 953 if flaw == "magic" else 952}.get(code, 952)
        rows.append(("package: " + flaw, "dd", code, dlota, {"flaw": flaw}))
    return [(name, where, (code,), (dlota,), changes) for name, where, code, dlota, changes in rows]


def _messages():
    """Return what goes wrong with the first messages of the management session."""
    rows = []
    for first in range(6):
        for kind, args in (("lost", ()), ("reset", (0, "head")), ("reset", (30,)), ("close", (40,)), ("stall", (20,))):
            rows.append(("message %d: %s %s" % (first, kind, args), "all", {"wires": (_dm(kind, *args, first=first),)}))
        for status in (404, 500, 503):
            wire = _dm("status", status, first=first, count=1)
            rows.append(("message %d: HTTP %d" % (first, status), "all", {"wires": (wire,)}))
        for name in ("duplicate", "stale_nonce", "bad_digest", "no_final"):
            event = Event(("net", 2 + 2 * first), "dm", (name, 1))
            rows.append(("message %d: %s" % (first, name), "all", {"events": (event,)}))
    return rows


def _healing():
    """Return what goes by: the update succeeds in the end."""
    rows = list(_PASSING)
    for code in (202, 401, 407, 408, 417, 500, 503):
        rows.append(("alert: %d" % code, "all", {"alert_codes": (code,) * (2 if code in (401, 407) else 5)}))
    for code in (400, 404, 405, 406, 413, 425):
        rows.append(("alert: %d for ever" % code, "all", {"alert_codes": (code,) * 9}))
    for code in (202, 404, 405, 408, 500, 401):
        rows.append(("request: %d" % code, "all", {"request_code": code}))
    rows += _messages()
    rows.append(("bad digests", "all", {"events": (Event(("ms", 0), "dm", ("bad_digest", 7)),)}))
    for phase in ("download", "verify", "ready", "arm", "trial", "report", "session"):
        event = Event(("phase", phase, 30), "notify")
        rows.append(("notification in " + phase, "all", {"events": (event,)}))
        rows.append(("user in " + phase, "all", {"events": (Event(("phase", phase, 20), "user"),)}))
        junk = Event(("phase", phase, 0), "junk", (b"\x00" * 40,))
        rows.append(("nonsense in " + phase, "all", {"events": (junk,)}))
    rows.append(("more behind the package", "web", {"flaw": "longer"}))
    return [(name, where, GOOD, LOADED, changes) for name, where, changes in rows]


ALWAYS, HEALING = _always(), _healing()
FAULTS = {row[0]: row for row in ALWAYS + HEALING}
assert len(FAULTS) == len(ALWAYS) + len(HEALING)
assert {row[2] for row in ROWS} <= {code for row in ALWAYS for code in row[2]}
