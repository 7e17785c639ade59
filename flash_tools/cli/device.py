"""`fumo device`: accounts of devices, what they are and do, commands to them, and who may enrol."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.admin_client import path
from flash_tools.cli import task as task_cli
from flash_tools.cli.output import ago, clock, say, seconds, served, show_fields, show_table, write
from flash_tools.errors import ToolError

app = typer.Typer(no_args_is_help=True, help="Devices of a server.")

Id = Annotated[str, typer.Argument(help="DevId of the device.", metavar="DEVICE")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="May be given more than once.")]
Notify = Annotated[
    str | None,
    typer.Option(help="Where it hears notifications: address:port, or a port where it came from.", show_default=False),
]
Auth = Annotated[str, typer.Option(help="auto, md5, MAC, basic or none: how the device proves itself.")]
ServerAuth = Annotated[str, typer.Option(help="The same for the server towards the device.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="File of the bundle, stdout otherwise.")]


def _account(tags, notify, auth, server_auth, **more):
    fields = {"tags": tags, "notify": notify, "auth": auth, "server_auth": server_auth, **more}
    return {name: _type(value) for name, value in fields.items() if value}


def _type(value):
    return None if value == "none" else value


def _give(server, bundle, output):
    """Hand out what a device is provisioned with: its secrets, for the owner's eyes only."""
    text = json.dumps(bundle, indent=1) + "\n"
    if output:
        write(output, text.encode(), 0o600)
        say("wrote %s: keep it secret, and give it to the device" % output)
    server.show(
        {"bundle": bundle, "file": str(output) if output else None}, lambda: None if output else print(text, end="")
    )


@app.command("add")
@served("device add", writes=True)
def add(
    server,
    device_id: Id,
    output: Output = None,
    name: Annotated[str, typer.Option(help="A name for people.")] = "",
    tag: Tags = None,
    group: Annotated[str, typer.Option(help="A group of devices, for campaigns.")] = "",
    notify: Notify = None,
    contact_every: Annotated[str, typer.Option(help="How often it should call: 1h; overdue then.")] = "",
    auth: Auth = "auto",
    server_auth: ServerAuth = "auto",
    renew: Annotated[bool, typer.Option("--renew", help="Other secrets for a device that is known.")] = False,
) -> None:
    """Make an account with secrets for both directions; the bundle is what the device is provisioned with."""
    if output and output.exists():
        raise ToolError("%s exists: choose another name" % output)
    every = seconds(contact_every) if contact_every else None
    more = {"name": name, "group": group, "contact_every_s": every}
    if not renew and _is_known(server.client, device_id):
        raise ToolError("%s is known already; --renew gives it other secrets, and the old ones are void" % device_id)
    bundle = server.client.post("/api/devices", {"id": device_id, **_account(tag, notify, auth, server_auth, **more)})
    _give(server, bundle, output)


def _is_known(client, device_id):
    found = client.get("/api/devices", text=device_id, limit=10000)
    return any(row["id"] == device_id for row in found["devices"])


