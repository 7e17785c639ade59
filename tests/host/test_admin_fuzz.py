"""The admin app in front of a real Office, attacked: whatever comes, the answer is one of the documented ones, in one line."""

import json
import re
import socket
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flash_tools.server.admin import faults_api
from flash_tools.server.office import Office
from tests.host.admin_office import TOKEN, Admin

DOCUMENTED = {200, 201, 303, 400, 401, 403, 404, 405, 408, 409, 413, 429, 503}
FEW = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def admin():
    office = Office(url="https://localhost:8443")
    for device_id in ("dev-1", "a/b:%", "\u00fc"):
        office.add_device(device_id, notify="127.0.0.1:9")
    with Admin(office) as made:
        yield made
    office.close()


def templates(admin):
    """Return (method, path) of every route but those that only read and are slow."""
    routes = [route for route in admin.app._app.routes if route.path.startswith(("/api", "/metrics", "/sign"))]
    return sorted({(method, route.path) for route in routes for method in route.methods})


words = st.sampled_from(
    ["dev-1", "a/b:%", "\u00fc", "..", "start", "on", "1", "0", "-1", "nan", "x", "", "a\n", "\u202e", "remove"]
)
names = words | st.text(max_size=20)
plain = names | st.integers() | st.floats() | st.booleans() | st.none()
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=8
)
FIELDS = [
    "id", "name", "tags", "group", "notify", "contact_every_s", "auth", "server_auth", "paused", "commands", "do", "uri",
    "value", "count", "valid_s", "model", "public_pem", "device", "package", "method", "confirm", "descriptor", "toml", "url",
    "keep_days", "kind", "fault", "for", "args", "times", "skip", "faults", "campaign", "filter", "start", "retries", "window",
]  # fmt: skip
objects = st.dictionaries(st.sampled_from(FIELDS), values, max_size=5)
likely = st.fixed_dictionaries(
    {},
    optional={
        "id": names, "name": names, "tags": st.lists(names, max_size=3), "notify": names, "auth": names, "group": names,
        "contact_every_s": st.integers(-1, 10**9), "device": words, "package": names, "confirm": names, "valid_s": st.floats(),
    },
)  # fmt: skip
COMMANDS = st.fixed_dictionaries(
    {"do": st.sampled_from(["get", "replace", "add", "delete", "exec", "copy"]), "uri": names},
    optional={"value": names, "format": names, "type": names, "list": names},
)
json_bodies = (objects | likely | values | st.lists(COMMANDS, max_size=3)).map(lambda each: json.dumps(each).encode())
bodies = (
    json_bodies
    | st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
QUERIES = [
    "text",
    "state",
    "order_by",
    "start",
    "limit",
    "tag",
    "name",
    "url",
    "wait",
    "after",
    "kinds",
    "hours",
    "format",
    "next",
]
queries = st.dictionaries(st.sampled_from(QUERIES), names, max_size=3)


def check(answer, path):
    """See that an answer is one that the documentation knows."""
    assert answer.status in DOCUMENTED, (answer.status, answer.body)
    assert b"Traceback" not in answer.body and b"site-packages" not in answer.body
    if answer.status >= 400 and path.startswith(("/api", "/metrics")) and answer.body:
        assert answer.error and answer.error.isprintable() and len(answer.error) <= 500


@FEW
@given(st.data())
def test_every_route_with_everything(admin, data):
    method, template = data.draw(st.sampled_from(templates(admin)))
    path = re.sub(r"\{[^}]*\}", lambda _: quote(data.draw(names), safe="", errors="replace"), template)
    query = data.draw(queries) if data.draw(st.integers(0, 3)) == 0 else {}
    query = {name: "0" if name == "wait" else value for name, value in query.items()}
    text = "&".join("%s=%s" % (name, quote(value, safe="", errors="replace")) for name, value in query.items())
    body = data.draw(bodies) if method in ("POST", "PATCH") else None
    answer = admin.ask(method, path + ("?" + text if text else ""), body)
    check(answer, path if method != "HEAD" else "")


@FEW
@given(
    likely,
    st.sampled_from(["/api/devices", "/api/tokens", "/api/orders", "/api/devices/dev-1", "/api/quarantine/x/accept"]),
)
def test_bodies_that_are_nearly_right(admin, body, path):
    method = "PATCH" if path.endswith("dev-1") else "POST"
    check(admin.ask(method, path, json.dumps(body).encode()), path)


FAULTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["http", "dm"]), "fault": st.sampled_from([*faults_api.HTTP, *faults_api.DM])},
    optional={
        "for": st.sampled_from(["dm", "package", "any"]), "times": st.integers(0, 3) | st.none(), "skip": st.integers(0, 3),
        "args": st.dictionaries(st.sampled_from(["after", "end", "code", "seconds", "rate", "by", "value", "location"]), plain),
    },
)  # fmt: skip


@FEW
@given(FAULTS)
def test_faults(admin, fault):
    check(admin.ask("POST", "/api/faults", json.dumps(fault).encode()), "/api")
    admin.ask("DELETE", "/api/faults")


@FEW
@given(st.lists(COMMANDS, min_size=1, max_size=4))
def test_commands(admin, commands):
    check(admin.ask("POST", "/api/devices/dev-1/commands", json.dumps(commands).encode()), "/api")


fields = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", ""])},
    optional=dict.fromkeys(
        ("package", "filter", "start", "method", "retries", "window", "silent_h", "group", "notify"), values
    ),
)


@FEW
@given(fields | st.fixed_dictionaries({"campaign": fields}))
def test_campaigns(admin, campaign):
    check(admin.ask("POST", "/api/campaigns", json.dumps(campaign).encode()), "/api")


ascii_path = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
header = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
HEADERS = [
    "Cookie",
    "Authorization",
    "Origin",
    "Sec-Fetch-Site",
    "Last-Event-ID",
    "Accept",
    "Range",
    "Host",
]


@FEW
@given(
    st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "X"]),
    ascii_path,
    st.dictionaries(st.sampled_from(HEADERS), header),
)
def test_paths_and_headers_without_a_token(admin, method, path, headers):
    lines = ["%s /%s HTTP/1.1" % (method, path), "Connection: close"]
    lines += ["%s: %s" % (name, value.strip()) for name, value in {"Host": "localhost", **headers}.items()]
    answer = admin.raw("\r\n".join([*lines, "", ""]).encode("latin-1"))
    status = int(answer.split(b" ", 2)[1])
    assert status in DOCUMENTED and status not in (200, 201) or path.partition("?")[0] in ("health", "sign-in"), answer


@FEW
@given(st.binary(max_size=300) | ascii_path.map(lambda path: b"GET /%s\r\n\r\n" % path.encode()))
def test_what_is_no_http(admin, data):
    answer = send_and_leave(admin, data)
    assert answer == b"" or int(answer.split(b" ", 2)[1]) in DOCUMENTED


def send_and_leave(admin, data):
    """Send bytes and no more; return what comes."""
    with socket.create_connection(("127.0.0.1", admin.port), 5) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        parts = []
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_it_still_works(admin):
    assert admin.ask("GET", "/api/devices").status == 200
    assert TOKEN.encode() not in admin.ask("GET", "/metrics").body
