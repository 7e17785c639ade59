"""Routes about packages, the keys they are signed with, and orders."""

from flash_tools.server.admin.ask import flag, optional, text
from flash_tools.server.admin.json_text import write
from flash_tools.server.admin.refusals import Refused, Wrong
from flash_tools.server.admin.routes import Api

_ORDER = {"device": text, "package": optional(text), "method": text, "confirm": optional(text), "notify": flag}
_ORDER |= {"descriptor": flag}


def packages(office, ask):
    """List packages."""
    return office.packages()


def package(office, ask):
    """Show one."""
    return office.package(ask.path["name"])


def add_package(office, ask):
    """Take a file."""
    if not ask.body:
        raise Wrong("the body is empty: send the package's bytes in it")
    return office.add_package(ask.body, ask.text("name") or None, url=ask.text("url"))


def remove_package(office, ask):
    """Forget one."""
    office.remove_package(ask.path["name"])
    return {"removed": ask.path["name"]}


def signers(office, ask):
    """List the keys."""
    return office.signers()


def add_signer(office, ask):
    """Take a public key: its PEM, or an object with it."""
    if ask.body.lstrip().startswith(b"{"):
        given = ask.fields({"name": text, "public_pem": text}, ("name", "public_pem"))
        pem, name = given["public_pem"], given["name"]
    else:
        pem, name = _ascii(ask.body), ask.text("name")
    if "PRIVATE KEY" in pem:
        raise Wrong("that is a private key: send the public one, and let nobody see this one")
    return office.add_signer(pem, name)


def remove_signer(office, ask):
    """Trust a key no longer."""
    office.remove_signer(ask.path["kid"])
    return {"removed": ask.path["kid"]}


def _ascii(body):
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        raise Wrong("the body must be the PEM of a public key") from None


def orders(office, ask):
    """List orders."""
    chosen = {"device_id": ask.text("device"), "campaign": ask.text("campaign"), "state": ask.text("state")}
    chosen["limit"] = ask.number("limit", 500, 1, 10**9)
    return office.orders(**chosen)


def place(office, ask):
    """Order an update."""
    given = ask.fields(_ORDER, ("device", "package"))
    order_id = office.place(given.pop("device"), given.pop("package"), **given)
    return office.order(order_id)


def cancel(office, ask):
    """Cancel an order, where it cannot have left yet."""
    said = office.cancel(ask.path["id"])
    if said != "cancelled":
        raise Refused(409, said)
    return office.order(ask.path["id"])


def prune(office, ask):
    """Forget what is old."""
    given = ask.fields({"keep_days": _days}, ("keep_days",))
    return office.prune(given["keep_days"])


def _days(value, name):
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100_000:
        raise Wrong("%s must be a number of days" % name)
    return value


def as_lines(records) -> bytes:
    """Return records as JSON, one a line."""
    return b"".join(write(each) + b"\n" for each in records)


TABLE = (
    Api("GET", "/api/packages", packages),
    Api("POST", "/api/packages", add_package, ("name", "url"), 201),
    Api("GET", "/api/packages/{name:name}", package),
    Api("DELETE", "/api/packages/{name:name}", remove_package),
    Api("GET", "/api/signers", signers),
    Api("POST", "/api/signers", add_signer, ("name",), 201),
    Api("DELETE", "/api/signers/{kid:name}", remove_signer),
    Api("GET", "/api/orders", orders, ("device", "campaign", "state", "limit")),
    Api("POST", "/api/orders", place, status=201),
    Api("POST", "/api/orders/{id:name}/cancel", cancel),
    Api("DELETE", "/api/orders/{id:name}", cancel),
    Api("POST", "/api/prune", prune),
)
