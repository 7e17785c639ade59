"""docs/api.md names every route that there is, and none that there is not; so do its statuses and limits."""

import pathlib
import re

from flash_tools.server.admin import body, events, make_admin
from tests.host.admin_office import TOKEN, FakeOffice

TEXT = (pathlib.Path(__file__).parents[2] / "docs/api.md").read_text()
ROUTE = re.compile(r"`(GET|POST|PATCH|DELETE) (/[^`? ]*)")


def described():
    """Return (method, path) of what the tables describe."""
    lines = [line.split(" | ")[0] for line in TEXT.splitlines() if line.startswith("| `")]
    found = {(method, re.sub(r"\{[^}]*\}", "{}", path)) for line in lines for method, path in ROUTE.findall(line)}
    assert len(found) > 40
    return found


def test_every_route_is_described():
    app = make_admin(FakeOffice(), TOKEN, secure=False, page_routes=[])
    routes = {
        (method, re.sub(r"\{[^}]*\}", "{}", route.path))
        for route in app._app.routes
        for method in route.methods - {"HEAD"}
        if not route.path.startswith("/sign-")
    }
    assert described() == routes


def test_the_figures():
    assert body.OTHER_MAX == 1 << 20 and body.PACKAGE_MAX == 64 << 20 and "1 MiB, a package 64 MiB" in TEXT
    assert "every %d seconds" % events.KEEP_ALIVE_S in TEXT
    assert len(TEXT.splitlines()) < 150
