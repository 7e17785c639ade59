"""Routes about devices, their enrolment, and commands for them."""

from flash_tools.server.admin.ask import anything, fields, flag, number, optional, text, texts
from flash_tools.server.admin.refusals import Wrong
from flash_tools.server.admin.routes import Api

_YEAR_S = 366 * 86400
COMMANDS_MAX = 200
DOINGS = ("get", "replace", "add", "delete", "exec", "copy")
_ABOUT = {"name": text, "tags": texts, "group": text, "notify": text, "contact_every_s": number(0, _YEAR_S)}
_ACCOUNT = {"auth": optional(text), "server_auth": optional(text), **_ABOUT}
_COMMAND = {"do": text, "uri": text, "value": anything, "format": text, "type": text, "list": text}
_FILTERS = ("text", "state", "campaign", "tag", "order_by", "start", "limit")


def devices(office, ask):
    """List devices."""
    page = {"start": ask.number("start", 0, 0, 10**9), "limit": ask.number("limit", 500, 0, 100_000)}
    chosen = {"order_by": ask.text("order_by", "id"), "state": ask.text("state"), "campaign": ask.text("campaign")}
    return office.devices(text=ask.text("text"), tag=ask.text("tag"), **chosen, **page)


def add_device(office, ask):
    """Make an account."""
    given = ask.fields({"id": text, **_ACCOUNT}, ("id",))
    return office.add_device(given.pop("id"), **_tagged(given))


def _tagged(given):
    return {**given, "tags": tuple(given["tags"])} if "tags" in given else given


def device(office, ask):
    """Show one."""
    return office.device(ask.path["id"])


def change_device(office, ask):
    """Change what people say of it."""
    given = ask.fields({**_ABOUT, "paused": flag})
    if not given:
        raise Wrong("say what is to change: %s, paused" % ", ".join(_ABOUT))
    office.change_device(ask.path["id"], **_tagged(given))
    return office.device(ask.path["id"])


def remove_device(office, ask):
    """Forget it."""
    office.remove_device(ask.path["id"])
    return {"removed": ask.path["id"]}


def notify(office, ask):
    """Wake it."""
    return {"session": office.send_notification(ask.path["id"])}


def notification(office, ask):
    """Make what wakes it, for somebody who brings it there."""
    return office.make_notification(ask.path["id"], **ask.fields({"to": text, "ui_mode": text, "resync": flag}))


def command(office, ask):
    """Give it commands for its next session."""
    given = ask.json
    listed = given if isinstance(given, list) else fields(given, {"commands": anything}, ("commands",))["commands"]
    if not isinstance(listed, list) or not 0 < len(listed) <= COMMANDS_MAX:
        raise Wrong("commands must be a list of 1 to %d commands" % COMMANDS_MAX)
    return {"task": office.command_device(ask.path["id"], [_command(each) for each in listed])}


def _command(value):
    if not isinstance(value, dict):
        raise Wrong('a command is an object as {"do": "get", "uri": "./DevInfo/Man"}')
    given = fields(value, _COMMAND, ("do", "uri"))
    if given["do"] not in DOINGS:
        raise Wrong("there is no command %r, only %s" % (given["do"], ", ".join(DOINGS)))
    if not isinstance(given.get("value", ""), str):
        raise Wrong("the value of a command must be a text")
    return given


def tokens(office, ask):
    """List the enrolment tokens."""
    return office.tokens()


def new_token(office, ask):
    """Make an enrolment token."""
    known = {"count": number(1, 10**6), "valid_s": number(1, 10 * _YEAR_S, whole=False), "model": text, "tags": texts}
    return office.new_token(**_tagged(ask.fields(known)))


def drop_token(office, ask):
    """Let nobody in by a token any more."""
    office.drop_token(ask.path["id"])
    return {"removed": ask.path["id"]}


def quarantine(office, ask):
    """List the devices that nobody knows."""
    return office.quarantine()


def accept(office, ask):
    """Make an account for one of them."""
    return office.accept(ask.path["id"], **_tagged(ask.fields(_ACCOUNT)))


def dismiss(office, ask):
    """Forget one of them."""
    office.dismiss(ask.path["id"])
    return {"dismissed": ask.path["id"]}


TABLE = (
    Api("GET", "/api/devices", devices, _FILTERS),
    Api("POST", "/api/devices", add_device, status=201),
    Api("POST", "/api/devices/{id:name}/notify", notify),
    Api("POST", "/api/devices/{id:name}/notification", notification),
    Api("POST", "/api/devices/{id:name}/commands", command, status=201),
    Api("GET", "/api/devices/{id:name}", device),
    Api("PATCH", "/api/devices/{id:name}", change_device),
    Api("DELETE", "/api/devices/{id:name}", remove_device),
    Api("GET", "/api/tokens", tokens),
    Api("POST", "/api/tokens", new_token, status=201),
    Api("DELETE", "/api/tokens/{id:name}", drop_token),
    Api("GET", "/api/quarantine", quarantine),
    Api("POST", "/api/quarantine/{id:name}/accept", accept, status=201),
    Api("POST", "/api/quarantine/{id:name}/dismiss", dismiss),
    Api("DELETE", "/api/quarantine/{id:name}", dismiss),
)
