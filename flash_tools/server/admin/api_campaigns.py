"""Routes about campaigns, sessions, slots, charts and upkeep."""

import os
import tempfile
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from flash_tools.errors import ToolError
from flash_tools.server.admin import csv_export
from flash_tools.server.admin.api_orders import as_lines
from flash_tools.server.admin.ask import text
from flash_tools.server.admin.refusals import Wrong
from flash_tools.server.admin.routes import Api

ACTIONS = ("start", "pause", "resume", "next", "abort", "retry", "remove")
POWER = ("on", "off", "cycle")
_CHUNK, _ALL = 1 << 18, 10**9


def campaigns(office, ask):
    """List campaigns."""
    return office.campaigns()


def add_campaign(office, ask):
    """Take TOML, or JSON with the same keys."""
    if not ask.body.strip():
        raise Wrong("the body is empty: send the campaign as TOML or JSON")
    if ask.body.lstrip().startswith(b"{"):
        given = ask.json
        is_wrapped = list(given) == ["toml"] and isinstance(given["toml"], str)
        return office.add_campaign(given["toml"] if is_wrapped else given)
    try:
        return office.add_campaign(ask.body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Wrong("the body is not UTF-8: byte %d" % error.start) from None


def campaign(office, ask):
    """Show one with its targets."""
    return office.campaign(ask.path["name"])


def campaign_csv(office, ask):
    """Show its targets as a table."""
    name = ask.path["name"]
    data = csv_export.table(office.campaign(name), office.orders(campaign=name, limit=_ALL))
    return Response(data, 200, attachment(name + ".csv"), "text/csv; charset=utf-8")


def campaign_do(office, ask):
    """Start it, pause it, and so on."""
    name, action = ask.path["name"], ask.path["action"]
    if action not in ACTIONS:
        raise Wrong("there is no action %r, only %s" % (action, ", ".join(ACTIONS)))
    return office.campaign_do(name, action)


def remove_campaign(office, ask):
    """Forget it."""
    return office.campaign_do(ask.path["name"], "remove")


def sessions(office, ask):
    """List sessions."""
    return office.sessions(device_id=ask.text("device"), limit=ask.number("limit", 50, 0, 10_000))


def trace(office, ask):
    """Show one with its messages."""
    number, form = ask.path["id"], ask.text("format", "json")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise ToolError("there is no session %r: sessions have numbers" % number)
    if form not in ("json", "jsonl"):
        raise Wrong("format must be json or jsonl")
    traced = office.trace(int(number))
    if form == "json":
        return traced
    messages = traced.pop("messages")
    return Response(as_lines([traced, *messages]), 200, attachment("session-%s.jsonl" % number), "application/x-ndjson")


def attachment(name: str) -> dict[str, str]:
    """Return the header that saves an answer under a name."""
    plain = "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "_" for each in name)[:100]
    full = quote(name[:100], safe="", errors="replace")
    return {"content-disposition": "attachment; filename=\"%s\"; filename*=UTF-8''%s" % (plain, full)}


def slots(office, ask):
    """List the bench."""
    return office.slots()


def add_slot(office, ask):
    """Add a place of the bench."""
    given = ask.fields({"name": text, "url": text, "device": text}, ("name", "url"))
    office.add_slot(given["name"], given["url"], given.get("device", ""))
    return office.slots()


def remove_slot(office, ask):
    """Forget one."""
    office.remove_slot(ask.path["name"])
    return {"removed": ask.path["name"]}


def slot_power(office, ask):
    """Switch its power."""
    name, action = ask.path["name"], ask.path["action"]
    if action not in POWER:
        raise Wrong("there is no action %r, only %s" % (action, ", ".join(POWER)))
    office.slot_power(name, action)
    return {"slot": name, "did": action}


def history(office, ask):
    """Return what charts are drawn from."""
    return office.history(hours=ask.number("hours", 24, 1, 24 * 366))


def counters(office, ask):
    """Return what the server counts."""
    return office.counters()


def backup(office, ask):
    """Return a copy of the store; the file has no name while it is sent, so nothing is left behind."""
    with tempfile.TemporaryDirectory(prefix="fumo-backup-") as folder:
        path = os.path.join(folder, "backup.db")
        office.backup(path)
        file = open(path, "rb")
    size = os.fstat(file.fileno()).st_size
    headers = {**attachment("fumo-backup.db"), "content-length": str(size)}
    return StreamingResponse(_chunks(file), 200, headers, "application/vnd.sqlite3")


def _chunks(file):
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


TABLE = (
    Api("GET", "/api/campaigns", campaigns),
    Api("POST", "/api/campaigns", add_campaign, status=201),
    Api("GET", "/api/campaigns/{name:name}.csv", campaign_csv),
    Api("GET", "/api/campaigns/{name:name}", campaign),
    Api("POST", "/api/campaigns/{name:name}/{action}", campaign_do, conflicts=True),
    Api("DELETE", "/api/campaigns/{name:name}", remove_campaign, conflicts=True),
    Api("GET", "/api/sessions", sessions, ("device", "limit")),
    Api("GET", "/api/sessions/{id:name}", trace, ("format",)),
    Api("GET", "/api/slots", slots),
    Api("POST", "/api/slots", add_slot, status=201),
    Api("POST", "/api/slots/{name:name}/{action}", slot_power),
    Api("DELETE", "/api/slots/{name:name}", remove_slot),
    Api("GET", "/api/history", history, ("hours",)),
    Api("GET", "/api/counters", counters),
    Api("GET", "/api/backup", backup),
)
