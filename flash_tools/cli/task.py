"""`fumo device get`, `set` and `exec`: commands to a device's tree, which its next session brings."""

import time
from typing import Annotated

import typer

from flash_tools.admin_client import path
from flash_tools.cli.output import say, seconds, served, show_table
from flash_tools.errors import ToolError

PART_S = 20  # of one request that waits

Id = Annotated[str, typer.Argument(help="DevId of the device.", metavar="DEVICE")]
Uri = Annotated[str, typer.Argument(help="Node of its tree, ./DevInfo/Mod for example.", metavar="URI")]
Wait = Annotated[str, typer.Option(help="How long to wait for the answer: 90s, 15m; 0 for not at all.")]


class NotYetError(ToolError):
    """What was waited for is not over."""

    exit_code = 3


def register(app: typer.Typer) -> None:
    """Add the commands to `fumo device`."""
    for name, function in (("get", get), ("set", replace), ("exec", execute)):
        app.command(name)(served("device " + name, writes=True)(function))


def get(
    server,
    device_id: Id,
    uri: Annotated[list[str], typer.Argument(help="Nodes of its tree.", metavar="URI...")],
    struct: Annotated[bool, typer.Option("--tree", help="With everything below.")] = False,
    wait: Wait = "5m",
) -> None:
    """Read nodes."""
    more = {"list": "StructData"} if struct else {}
    _do(server, device_id, [{"do": "get", "uri": each, **more} for each in uri], wait)


def replace(
    server,
    device_id: Id,
    uri: Uri,
    value: Annotated[str, typer.Argument(help="The new value.")],
    form: Annotated[str, typer.Option("--format", help="chr, int, bool, b64 ...")] = "",
    add: Annotated[bool, typer.Option("--add", help="Make the node.")] = False,
    wait: Wait = "5m",
) -> None:
    """Write a node."""
    more = {"format": form} if form else {}
    _do(server, device_id, [{"do": "add" if add else "replace", "uri": uri, "value": value, **more}], wait)


def execute(
    server,
    device_id: Id,
    uri: Uri,
    value: Annotated[str, typer.Argument(help="Its data.", show_default=False)] = "",
    wait: Wait = "5m",
) -> None:
    """Execute a node."""
    _do(server, device_id, [{"do": "exec", "uri": uri, **({"value": value} if value else {})}], wait)


def _do(server, device_id, commands, wait):
    wait_s = 0 if wait == "0" else seconds(wait)
    made = server.client.post(path("devices", device_id, "commands"), {"commands": commands})
    number = made["task"]
    if not server.client.runs or not wait_s:
        say("no answer yet: the device's next session brings it (task %s)" % number)
        return server.show({"task": number, "done": False}, lambda: None)
    task = _wait(server.client, number, wait_s)
    server.show({"task": task}, lambda: _show(task))
    failed = [each for each in task["commands"] if not 200 <= (each["status"] or 0) < 300]
    if failed:
        raise ToolError("the device answers %s for %s" % (failed[0]["status"], failed[0]["uri"]))


def _wait(client, number, wait_s):
    deadline = time.monotonic() + wait_s
    while True:
        left_s = max(deadline - time.monotonic(), 0)
        part_s = min(left_s, PART_S)
        task = client.get(path("tasks", number), timeout_s=part_s + 30, wait=round(part_s, 1))
        if task["done"]:
            return task
        if not left_s:
            raise NotYetError("no answer after %d s: the device has not called (task %s)" % (wait_s, number))


def _show(task):
    rows = []
    for command in task["commands"]:
        found = command.get("results") or [{"uri": command["uri"]}]
        rows += [(each["uri"], each.get("value"), each.get("format"), command["status"]) for each in found]
    show_table("", ["node", "value", "format", "status"], rows)
