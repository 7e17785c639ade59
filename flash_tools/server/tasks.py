"""Commands for a device outside of any order, on whatever subtree: made from what an operator wrote, with their answers."""

import base64
from threading import Condition

from flash_tools.errors import ToolError
from flash_tools.server.dm import commands as dm_commands
from flash_tools.server.dm.commands import Item

_KINDS = {"get": dm_commands.Get, "replace": dm_commands.Replace, "add": dm_commands.Add, "delete": dm_commands.Delete,
          "exec": dm_commands.Exec, "copy": dm_commands.Copy}  # fmt: skip
_LISTS = ("", "Struct", "StructData", "TNDS")
_MOST, _URI, _VALUE = 50, 255, 1 << 20
_KEYS = {"do", "uri", "value", "format", "type", "list", "source"}
_HIDDEN = ("AAuthSecret", "AAuthData")


class Task:
    """Commands for a device's next session; their answers are in the commands themselves."""

    def __init__(self, device_id: str, commands: list, changed: Condition, task_id: str = "", spec=None):
        self.device_id, self.commands, self.done = device_id, commands, False
        self.task_id, self.spec = task_id, spec
        self.key = task_id  # in the list of tasks
        self._changed = changed

    def wait(self, timeout: float = 60) -> bool:
        """Wait until they are answered; tell whether they are."""
        with self._changed:
            self._changed.wait_for(lambda: self.done, timeout)
            return self.done

    def secrets(self) -> list[str]:
        """Return the values that no trace may show."""
        return [each["value"] for each in self.spec or () if is_hidden(each["uri"]) and each.get("value")]

    def view(self) -> dict:
        """Return it for people, with what was answered."""
        return {
            "id": self.task_id,
            "device": self.device_id,
            "done": self.done,
            "commands": [_command_view(*pair) for pair in zip(self.spec or (), self.commands, strict=False)],
        }


def is_hidden(uri: str) -> bool:
    """Tell whether the value of a node is a secret."""
    return uri.rstrip("/").rpartition("/")[2] in _HIDDEN


def read_commands(spec) -> list:
    """Make commands of [{"do": "get", "uri": "./DevDetail"}, ...]."""
    if not isinstance(spec, list) or not 0 < len(spec) <= _MOST:
        raise ToolError("commands are a list of 1 to %d" % _MOST)
    return [_read(each) for each in spec]


def _read(each):
    if not isinstance(each, dict) or not set(each) <= _KEYS or not all(isinstance(text, str) for text in each.values()):
        raise ToolError("a command has some of %s, all of them texts" % ", ".join(sorted(_KEYS)))
    kind, uri, value = each.get("do", ""), each.get("uri", ""), each.get("value")
    if kind not in _KINDS:
        raise ToolError("a command does one of %s, not %r" % (", ".join(_KINDS), kind[:32]))
    if not uri or len(uri) > _URI or any(ord(letter) < 32 for letter in uri):
        raise ToolError("a command needs a uri of at most %d characters" % _URI)
    if value is not None and len(value) > _VALUE:
        raise ToolError("a value has at most %d characters" % _VALUE)
    if kind == "get":
        return dm_commands.Get([uri + _query(each.get("list", ""), uri)])
    if kind in ("replace", "add"):
        return _KINDS[kind](Item(uri, _data(value, each.get("format")), each.get("format"), each.get("type")))
    if kind == "copy":
        return dm_commands.Copy(Item(uri, source=each.get("source", "")))
    return _KINDS[kind](Item(uri, value))


def _query(name, uri):
    if name not in _LISTS:
        raise ToolError("a list is one of %s, not %r" % (", ".join(_LISTS[1:]), name[:32]))
    return "?list=" + name if name and "?" not in uri else ""


def _data(value, form):
    if value is None or form != "bin":
        return value
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise ToolError("a value of format bin is given in base64") from None


def _command_view(spec, command):
    results = [
        {"uri": each.source, "format": each.format, "type": each.type, "value": shown(each.source, each.data)}
        for each in command.results
    ]
    value = {"value": "(secret)"} if is_hidden(spec["uri"]) and spec.get("value") else {}
    return {**spec, **value, "status": command.status, "results": results}


def shown(uri: str, data: bytes) -> str:
    """Return a device's value as text; a secret is not shown, what is no text is told in hexadecimal digits."""
    if is_hidden(uri):
        return "(secret)"
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.hex()
