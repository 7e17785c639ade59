"""Scripted faults over JSON: names and checked arguments instead of the functions of web_faults.py and dm/faults.py."""

import inspect

from flash_tools.server import web_faults
from flash_tools.server.admin.ask import anything, fields, flag, number, optional, text
from flash_tools.server.admin.refusals import Wrong
from flash_tools.server.admin.routes import Api

SCRIPT_MAX = 200
_SIZE, _TIMES = number(0, 1 << 40), optional(number(1, 10**6))
_STATUS = number(200, 599)


def _field(value, name):
    """Demand what may stand in a header field."""
    if not (text(value, name).isascii() and value.isprintable()):
        raise Wrong("%s must be printable ASCII, it goes into a header" % name)
    return value


def _retry(value, name):
    return number(0, 10**9)(value, name) if isinstance(value, int) else _field(value, name)


def _bytes(value, name):
    return text(value, name).encode("utf-8", "replace")


def _end(value, name):
    if value not in web_faults.ENDS:
        raise Wrong("%s must be one of %s" % (name, ", ".join(web_faults.ENDS)))
    return value


HTTP = {  # name: (function, its arguments)
    "status": (web_faults.status, {"code": _STATUS, "retry_after": _retry, "body": _bytes}),
    "redirect": (web_faults.redirect, {"location": _field, "code": number(300, 399)}),
    "no_range": (web_faults.no_range, {}),
    "content_range": (web_faults.content_range, {"shift": number(-(1 << 40), 1 << 40), "total": _SIZE}),
    "etag": (web_faults.etag, {"value": optional(_field), "weak": flag}),
    "delayed": (web_faults.delayed, {"seconds": number(0, 600, whole=False)}),
    "unanswered": (web_faults.unanswered, {"end": _end}),
    "lost": (web_faults.lost, {"end": _end}),
    "cut": (web_faults.cut, {"after": number(-1, 1 << 40), "end": _end}),
    "stall": (web_faults.stall, {"after": _SIZE}),
    "slow": (web_faults.slow, {"rate": number(1, 1 << 30)}),
    "length": (web_faults.length, {"by": number(-(1 << 40), 1 << 40)}),
    "endless": (web_faults.endless, {}),
    "twice": (web_faults.twice, {}),
}
DM = ("bad_digest", "stale_nonce", "no_final", "duplicate")
_KINDS = {"http": HTTP, "dm": DM}


class Script:
    """What was scripted here; what a test scripts in the server's own process is not listed."""

    def __init__(self):
        self._entries = []  # (what was asked for, the entry of WebFaults)

    def show(self, office, ask):
        """List what is scripted."""
        http = [{**asked, "used": entry.used} for asked, entry in self._entries]
        dm = {name: getattr(office.faults, name) for name in DM if getattr(office.faults, name)}
        return {"http": http, "dm": dm, "known": {"http": list(HTTP), "dm": list(DM), "for": list(web_faults.KINDS)}}

    def add(self, office, ask):
        """Script one or several: all or none."""
        given = ask.json
        listed = given.get("faults") if isinstance(given, dict) and "faults" in given else [given]
        if not isinstance(listed, list) or (isinstance(given, dict) and "faults" in given and len(given) > 1):
            raise Wrong('several faults are given as {"faults": [...]}')
        made = [_read(each) for each in listed]
        if len(self._entries) + len(made) > SCRIPT_MAX:
            raise Wrong("more than %d faults are scripted: forget them first" % SCRIPT_MAX)
        for each in made:
            each(office, self._entries)
        return self.show(office, ask)

    def clear(self, office, ask):
        """Forget all."""
        office.web_faults.clear()
        self._entries.clear()
        for name in DM:
            setattr(office.faults, name, False)
        return self.show(office, ask)

    def table(self) -> tuple[Api, ...]:
        """Return the routes."""
        return (
            Api("GET", "/api/faults", self.show),
            Api("POST", "/api/faults", self.add, status=201),
            Api("DELETE", "/api/faults", self.clear),
        )


def _read(value):
    """Return what scripts a fault: a function of the office and the list of entries."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Wrong('a fault is an object with "kind": "http" or "dm"')
    name = value.get("fault")
    if not isinstance(name, str) or name not in _KINDS[kind]:
        raise Wrong("there is no %s fault %r, only %s" % (kind, name, ", ".join(_KINDS[kind])))
    return _read_http(value) if kind == "http" else _read_dm(value)


def _read_http(value):
    known = {"kind": text, "fault": text, "for": text, "args": anything, "times": _TIMES, "skip": number(0, 10**6)}
    given = fields(value, known, ("for",))
    function, arguments = HTTP[given["fault"]]
    if given["for"] not in web_faults.KINDS:
        raise Wrong("there are no requests of the kind %r, only %s" % (given["for"], ", ".join(web_faults.KINDS)))
    checked = _arguments(given, function, arguments)
    fault, times, skip = function(**checked), given.get("times", 1), given.get("skip", 0)
    asked = {"for": given["for"], "fault": given["fault"], "args": given.get("args", {}), "times": times, "skip": skip}
    return lambda office, entries: entries.append(
        (asked, office.web_faults.add(given["for"], fault, times=times, skip=skip))
    )


def _arguments(given, function, known):
    values = given.get("args", {})
    if not isinstance(values, dict):
        raise Wrong("args of %s must be an object" % given["fault"])
    for name in values:
        if name not in known:
            only = "only " + ", ".join(known) if known else "it takes none"
            raise Wrong("the fault %s has no argument %r, %s" % (given["fault"], name, only))
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is parameter.empty and name not in values:
            raise Wrong("the fault %s needs the argument %s" % (given["fault"], name))
    return {name: known[name](each, name) for name, each in values.items()}


def _read_dm(value):
    given = fields(value, {"kind": text, "fault": text, "times": _TIMES})
    times = given.get("times", 1)
    return lambda office, entries: setattr(office.faults, given["fault"], True if times is None else times)
