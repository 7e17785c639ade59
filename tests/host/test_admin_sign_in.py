"""Who may come in to the admin app: tokens, cookies, guessing, other sites, other names; what every answer says."""

import re

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from flash_tools.errors import ToolError
from flash_tools.server.admin.auth import COOKIE_S, Auth
from flash_tools.server.admin.guard import local_path
from flash_tools.server.admin.limiter import EACH_BURST
from tests.host.admin_office import TOKEN, Admin, FakeOffice

SAME = {"Sec_Fetch_Site": "same-origin"}


async def _screen(request):
    return PlainTextResponse("a screen for " + request.method)


PAGES = [Route("/", _screen), Route("/devices", _screen, methods=["GET", "POST"])]


@pytest.fixture(scope="module")
def shared():
    with Admin(page_routes=PAGES) as admin:
        yield admin


@pytest.fixture
def fresh():
    with Admin(page_routes=PAGES) as admin:
        yield admin


def test_programs_need_the_token(shared):
    for path in ("/api/devices", "/api/events", "/metrics", "/api/nothing", "/api/backup", "/api"):
        answer = shared.ask("GET", path, token=None)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), path
        assert "Bearer TOKEN" in answer.error
    assert shared.ask("GET", "/api/devices").status == 200
    assert shared.ask("GET", "/api/devices", token=None, authorization="bearer   %s " % TOKEN).status == 200


@pytest.mark.parametrize("given", ["Basic " + TOKEN, "Bearer", "Bearer  ", TOKEN, "", "Bearer\t" + TOKEN])
def test_other_credentials_are_refused(shared, given):
    answer = shared.ask("GET", "/api/devices", token=None, authorization=given, cookie=shared.cookie())
    assert answer.status == 401 and answer.error


def test_people_are_sent_to_sign_in(shared):
    assert shared.ask("GET", "/", token=None).headers["location"] == "/sign-in"
    answer = shared.ask("GET", "/devices/a%2Fb?x=1", token=None)
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in?next=/devices/a/b")
    assert shared.ask("POST", "/devices", "a=b", token=None).headers["location"] == "/sign-in"


def test_health_needs_nothing(shared):
    assert shared.ask("GET", "/health", token=None).json == {"ok": True}


def test_the_form_gives_a_cookie(shared):
    answer = shared.ask("POST", "/sign-in", "token=%s&next=/devices" % TOKEN, token=None)
    assert (answer.status, answer.headers["location"]) == (303, "/devices")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=%d" % COOKIE_S} <= set(cookie.split("; "))
    assert "Secure" not in cookie and TOKEN not in cookie
    cookie = cookie.partition(";")[0]
    assert shared.ask("GET", "/devices", token=None, cookie=cookie).body == b"a screen for GET"
    assert shared.ask("GET", "/api/devices", token=None, cookie=cookie).status == 200
    assert shared.ask("GET", "/sign-in", token=None, cookie=cookie).headers["location"] == "/"


@pytest.mark.parametrize(
    ("referer", "where"),
    [
        ("http://localhost/sign-in?next=/devices/a%2Fb%25%3F", "/devices/a/b%25%3F"),
        ("http://localhost/sign-in?next=//evil.example", "/evil.example"),
        ("http://localhost/other?next=/devices", "/"),
        ("http://[::1/sign-in?next=/devices", "/"),
        ("http://localhost/sign-in?next=/%ff", "/"),
        ("\u00fc", "/"),
    ],
)
def test_signing_in_leads_where_one_wanted_to_go(shared, referer, where):
    sent = referer.encode().decode("latin-1")
    assert shared.ask("POST", "/sign-in", "token=" + TOKEN, token=None, Referer=sent).headers["location"] == where


def test_a_wrong_token_in_the_form(shared):
    answer = shared.ask("POST", "/sign-in", "token=wrong", token=None)
    assert answer.status == 401 and b"the token is wrong" in answer.body and b"<form" in answer.body
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "where", ["//evil.example", "/\\evil.example", "https://evil.example/", "\\\\evil.example", "//"]
)
def test_signing_in_leads_nowhere_else(shared, where):
    answer = shared.ask("POST", "/sign-in?next=%2F", "token=%s&next=%s" % (TOKEN, where), token=None)
    assert re.match(r"/([^/\\]|$)", answer.headers["location"]), answer.headers["location"]
    assert local_path(where)[1:2] not in ("/", "\\")


def test_the_address_with_the_token_works_once(shared):
    answer = shared.ask("GET", "/devices?token=" + TOKEN, token=None)
    assert (answer.status, answer.headers["location"]) == (303, "/devices")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert shared.ask("GET", "/devices", token=None, cookie=cookie).status == 200
    answer = shared.ask("GET", "/devices/a%25%2Fb?token=" + TOKEN, token=None)
    assert answer.headers["location"] == "/devices/a%25/b"
    assert shared.ask("GET", "//evil.example/?token=" + TOKEN, token=None).headers["location"] == "/evil.example/"
    assert shared.ask("GET", "/?token=wrong", token=None).status == 401
    assert shared.ask("GET", "/api/devices?token=" + TOKEN, token=None).status == 401