@app.command("list")
@served("device list")
def list_devices(
    server,
    text: Annotated[str, typer.Argument(help="What id, name, model or tag contain.", show_default=False)] = "",
    state: Annotated[str, typer.Option(help="Only devices in this state.")] = "",
    campaign: Annotated[str, typer.Option(help="Only devices of this campaign.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10000, help="The most that are shown.")] = 500,
) -> None:
    """List the devices."""
    found = server.client.get("/api/devices", text=text, state=state, campaign=campaign, limit=limit)
    rows = [
        (row["id"], row["name"], row["model"], row["firmware"], row["target"], _state(row), ago(row["last_seen"]),
         " ".join(row["tags"]))
        for row in found["devices"]
    ]  # fmt: skip
    columns = ["id", "name", "model", "firmware", "target", "state", "last seen", "tags"]
    server.show(found, lambda: show_table("devices: %d" % found["total"], columns, rows))


def _state(row):
    progress = " %d %%" % (100 * row["progress"]) if row.get("progress") is not None else ""
    return (
        row["state"]
        + progress
        + (" %s" % row["code"] if row.get("code") else "")
        + (" overdue" if row.get("overdue") else "")
    )


@app.command("show")
@served("device show")
def show(server, device_id: Id) -> None:
    """Show all that is known of a device."""
    device = server.client.get(path("devices", device_id))
    server.show({"device": device}, lambda: _show(device))


def _show(device):
    names = (
        "id",
        "name",
        "manufacturer",
        "model",
        "hw",
        "firmware",
        "target",
        "state",
        "address",
        "notify",
        "group",
        "diagnosis",
    )
    fields = {name: device.get(name) for name in names}
    account = ", ".join("%s %s" % pair for pair in (device.get("account") or {}).items())
    fields |= {"tags": " ".join(device.get("tags", ())), "last seen": ago(device.get("last_seen")), "account": account}
    show_fields({name: value for name, value in fields.items() if value})
    orders = [
        (each["id"], each["package"], each["state"], each["code"], each["failure"]) for each in device.get("orders", ())
    ]
    if orders:
        show_table("orders", ["id", "package", "state", "code", "failure"], orders)
    events = [(clock(each["at"]), each["kind"], each["text"]) for each in device.get("timeline", ())]
    if events:
        show_table("timeline", ["at", "what", ""], events)


@app.command("change")
@served("device change", writes=True)
def change(
    server,
    device_id: Id,
    name: Annotated[str | None, typer.Option(help="A name for people.", show_default=False)] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="All its tags; --tag '' for none.")] = None,
    group: Annotated[str | None, typer.Option(help="A group of devices.", show_default=False)] = None,
    notify: Notify = None,
    contact_every: Annotated[str | None, typer.Option(help="0 for never.", show_default=False)] = None,
    paused: Annotated[
        bool | None, typer.Option("--pause/--go-on", help="No orders for it.", show_default=False)
    ] = None,
) -> None:
    """Change what the server keeps of a device."""
    every = None if contact_every is None else 0 if contact_every == "0" else seconds(contact_every)
    fields = {"name": name, "group": group, "notify": notify, "contact_every_s": every, "paused": paused}
    fields["tags"] = None if not tag else [each for each in tag if each]
    wanted = {key: value for key, value in fields.items() if value is not None}
    if not wanted:
        raise ToolError("nothing to change: name what, for example --tag field")
    server.client.patch(path("devices", device_id), wanted)
    say("changed %s" % device_id)
    server.show({"device": device_id, "changed": wanted}, lambda: None)


@app.command("remove")
@served("device remove", writes=True)
def remove(server, device_id: Id) -> None:
    """Remove an account; the device is not known any more."""
    server.client.delete(path("devices", device_id))
    say("removed %s" % device_id)
    server.show({"device": device_id}, lambda: None)


@app.command("notify")
@served("device notify", writes=True)
def notify_device(server, device_id: Id) -> None:
    """Wake a device: send it a notification."""
    session = server.client.post(path("devices", device_id, "notify"), {})
    say("sent a notification to %s" % device_id)
    server.show({"device": device_id, **(session if isinstance(session, dict) else {"session": session})}, lambda: None)


# -- enrolment --------------------------------------------------------------------------------------------------------


@app.command("enrol-token")
@served("device enrol-token", writes=True)
def enrol_token(
    server,
    count: Annotated[int, typer.Option(min=1, max=100000, help="How many devices may use it.")] = 1,
    valid: Annotated[str, typer.Option(help="For how long: 90s, 15m, 24h, 7d.")] = "24h",
    model: Annotated[str, typer.Option(help="Only devices of this model.")] = "",
    tag: Tags = None,
) -> None:
    """Make a token with which devices that nobody has added get their account, over TLS."""
    wanted = {"count": count, "valid_s": seconds(valid), "model": model, "tags": tag or []}
    made = server.client.post("/api/tokens", wanted)
    say("for %d device%s until %s; it is shown only now" % (count, "s" * (count > 1), clock(made["expires"])))
    server.show(made, lambda: print(made["token"]))


@app.command("quarantine")
@served("device quarantine", writes=True)
def quarantine(
    server, dismiss: Annotated[str, typer.Option(help="Forget this one; it comes again if it calls again.")] = ""
) -> None:
    """List devices that called and that nobody has added; with `unknown = "quarantine"` in server.toml."""
    if dismiss:
        server.client.delete(path("quarantine", dismiss))
        say("dismissed %s" % dismiss)
    found = server.client.get("/api/quarantine")
    rows = [(each["id"], ago(each["first_seen"]), ago(each["last_seen"]), each["times"], each["address"], each["why"])
            for each in found]  # fmt: skip
    columns = ["id", "first seen", "last seen", "times", "address", "why"]
    server.show({"quarantine": found}, lambda: show_table("devices: %d" % len(found), columns, rows))


@app.command("accept")
@served("device accept", writes=True)
def accept(
    server, device_id: Id, output: Output = None, tag: Tags = None, notify: Notify = None, auth: Auth = "auto",
    server_auth: ServerAuth = "auto",
) -> None:  # fmt: skip
    """Give a device in quarantine an account."""
    if output and output.exists():
        raise ToolError("%s exists: choose another name" % output)
    fields = _account(tag, notify, auth, server_auth)
    _give(server, server.client.post(path("quarantine", device_id, "accept"), fields), output)


task_cli.register(app)
