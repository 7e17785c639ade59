"""One device: what it is at, its timeline, tree, sessions and orders, and what can be done with it."""

from urllib.parse import quote

from flash_tools.errors import ToolError
from flash_tools.server.orders import METHODS
from flash_tools.server.page.drawing import outline
from flash_tools.server.page.endpoints import form, screen
from flash_tools.server.page.render import go, page, sure
from flash_tools.server.page.text import device_url, unquoted

COMMANDS = ("get", "replace", "add", "delete", "exec", "copy")
FORMATS = ("", "chr", "int", "bool", "bin", "b64", "null", "node", "xml")


def routes(office) -> list:
    """Return the routes of one device; ids may hold slashes, and an id of dots stands in the query."""
    screens, made = _Device(office), []
    for path in ("/device", "/devices/{id:anything}"):
        made += [screen(path, screens.show), form(path, screens.act)]
    return made


def _id_of(request):
    return request.path_params.get("id") or request.query_params.get("id", "")


class _Device:
    def __init__(self, office):
        self._office = office

    def show(self, request):
        """Show the device."""
        device = self._office.device(_id_of(request))
        tree, left_out = outline(device["tree"])
        task = self._task(request.query_params.get("task", ""))
        waiting = [each for each in device.get("tasks") or [] if not task or each["id"] != task["id"]]
        return page(
            request,
            "device.html",
            screen="device",
            device=device,
            tree=tree,
            left_out=left_out,
            packages=self._office.packages(),
            methods=METHODS,
            commands=COMMANDS,
            formats=FORMATS,
            uri=request.query_params.get("uri", "")[:1024],
            order=device["order"] or (device["orders"][0] if device["orders"] else None),
            numbers={each["session_id"]: each["id"] for each in device["sessions"]},
            tasks=([task] if task else []) + waiting,
        )

    def _task(self, text):
        if not text:
            return None
        try:
            return self._office.task(text)
        except ToolError:
            return None  # it is over, and forgotten

    def act(self, request, sent):
        """Do what a button asks for."""
        device_id = _id_of(request)
        acts = {"wake": self._wake, "order": self._order, "command": self._command, "change": self._change}
        acts |= {"pause": self._pause, "resume": self._resume, "cancel": self._cancel, "remove": self._remove}
        act = acts.get(sent.text("action"))
        if act is None:
            raise ToolError("there is no such action for a device")
        return act(request, sent, device_id)

    def _wake(self, request, sent, device_id):
        self._office.send_notification(device_id)
        return go(request, said="The notification is on its way; the device calls when it has it.")

    def _order(self, request, sent, device_id):
        if not sent.text("package"):
            raise ToolError("which package? upload one first where there is none")
        more = {"confirm": sent.text("confirm") or None, "notify": sent.get("notify") == "1"}
        self._office.place(device_id, sent.text("package"), sent.text("method") or METHODS[0], **more)
        return go(request, said="Ordered; it is offered in the device's next session.")

    def _command(self, request, sent, device_id):
        command = {"do": sent.text("do"), "uri": sent.text("uri")}
        if not command["uri"]:
            raise ToolError("which node? write its address, for example ./DevInfo/DevId")
        if command["do"] in ("replace", "add"):
            command |= {"value": sent.get("value", ""), "format": sent.text("format"), "type": sent.text("type")}
        if command["do"] in ("exec", "copy"):
            command["value" if command["do"] == "exec" else "source"] = sent.get("value", "")
        if sent.get("list") == "1" and command["do"] == "get":
            command["list"] = "StructData"
        task = self._office.command_device(device_id, [{name: value for name, value in command.items() if value != ""}])
        if sent.get("notify") == "1":
            self._office.send_notification(device_id)
        where = device_url(device_id)
        where += ("&" if "?" in where else "?") + "task=%s#commands" % quote(str(task))
        return go(request, where, "The command goes out in the device's next session.")

    def _change(self, request, sent, device_id):
        tags = [each for each in (part.strip() for part in sent.text("tags").split(",")) if each]
        seconds = sent.number("contact_every_s", 0)
        values = {"name": sent.text("name"), "group": sent.text("group"), "notify": sent.text("notify")}
        self._office.change_device(device_id, tags=tags, contact_every_s=seconds, **values)
        return go(request, said="Changed.")

    def _pause(self, request, sent, device_id):
        self._office.change_device(device_id, paused=True)
        return go(request, said="Paused: the device is offered nothing until you resume it.")

    def _resume(self, request, sent, device_id):
        self._office.change_device(device_id, paused=False)
        return go(request, said="Resumed.")

    def _cancel(self, request, sent, device_id):
        asked = sure(request, sent, "Cancel this order?", "Cancel the order")
        return asked or go(request, said="The order: %s." % self._office.cancel(unquoted(sent.text("order"))))

    def _remove(self, request, sent, device_id):
        asked = sure(request, sent, "Remove this device and its account? It can not sign in afterwards.", "Remove")
        if asked:
            return asked
        self._office.remove_device(device_id)
        return go(request, "/devices", "The device is removed.")
