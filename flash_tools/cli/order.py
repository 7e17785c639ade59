"""`fumo order` and `fumo orders`, and the packages of a server: `fumo package add`, `list`, `remove`, `trust`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.admin_client import path
from flash_tools.cli.output import clock, read, say, seconds, served, show_fields, show_table
from flash_tools.cli.task import NotYetError
from flash_tools.errors import StoppedError, ToolError

orders_app = typer.Typer(no_args_is_help=True, help="What devices were ordered.")

_LOOK_S = 2  # between two looks at an order
_OVER = ("done", "failed", "cancelled")
_PEOPLE = (
    "device",
    "package",
    "version",
    "method",
    "state",
    "code",
    "failure",
    "firmware_before",
    "firmware_after",
    "correlator",
)


@served("order", writes=True)
def order(
    server,
    device_id: Annotated[str, typer.Argument(help="DevId of the device.", metavar="DEVICE")],
    package: Annotated[str, typer.Argument(help="Name of the package on the server.")],
    method: Annotated[
        str, typer.Option(help="download-and-update, download, download-only, push or update.")
    ] = "download-and-update",
    confirm: Annotated[str | None, typer.Option(help="What its user is asked first.", show_default=False)] = None,
    notify: Annotated[bool, typer.Option("--notify/--no-notify", help="Wake the device.")] = True,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the outcome.")] = False,
    within: Annotated[str, typer.Option(help="How long to wait: 90s, 15m, 24h.")] = "1h",
) -> None:
    """Order an update of one device."""
    limit_s = seconds(within)
    if wait and not server.client.runs:
        raise ToolError("no server runs on this folder, so there is nothing to wait for: start `fumo server run`")
    fields = {"device": device_id, "package": package, "method": method, "confirm": confirm, "notify": notify}
    made = server.client.post("/api/orders", {name: value for name, value in fields.items() if value is not None})
    number = made["id"]
    if not wait:
        say("order %s%s" % (number, "" if server.client.runs else "; it waits until `fumo server run`"))
        return server.show({"order": made}, lambda: print(number))
    try:
        found = _wait(server.client, number, limit_s)
    except KeyboardInterrupt:
        text = "order %s goes on: see `fumo orders show %s`, or take it back by `fumo orders cancel %s`"
        raise StoppedError(text % (number, number, number)) from None
    _tell(server, found)


def _wait(client, number, limit_s):
    """Wait for the end; say on the way how far it is."""
    deadline, told = time.monotonic() + limit_s, ""
    while True:
        left_s = max(deadline - time.monotonic(), 0)
        part_s = min(left_s, _LOOK_S)
        found = client.get(path("orders", number), timeout_s=part_s + 30, wait=round(part_s, 1))
        if found["state"] in _OVER:
            return found
        if not left_s:
            raise NotYetError("order %s is %s after %d s" % (number, found["state"], limit_s))
        if found["state"] != told:
            told = found["state"]
            say("%s%s" % (told, ": the device's next session brings it" if told == "waiting" else ""))


def _tell(server, found):
    if not found["success"]:
        from flash_tools.server.page.words import result_words  # it brings the whole page along

        known = result_words(found["code"]) if found["code"] is not None else ""
        why = found["failure"] or known or "it ended as %s" % found["state"]
        code = " with %s" % found["code"] if found["code"] is not None else ""
        raise ToolError("order %s failed%s: %s" % (found["id"], code, why))
    server.show({"order": found}, lambda: show_fields({"order": found["id"], **_fields(found)}))


def _fields(found):
    return {name.replace("_", " "): found.get(name) for name in _PEOPLE if found.get(name) not in (None, "")}


@orders_app.command("list")
@served("orders list")
def list_orders(
    server,
    device: Annotated[str, typer.Option(help="Only of this device.")] = "",
    campaign: Annotated[str, typer.Option(help="Only of this campaign.")] = "",
    state: Annotated[str, typer.Option(help="Only in this state.")] = "",
) -> None:
    """List orders."""
    found = server.client.get("/api/orders", device=device, campaign=campaign, state=state)
    rows = [(each["id"], each["device"], each["package"], each["state"], each["code"], clock(each["created"]), each["failure"])
            for each in found]  # fmt: skip
    columns = ["id", "device", "package", "state", "code", "created", "failure"]
    server.show({"orders": found}, lambda: show_table("orders: %d" % len(found), columns, rows))


@orders_app.command("show")
@served("orders show")
def show_order(server, order_id: Annotated[str, typer.Argument(metavar="ORDER")]) -> None:
    """Show an order."""
    found = server.client.get(path("orders", order_id))
    server.show({"order": found}, lambda: show_fields({"order": found["id"], **_fields(found)}))


@orders_app.command("cancel")
@served("orders cancel", writes=True)
def cancel_order(server, order_id: Annotated[str, typer.Argument(metavar="ORDER")]) -> None:
    """Cancel an order that has not left."""
    found = server.client.delete(path("orders", order_id))
    say("order %s is %s" % (order_id, found["state"]))
    server.show({"order": found}, lambda: None)


# -- packages ---------------------------------------------------------------------------------------------------------


def register(app: typer.Typer) -> None:
    """Add the commands to `fumo`."""
    app.command("order")(order)
    app.add_typer(orders_app, name="orders")


def register_packages(package_app: typer.Typer) -> None:
    """Add the commands of a server to `fumo package`."""
    for name, function in (("add", add), ("list", list_packages), ("remove", remove), ("trust", trust)):
        package_app.command(name)(served("package " + name, writes=function is not list_packages)(function))


def add(
    server,
    file: Annotated[Path, typer.Argument(help="The package.")],
    name: Annotated[str, typer.Option(help="Its name on the server, the file's otherwise.")] = "",
    elsewhere: Annotated[str, typer.Option(help="URL where devices fetch it, if not from this server.")] = "",
) -> None:
    """Give a server a package; it is checked, and refused where its signer is not trusted."""
    made = server.client.post("/api/packages", read(file), name=name or file.name, url=elsewhere)
    say("added %s: version %s for %s" % (made["name"], made["version"], ", ".join(made["models"])))
    server.show({"package": made}, lambda: None)


def list_packages(server) -> None:
    """List the packages of a server."""
    found = server.client.get("/api/packages")
    rows = [(each["name"], each["version"], each["product"], " ".join(each["models"]), each["encoding"], each["size"],
             each["base_version"], each["signer"] or each["kid"], each["orders"]) for each in found]  # fmt: skip
    columns = ["name", "version", "product", "models", "encoding", "bytes", "from", "signer", "orders"]
    server.show({"packages": found}, lambda: show_table("packages: %d" % len(found), columns, rows))


def remove(server, name: Annotated[str, typer.Argument(metavar="PACKAGE")]) -> None:
    """Remove a package from a server."""
    server.client.delete(path("packages", name))
    say("removed %s" % name)
    server.show({"package": name}, lambda: None)


def trust(
    server,
    key: Annotated[Path, typer.Argument(help="PEM file of a public key.")],
    name: Annotated[str, typer.Option(help="Whose it is.")] = "",
) -> None:
    """Trust a signer; from the first one on, packages of nobody else are taken."""
    text = read(key).decode("utf-8", "replace")
    if "PRIVATE" in text:
        raise ToolError("%s is a private key: a server needs the public one, .pub.pem" % key)
    made = server.client.post("/api/signers", {"public_pem": text, "name": name or key.name.removesuffix(".pub.pem")})
    say("packages of %s are taken" % (name or key.name))
    server.show({"signer": made}, lambda: None)
