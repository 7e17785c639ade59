"""The JSON API: which route calls what of the office, how bodies and queries are read, what is refused and how."""

import json
import logging
import sqlite3
from urllib.parse import quote

import pytest
from starlette.routing import Route

from flash_tools.errors import ToolError
from tests.host.admin_office import Admin

COMMAND = {"do": "get", "uri": "./DevInfo/Man"}


@pytest.fixture(scope="module")
def shared():
    with Admin() as admin:
        yield admin


@pytest.fixture
def admin(shared):
    shared.office.__init__()
    shared.office.states["o1"] = {}
    return shared


PAGE = {"text": "", "tag": "", "order_by": "id", "state": "", "campaign": "", "start": 0, "limit": 500}
CALLS = [
    ("GET", "/api/devices", None, 200, ("devices", (), PAGE)),
    ("GET", "/api/devices?text=a%26b&state=idle&limit=0&tag=%C3%A9", None, 200,
     ("devices", (), {**PAGE, "text": "a&b", "state": "idle", "limit": 0, "tag": "\u00e9"})),
    ("POST", "/api/devices", {"id": "d", "tags": ["x"], "auth": None}, 201, ("add_device", ("d",), {"tags": ("x",), "auth": None})),
    ("GET", "/api/devices/d", None, 200, ("device", ("d",), {})),
    ("PATCH", "/api/devices/d", {"paused": True}, 200, ("change_device", ("d",), {"paused": True})),
    ("DELETE", "/api/devices/d", None, 200, ("remove_device", ("d",), {})),
    ("POST", "/api/devices/d/notify", {}, 200, ("send_notification", ("d",), {})),
    ("POST", "/api/devices/d/notify", None, 200, ("send_notification", ("d",), {})),
    ("POST", "/api/devices/d/commands", {"commands": [COMMAND]}, 201, ("command_device", ("d", [COMMAND]), {})),
    ("POST", "/api/devices/d/commands", [COMMAND], 201, ("command_device", ("d", [COMMAND]), {})),
    ("GET", "/api/tokens", None, 200, ("tokens", (), {})),
    ("POST", "/api/tokens", {"count": 2, "valid_s": 1.5}, 201, ("new_token", (), {"count": 2, "valid_s": 1.5})),
    ("DELETE", "/api/tokens/abc", None, 200, ("drop_token", ("abc",), {})),
    ("GET", "/api/quarantine", None, 200, ("quarantine", (), {})),
    ("POST", "/api/quarantine/d/accept", {"name": "n"}, 201, ("accept", ("d",), {"name": "n"})),
    ("DELETE", "/api/quarantine/d", None, 200, ("dismiss", ("d",), {})),
    ("GET", "/api/packages", None, 200, ("packages", (), {})),
    ("POST", "/api/packages?name=a.fup", b"\0\xff", 201, ("add_package", (b"\0\xff", "a.fup"), {"url": ""})),
    ("POST", "/api/packages?url=http://x/y", b"z", 201, ("add_package", (b"z", None), {"url": "http://x/y"})),
    ("GET", "/api/packages/a%2Fb", None, 200, ("package", ("a/b",), {})),
    ("DELETE", "/api/packages/a.fup", None, 200, ("remove_package", ("a.fup",), {})),
    ("GET", "/api/signers", None, 200, ("signers", (), {})),
    ("POST", "/api/signers?name=k", b"-----BEGIN PUBLIC KEY-----", 201, ("add_signer", ("-----BEGIN PUBLIC KEY-----", "k"), {})),
    ("POST", "/api/signers", {"name": "k", "public_pem": "p"}, 201, ("add_signer", ("p", "k"), {})),
    ("DELETE", "/api/signers/k", None, 200, ("remove_signer", ("k",), {})),
    ("GET", "/api/orders?device=d&state=done", None, 200,
     ("orders", (), {"device_id": "d", "campaign": "", "state": "done", "limit": 500})),
    ("GET", "/api/orders/o1", None, 200, ("order", ("o1",), {})),
    ("DELETE", "/api/orders/o1", None, 200, ("cancel", ("o1",), {})),
    ("GET", "/api/campaigns", None, 200, ("campaigns", (), {})),
    ("POST", "/api/campaigns", "[campaign]\nname = 'x'", 201, ("add_campaign", ("[campaign]\nname = 'x'",), {})),
    ("POST", "/api/campaigns", {"toml": "[campaign]"}, 201, ("add_campaign", ("[campaign]",), {})),
    ("POST", "/api/campaigns", {"name": "x"}, 201, ("add_campaign", ({"name": "x"},), {})),
    ("GET", "/api/campaigns/a%2Fb", None, 200, ("campaign", ("a/b",), {})),
    ("POST", "/api/campaigns/a%2Fb/pause", None, 200, ("campaign_do", ("a/b", "pause"), {})),
    ("DELETE", "/api/campaigns/c", None, 200, ("campaign_do", ("c", "remove"), {})),
    ("GET", "/api/sessions?device=d&limit=3", None, 200, ("sessions", (), {"device_id": "d", "limit": 3})),
    ("GET", "/api/sessions/7", None, 200, ("trace", (7,), {})),
    ("GET", "/api/slots", None, 200, ("slots", (), {})),
    ("POST", "/api/slots", {"name": "s", "url": "http://x"}, 201, ("add_slot", ("s", "http://x", ""), {})),
    ("POST", "/api/slots/s/cycle", None, 200, ("slot_power", ("s", "cycle"), {})),
    ("DELETE", "/api/slots/s", None, 200, ("remove_slot", ("s",), {})),
    ("GET", "/api/history?hours=2", None, 200, ("history", (), {"hours": 2})),
    ("GET", "/api/counters", None, 200, ("counters", (), {})),
    ("POST", "/api/prune", {"keep_days": 3}, 200, ("prune", (3,), {})),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status", "call"), CALLS)
def test_a_route_calls_the_office(admin, method, path, body, status, call):
    answer = admin.ask(method, path, body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json"), answer.body
    assert admin.office.calls[0] == call
    assert answer.json is not None


def test_an_order_is_placed_and_shown(admin):
    admin.office.answers["place"] = "o1"
    answer = admin.ask("POST", "/api/orders", {"device": "d", "package": "p", "method": "push", "notify": False})
    assert (answer.status, answer.json["id"]) == (201, "o1")
    assert admin.office.calls[0] == ("place", ("d", "p"), {"method": "push", "notify": False})


def test_too_late_to_cancel(admin):
    admin.office.answers["cancel"] = "too late: it is accepted"
    answer = admin.ask("DELETE", "/api/orders/o1")
    assert (answer.status, answer.error) == (409, "too late: it is accepted")


@pytest.mark.parametrize(
    "device_id",
    ["imei:35/7", "a%b", "a%2Fb", "..", "/", "//x//", "a?b#c", "\u00fc\u4e2d\U0001f600", "x/notify", "a b+c",
     "<b>\"'&", "a\nb\r", "\u202e", "\0"],
)  # fmt: skip
def test_ids_that_paths_do_not_like(admin, device_id):
    where = "/api/devices/" + quote(device_id, safe="")
    admin.ask("GET", where)
    admin.ask("POST", where + "/notify")
    admin.ask("PATCH", where, {"name": "n"})
    names = [(name, arguments[0]) for name, arguments, _ in admin.office.calls]
    assert names == [
        ("device", device_id),
        ("send_notification", device_id),
        ("change_device", device_id),
        ("device", device_id),
    ]


# -- what is refused --------------------------------------------------------------------------------------------------

WRONG = [
    ("POST", "/api/devices", b"", "id is missing"),
    ("POST", "/api/devices", b"{", "not JSON"),
    ("POST", "/api/devices", b"[]", "must be a JSON object"),
    ("POST", "/api/devices", b"7", "must be a JSON object"),
    ("POST", "/api/devices", b"null", "must be a JSON object"),
    ("POST", "/api/devices", b'{"id": "a"} x', "not JSON"),
    ("POST", "/api/devices", b'\xff\xfe{"id": "a"}', "not UTF-8: byte 0"),
    ("POST", "/api/devices", b'\xef\xbb\xbf{"id": "a"}', "not JSON"),
    ("POST", "/api/devices", b'{"id": "\\ud800"}', "surrogate"),
    ("POST", "/api/devices", b'{"id": 7}', "id must be a text"),
    ("POST", "/api/devices", b'{"id": "a", "id": "b"}', "a key twice"),
    ("POST", "/api/devices", b'{"id": "a", "client_secret": "x"}', "no field 'client_secret' here, only id, auth"),
    ("POST", "/api/devices", b'{"id": "a", "tags": "x"}', "tags must be a list"),
    ("POST", "/api/devices", b'{"id": "a", "tags": [1]}', "tags must be a text"),
    ("POST", "/api/devices", b'{"id": "a", "contact_every_s": 1e3}', "contact_every_s must be a whole number"),
    ("POST", "/api/devices", b'{"id": "a", "contact_every_s": true}', "contact_every_s must be a whole number"),
    ("POST", "/api/devices", b'{"id": "a", "contact_every_s": -1}', "contact_every_s must be a whole number"),
    ("POST", "/api/devices", b'{"id": "a", "contact_every_s": NaN}', "NaN is not a number"),
    ("POST", "/api/devices", b'{"id": "a", "contact_every_s": -Infinity}', "Infinity is not a number"),
    ("POST", "/api/devices", b'{"id": "a", "contact_every_s": 1e999}', "too large"),
    ("POST", "/api/devices", b'{"id": "a", "contact_every_s": %s}' % (b"9" * 5000), "too large"),
    ("POST", "/api/devices", b'{"id": "a", "contact_every_s": 9223372036854775808}', "too large"),
    ("POST", "/api/devices", b'{"id": %s}' % (b"[" * 100000), "nested too deeply"),
    ("POST", "/api/devices", b'{"id": "%s"}' % (b"a" * 5000), "at most 4096 characters"),
    ("PATCH", "/api/devices/d", b"{}", "say what is to change"),
    ("PATCH", "/api/devices/d", b'{"paused": 1}', "paused must be true or false"),
    ("POST", "/api/devices/d/commands", b"[]", "a list of 1 to 200"),
    ("POST", "/api/devices/d/commands", b'{"commands": {}}', "a list of 1 to 200"),
    ("POST", "/api/devices/d/commands", b"[7]", "a command is an object"),
    ("POST", "/api/devices/d/commands", b'[{"do": "format", "uri": "."}]', "no command 'format', only get"),
    ("POST", "/api/devices/d/commands", b'[{"do": "get"}]', "uri is missing"),
    ("POST", "/api/devices/d/commands", b'[{"do": "replace", "uri": ".", "value": 7}]', "must be a text"),
    ("POST", "/api/tokens", b'{"count": 0}', "count must be a whole number"),
    ("POST", "/api/packages", b"", "the body is empty"),
    ("POST", "/api/signers", b"-----BEGIN PRIVATE KEY-----", "a private key"),
    ("POST", "/api/signers", b"\xff", "PEM of a public key"),
    ("POST", "/api/orders", b'{"device": "d"}', "package is missing"),
    ("POST", "/api/campaigns", b"  ", "the body is empty"),
    ("POST", "/api/campaigns", b"name = '\xff'", "not UTF-8: byte 8"),
    ("POST", "/api/campaigns/c/explode", b"", "no action 'explode', only start"),
    ("POST", "/api/slots/s/explode", b"", "no action 'explode', only on"),
    ("POST", "/api/prune", b'{"keep_days": "1"}', "number of days"),
    ("GET", "/api/devices?limit=x", None, "limit must be a whole number"),
    ("GET", "/api/devices?limit=-1", None, "limit must be a whole number"),
    ("GET", "/api/devices?limit=1e3", None, "limit must be a whole number"),
    ("GET", "/api/devices?limit=" + "9" * 5000, None, "limit must be a whole number"),
    ("GET", "/api/devices?limit=%D9%A3", None, "limit must be a whole number"),
    ("GET", "/api/devices?start=nan", None, "start must be a whole number"),
    ("GET", "/api/devices?stat=idle", None, "no parameter 'stat' here, only text"),
    ("GET", "/api/devices?text=a&text=b", None, "twice"),
    ("GET", "/api/devices?" + "&".join("a%d=1" % each for each in range(100)), None, "malformed"),
    ("GET", "/api/devices?text=%ff", None, "not UTF-8"),
    ("GET", "/api/devices?text=%zz", None, "hexadecimal"),
    ("GET", "/api/devices?text=100%", None, "hexadecimal"),
    ("GET", "/api/devices/%ff", None, "not UTF-8"),
    ("GET", "/api/devices/%c0%af", None, "not UTF-8"),
    ("GET", "/api/devices/100%", None, "hexadecimal"),
    ("GET", "/api/tokens?x=1", None, "no parameter 'x' here"),
    ("GET", "/api/orders/o1?wait=nan", None, "wait must be a number"),
    ("GET", "/api/orders/o1?wait=inf", None, "wait must be a number"),
    ("GET", "/api/orders/o1?wait=1e9", None, "wait must be a number"),
    ("GET", "/api/sessions/x", None, "sessions have numbers"),
    ("GET", "/api/sessions/7?format=xml", None, "json or jsonl"),
    ("GET", "/api/history?hours=0", None, "hours must be"),
    ("GET", "/api/events?after=-1", None, "after must be"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "text"), WRONG)
def test_what_is_wrong_is_said(admin, method, path, body, text):
    answer = admin.ask(method, path, body)
    assert answer.status == (404 if "have numbers" in text else 400), answer.body
    assert text in answer.error
    assert admin.office.calls == [], "nothing was done"


def test_nothing_there_and_not_so(admin):
    assert admin.ask("GET", "/api/nothing").error == "there is nothing at this address"
    answer = admin.ask("PUT", "/api/devices")
    assert (answer.status, answer.error) == (405, "this address does not take that method")
    assert "GET" in answer.headers["allow"] or "POST" in answer.headers["allow"]
    assert admin.ask("DELETE", "/api/devices").status == 405
    assert admin.ask("TRACE", "/health").status == 405
    assert admin.ask("GET", "/api/devices/").status == 404


@pytest.mark.parametrize(
    ("method", "path", "text", "status"),
    [
        ("GET", "/api/devices/d", "there is no device d", 404),
        ("DELETE", "/api/quarantine/d", "d is not in quarantine", 404),
        ("POST", "/api/devices", "there is no package p", 400),
        ("POST", "/api/campaigns/c/pause", "it is finished", 409),
        ("POST", "/api/campaigns/c/pause", "there is no campaign c", 404),
    ],
)
def test_the_office_says_no(admin, method, path, text, status):
    names = ("device", "dismiss", "add_device", "campaign_do")
    admin.office.errors = {name: ToolError(text) for name in names}
    answer = admin.ask(method, path, {"id": "d"} if method == "POST" else None)
    assert (answer.status, answer.error) == (status, text)


def test_an_error_is_one_line_whatever_a_device_is_called(admin):
    admin.office.errors["device"] = ToolError("no \x1b[31m\r\nSet-Cookie: a=b \u202e \ud800 " + "x" * 9000)
    answer = admin.ask("GET", "/api/devices/d")
    assert answer.status == 400 and len(answer.error) <= 500
    assert answer.error.startswith("no \\x1b[31m\\r\\nSet-Cookie: a=b \\u202e \\ud800 xxx")


def test_a_defect_is_a_line_and_a_log_line(admin, caplog):
    admin.office.errors["device"] = ZeroDivisionError("secret\ndetail")
    with caplog.at_level(logging.INFO, "fumo.admin"):
        answer = admin.ask("GET", "/api/devices/a%0Ab")
    assert (answer.status, answer.error) == (500, "the server has a defect; its log says more")
    mine = [each.getMessage() for each in caplog.records if each.name == "fumo.admin"]
    assert mine == ["GET /api/devices/a\\nb: ZeroDivisionError: secret\\ndetail"]
    assert not [each for each in caplog.records if each.exc_info]


def test_a_full_disk(admin):
    admin.office.errors["device"] = sqlite3.OperationalError("database or disk is full")
    assert admin.ask("GET", "/api/devices/d").status == 503


def test_a_page_with_a_defect():
    async def broken(request):
        raise ZeroDivisionError("secret")

    with Admin(page_routes=[Route("/", broken)]) as admin:
        answer = admin.ask("GET", "/")
        assert (answer.status, answer.body) == (500, b"the server has a defect; its log says more\n")
        assert admin.ask("GET", "/nothing").body == b"there is nothing at this address\n"


def test_a_session_as_lines(admin):
    admin.office.answers["trace"] = {"id": 7, "messages": [{"n": 1, "lines": ["a\nb\u2028"]}, {"n": 2}]}
    answer = admin.ask("GET", "/api/sessions/7?format=jsonl")
    lines = answer.body.decode().split("\n")
    assert [json.loads(each) for each in lines[:-1]] == [{"id": 7}, {"n": 1, "lines": ["a\nb\u2028"]}, {"n": 2}]
    assert lines[-1] == "" and 'filename="session-7.jsonl"' in answer.headers["content-disposition"]


def test_strings_that_no_encoding_has(admin):
    admin.office.answers["device"] = {"id": "a\ud800b", "name": "\0\u202e</script>"}
    answer = admin.ask("GET", "/api/devices/d")
    assert answer.json == {"id": "a?b", "name": "\0\u202e</script>"}
