"""`fumo campaign`: updates of many devices in groups, from a TOML file to the table of what became of them."""

from pathlib import Path
from typing import Annotated

import typer

from flash_tools.admin_client import path
from flash_tools.cli.output import read, say, served, show_fields, show_table, write

app = typer.Typer(no_args_is_help=True, help="Campaigns: one package for many devices.")

Name = Annotated[str, typer.Argument(metavar="CAMPAIGN")]
_ACTIONS = {
    "start": "Start it: the first group is ordered.",
    "pause": "Order no more devices; those under way go on.",
    "resume": "Go on with a campaign that was paused.",
    "next": "Begin the next group now.",
    "abort": "Order no more, ever; says how many have already said yes and go on.",
    "retry": "Order the failed ones again.",
    "remove": "Forget a campaign.",
}


@app.command("add")
@served("campaign add", writes=True)
def add(server, file: Annotated[Path, typer.Argument(help="TOML of the campaign (docs/campaigns.md).")]) -> None:
    """Add a campaign."""
    made = server.client.post("/api/campaigns", read(file))
    devices = sum(group["size"] for group in made["groups"])
    text = "added %s: %s for %d devices, %s" % (made["name"], made["package"], devices, made["state"])
    say(text + ("; `fumo campaign start %s` begins" % made["name"] if made["state"] == "ready" else ""))
    if not devices:
        say("warning: its filter fits no device now")
    server.show({"campaign": made}, lambda: None)


@app.command("list")
@served("campaign list")
def list_campaigns(server) -> None:
    """List campaigns."""
    found = server.client.get("/api/campaigns")
    rows = [(each["name"], each["state"], each["package"], each["version"], _counts(each["counts"]), each["reason"])
            for each in found]  # fmt: skip
    columns = ["name", "state", "package", "version", "devices", "reason"]
    server.show({"campaigns": found}, lambda: show_table("campaigns: %d" % len(found), columns, rows))


@app.command("show")
@served("campaign show")
def show(server, name: Name) -> None:
    """Show a campaign with its groups and failures."""
    found = server.client.get(path("campaigns", name))
    server.show({"campaign": found}, lambda: _show(found))


def _show(found):
    names = ("name", "state", "package", "version", "filter", "reason", "aborted")
    fields = {name: found[name] for name in names if found.get(name)}
    show_fields({**fields, "devices": _counts(found["counts"]), "results": _counts(found["results"])})
    groups = [(each["name"], each["state"], each["size"], _counts(each["counts"])) for each in found["groups"]]
    show_table("groups", ["name", "state", "size", "devices"], groups)
    failed = [each for each in found.get("targets", ()) if each["state"] == "failed"]
    rows = [(each["device"], each["group"], each["attempts"], each["code"], each["failure"]) for each in failed]
    if rows:
        show_table("failures", ["device", "group", "attempts", "code", "failure"], rows)


def _counts(counts):
    return ", ".join("%s %s" % pair for pair in counts.items() if pair[1]) or "none"


def _action(action, text):
    @served("campaign " + action, writes=True)
    def run(server, name: Name) -> None:
        found = server.client.post(path("campaigns", name, action), {})
        told = found.get("aborted") if action == "abort" else None
        state = "removed" if action == "remove" else found["state"]
        say("%s: %s%s" % (name, state, ", %s" % _counts(told) if told and any(told.values()) else ""))
        server.show({"campaign": found}, lambda: None)

    run.__doc__ = text
    app.command(action)(run)


for _name, _text in _ACTIONS.items():
    _action(_name, _text)


@app.command("csv")
@served("campaign csv", writes=True)
def csv(
    server,
    name: Name,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File, stdout otherwise.")] = None,
) -> None:
    """Export what became of every device."""
    data = server.client.bytes(path("campaigns", name + ".csv"))
    if output and not server.dry_run:
        write(output, data)
    if output:
        say("%s %s, %d bytes" % ("would write" if server.dry_run else "wrote", output, len(data)))
    server.show({"campaign": name, "file": str(output) if output else None, "csv": None if output else data.decode()},
                lambda: None if output else print(data.decode(), end=""))  # fmt: skip