def test_another_site_cannot_try_tokens(fresh):
    for number in range(EACH_BURST + 5):
        answer = fresh.ask("GET", "/?token=%d" % number, token=None, Sec_Fetch_Site="cross-site")
        assert answer.headers["location"] == "/sign-in"
        form = fresh.ask("POST", "/sign-in", "token=%d" % number, token=None, Origin="http://evil.example")
        assert form.status == 403
    assert fresh.ask("GET", "/api/devices").status == 200


def test_cookies_that_are_not_ours(shared):
    name, _, value = shared.cookie().partition("=")
    ends, mac = value.split(".")
    bad = ["", ".", ends, ends + ".", "." + mac, "%d.%s" % (int(ends) + 1, mac), "9" * 40 + "." + mac, ends + ".\u00e9"]
    bad += ["1." + mac, "-1." + mac, "\u0663." + mac, value[:-1] + ("0" if value[-1] != "0" else "1")]
    for each in bad:
        answer = shared.ask("GET", "/api/devices", token=None, cookie="%s=%s" % (name, each.encode().decode("latin-1")))
        assert answer.status == 401, each


def test_a_cookie_ends():
    now = [1000.0]
    auth = Auth(TOKEN, False, now=lambda: now[0])
    answer = PlainTextResponse("")
    auth.give_cookie(answer)
    cookie = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]

    class Request:
        cookies = {auth.cookie_name: cookie}

    assert auth.has_cookie(Request)
    assert not Auth(TOKEN + "2", False, now=lambda: now[0]).has_cookie(Request)
    other = Auth(TOKEN + "2", False, now=lambda: now[0])
    Request.cookies[other.cookie_name] = cookie
    assert not other.has_cookie(Request)
    now[0] += COOKIE_S
    assert not auth.has_cookie(Request)


def test_under_tls_the_cookie_is_secure():
    with Admin(secure=True) as admin:
        cookie = admin.ask("POST", "/sign-in", "token=" + TOKEN, token=None).headers["set-cookie"]
    assert cookie.startswith("__Host-fumo-") and "Secure" in cookie.split("; ")


def test_signing_out(shared):
    answer = shared.ask("POST", "/sign-out", token=None, cookie=shared.cookie(), **SAME)
    assert answer.status == 303 and "Max-Age=0" in answer.headers["set-cookie"]
    assert shared.ask("POST", "/sign-out", token=None, cookie=shared.cookie(), Origin="http://evil").status == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (SAME, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, 200),
        ({"Origin": "http://127.0.0.1:PORT"}, 200),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost:PORT"}, 403),
        ({"Origin": "http://evil.example:PORT"}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Origin": "file://127.0.0.1:PORT"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "http://127.0.0.1:PORT"}, 403),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_other_sites_change_nothing(shared, headers, status, method):
    headers = {name: value.replace("PORT", str(shared.port)) for name, value in headers.items()}
    path, body = ("/devices", "a=b") if method == "POST" else ("/api/devices/dev-1", '{"name": "x"}')
    shared.office.calls.clear()
    assert shared.ask(method, path, body, token=None, cookie=shared.cookie(), **headers).status == status
    assert status == 200 or not shared.office.calls


def test_the_token_itself_comes_from_anywhere(shared):
    assert shared.ask("POST", "/devices", "a=b", Origin="http://evil.example").status == 200


def test_under_tls_an_origin_without_is_another_site():
    with Admin(secure=True, page_routes=PAGES) as admin:
        origin = "http://127.0.0.1:%d" % admin.port
        assert admin.ask("POST", "/devices", token=None, cookie=admin.cookie(), Origin=origin).status == 403
        assert (
            admin.ask("POST", "/devices", token=None, cookie=admin.cookie(), Origin="https" + origin[4:]).status == 200
        )


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8420", 200), ("LOCALHOST", 200), ("127.0.0.1", 200), ("[::1]:8420", 200), ("127.0.0.9:1", 200),
        ("fumo.example", 200), ("rig.lan:1", 200), ("evil.example", 403), ("localhost.evil.example", 403), ("", 403),
        ("evil.example:127.0.0.1", 403), ("10.0.0.1", 403), ("127.0.0.1.evil.example", 403), ("[::1", 403),
    ],
)  # fmt: skip
def test_only_our_names(host, status):
    with Admin(names=("Rig.lan",)) as admin:
        for path in ("/api/devices", "/health", "/sign-in"):
            answer = admin.ask("GET", path, Host=host)
            assert answer.status == status or (answer.status == 400 and not host), (host, path)


def test_all_names_where_that_is_asked_for():
    with Admin(names=("*",)) as admin:
        assert admin.ask("GET", "/api/devices", Host="evil.example").status == 200


def test_every_answer_has_the_headers(shared):
    for path in (
        "/health",
        "/api/devices",
        "/metrics",
        "/",
        "/sign-in",
        "/nothing",
        "/api/orders/x",
        "/static/page.css",
    ):
        for token in (TOKEN, None):
            headers = shared.ask("GET", path, token=token).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store"), path
            assert "server" not in headers


@pytest.mark.parametrize("token", ["", "a b", "caf\u00e9", "a\n"])
def test_a_token_that_cannot_be_sent(token):
    with pytest.raises(ToolError, match="printable ASCII"):
        Auth(token, False)


def test_the_page_is_used_where_there_is_one():
    office = FakeOffice()
    with Admin(office, page_routes=None) as admin:
        answer = admin.ask("GET", "/sign-in", token=None)
        assert answer.status == 200 and b'action="/sign-in' in answer.body
