"""What the single elements of a client's message look like: DevInfo, alerts, values (omadm.md 1.7 to 1.10, 2.2, 2.6)."""

import base64
import binascii
import re

from tests.dm.message import need

DEVINFO = sorted("./DevInfo/" + leaf for leaf in ("DevId", "Man", "Mod", "DmV", "Lang"))
FUMO = "org.openmobilealliance.dm.firmwareupdate."
FORMATS = "b64 bin bool chr int node null xml date time float".split()
_MARKS = (None, "fatal", "critical", "minor", "warning", "informational", "harmless", "indeterminate")
_RESULTS = {200, *range(250, 300), *range(400, 413), *range(450, 500), *range(500, 504), *range(550, 600)}


def check_devinfo(replace):
    """Check the Replace of package 1: the five leaves, each with a value."""
    leaves = sorted(item.source or item.target or "" for item in replace.items)
    leaves = ["./" + leaf if leaf.startswith("DevInfo/") else leaf for leaf in leaves]
    need(leaves == DEVINFO, "package 1 replaces %s", leaves)
    for item in replace.items:
        need(item.source, "DevInfo wants Source/LocURI")
        need(item.data, "%s is empty", item.source)


def check_alert(alert, opening):
    """Check the content of an Alert; 1200 and 1201 belong into package 1."""
    code = alert.code
    need(code in ("1200", "1201", "1222", "1223", "1224", "1225", "1226"), "a client does not send Alert %s", code)
    need(opening or code not in ("1200", "1201"), "Alert %s outside of package 1", code)
    need(alert.correlator is None or code == "1226", "Correlator in Alert %s", code)
    if code in ("1200", "1201", "1222", "1223"):
        need(not alert.items, "Alert %s with Items", code)
        return
    need(alert.items, "Alert %s without Items", code)
    for item in alert.items:
        if code == "1225":
            need(item.source or item.target, "Alert 1225 does not name the broken command")
        else:
            need(item.meta.get("Type") and item.meta.get("Format"), "Alert %s without Type or Format", code)
        if code == "1226":
            _generic(alert, item)


def _generic(alert, item):
    kind, value = item.meta["Type"], (item.data or b"").decode(errors="replace")
    need(item.data is not None, "Alert 1226 without Data")
    need(item.meta.get("Mark") in _MARKS, "Mark is %s", item.meta.get("Mark"))
    if kind in (FUMO + "userrequest", FUMO + "devicerequest"):
        need(alert.correlator is None, "a request with Correlator")
    elif kind.startswith(FUMO):
        need(kind[len(FUMO) :] in ("download", "update", "downloadandupdate"), "Type %s", kind)
        need(item.source, "%s without the node's Source", kind)
        need(value.isdigit() and int(value) in _RESULTS, "the result is %r", value)


def check_value(item, wbxml):
    """Check that a whole value agrees with its Format."""
    form = item.meta.get("Format", "chr")
    need(form in FORMATS, "Format %s", form)
    need(form != "bin" or wbxml, "Format bin over XML")
    value = item.data or b""
    if form == "b64":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            need(False, "Format b64, but Data is %r", value[:40])
    elif form == "int":
        need(re.fullmatch(rb"[+-]?\d+", value), "Format int, but Data is %r", value[:40])
    elif form == "bool":
        need(value in (b"true", b"false"), "Format bool, but Data is %r", value[:40])
    elif form == "null":
        need(not value, "Format null, but Data is %r", value[:40])
