"""The page's screens over HTTP with hostile sample data: all render, nothing from data is unescaped, nothing is inline."""

import pathlib
import re
import urllib.request
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import quote

import pytest

from flash_tools.server.page import text
from tests.host.page_office import EmptyOffice, FakeOffice, serve
from tests.host.page_samples import HOSTILE

PAGE = pathlib.Path(text.__file__).parent
MARK = "<mark a='\"&\u202e"
PATHS = (
    "/",
    "/devices",
    "/devices/dev-033",
    "/sessions",
    "/sessions/4",
    "/packages",
    "/campaigns",
    "/campaigns/trial-7",
)
PATHS += ("/campaigns/new", "/bench", "/quarantine")
SCREENS = ("overview", "devices", "device", "sessions", "session", "packages", "campaigns", "campaign")
SCREENS += ("campaign-new", "bench", "enrolment")


class Found(HTMLParser):
    """Collects what a page is made of, as a browser would see it."""

    def __init__(self, body):
        super().__init__()
        self.tags, self.wrong, self._inside = [], [], ""
        self.feed(body)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else ""
        self.wrong += [(tag, name) for name, _ in attrs if name == "style" or name.startswith("on")]

    def handle_data(self, data):
        if self._inside:
            self.wrong.append((self._inside, data))

    def handle_endtag(self, tag):
        self._inside = ""


@pytest.fixture(scope="module")
def get():
    with_data = serve(FakeOffice(40))
    yield lambda path, headers=(): fetch(with_data.port, path, dict(headers))
    with_data.stop()


@pytest.fixture(scope="module")
def marked():
    listener = serve(FakeOffice(8, MARK))
    yield lambda path: fetch(listener.port, path)[1]
    listener.stop()


def fetch(port, path, headers=None):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except HTTPError as error:
        return error.code, error.read().decode(), error.headers


@pytest.mark.parametrize(("path", "screen"), list(zip(PATHS, SCREENS, strict=True)))
def test_a_screen_renders_with_nothing_inline(get, path, screen):
    status, body, headers = get(path)
    assert status == 200 and '<body data-screen="%s"' % screen in body
    assert headers["content-security-policy"].startswith("default-src 'self'") and "unsafe" not in str(headers)
    assert headers["cache-control"] == "no-store"
    found = Found(body)
    assert found.wrong == []
    assert "script" in {tag for tag, _ in found.tags} and not any("mark" == tag for tag, _ in found.tags)


@pytest.mark.parametrize("path", PATHS)
def test_a_screen_without_data_says_what_to_do(path):
    listener = serve(EmptyOffice())
    try:
        status, body, _ = fetch(listener.port, path)
        assert status == (404 if path in ("/devices/dev-033",) else 200) or path in (
            "/sessions/4",
            "/campaigns/trial-7",
        )
        assert Found(body).wrong == []
        if path in ("/devices", "/packages", "/campaigns", "/bench", "/sessions"):
            assert 'class="command"' in body and "fumo " in body
    finally:
        listener.stop()


def marked_path(path):
    for name in ("dev-003", "trial-7"):
        path = path.replace(name.replace("003", "033"), quote("%s[%s" % (MARK, name), safe=""))
    return path


@pytest.mark.parametrize("path", PATHS)
def test_every_string_of_the_data_is_escaped(marked, path):
    body = marked(marked_path(path))
    assert "<mark" not in body and "\u202e" not in body
    assert not any(tag == "mark" for tag, _ in Found(body).tags)
    assert path == "/campaigns/new" or body.count("&lt;mark a=&#39;&#34;&amp;\u2039U+202E\u203a[") > 3


FIELDS = {
    "/devices": ("dev-003", "Pump 4", "1.3.1", "1.4.2", "field", "rev B", "10.0.0.4"),
    "/devices/dev-033": ("fw-1.4.2.fup", "fumo-server", "user-7", "./FUMO/Pkg1", "hmac", "trial-7"),
    "/sessions/4": ("&lt;SyncML", "application/vnd.syncml.dm+xml", "10.0.0.7", "1f", "dropped"),
    "/packages": ("fw-1.4.2.fup", "1.4.2", "pump", "pico2w", "release key", "delta", "https://cdn.example/a"),
    "/campaigns/trial-7": ("canary", "95%", "5%", "22:00-05:00", "manual", "unknown key"),
    "/bench": ("slot-1", "bank 0", "trial", "install: sector 37", "http://rig:8000 does not answer"),
    "/quarantine": ("IMEI:990000862471854", "203.0.113.9", "no such account", "pico2w"),
}


@pytest.mark.parametrize("path", FIELDS)
def test_every_field_is_shown(marked, path):
    body = marked(marked_path(path)).replace('</span><span class="value">', "").replace('</span><span class="tag">', "")
    missing = [field for field in FIELDS[path] if "\u203a[" + field not in body]
    assert missing == []


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_device_with_a_hostile_id_has_its_screen(get, number):
    device_id = HOSTILE[number]
    address = text.device_url(device_id)
    status, body, _ = get(address)
    if "\ud800" in device_id or "\ud83d" in device_id:
        assert status == 404  # no address can carry half a character, and nothing else breaks
        return
    assert status == 200 and 'data-device="%s"' % text.quoted(device_id).replace("'", "&#39;") in body
    assert get(address.rstrip("/") + ("&" if "?" in address else "?") + "uri=./DevInfo&task=3")[0] == 200


def test_what_is_not_there_is_a_404_in_one_line(get):
    for path in ("/devices/nobody", "/sessions/999", "/campaigns/none", "/devices/%3Cb%3E%0D%0A", "/device?id="):
        status, body, _ = get(path)
        assert status == 404 and 'data-status="404"' in body and "Traceback" not in body, path
        assert len(re.search(r'id="error-text">(.*?)</p>', body, re.S)[1].splitlines()) == 1


ODD = (
    "?start=99999999999999&limit=0",
    "?start=-1&limit=x&sort=%00",
    "?state=nothing&sort=-secret",
    "?q=%F0%9F&tag=%ED%A0%80",
)


@pytest.mark.parametrize("query", ODD)
def test_an_odd_address_of_the_list_is_answered(get, query):
    status, body, _ = get("/devices" + query)
    assert status == 200 and Found(body).wrong == []


def test_the_list_filters_sorts_and_has_pages(get):
    body = get("/devices?limit=50")[1]
    assert body.count('<tr role="row" data-device=') == 50
    rows = re.findall(r'data-device="(dev-\d+)"', get("/devices?sort=-id&q=dev-0")[1])
    assert rows == sorted(rows, reverse=True) and len(rows) == 40
    assert re.findall(r'<tr role="row" data-device="(.*?)"', get("/devices?state=overdue&q=dev")[1]) == ["dev-007"]
    assert get("/devices?tag=canary&q=dev-0")[1].count('<tr role="row" data-device=') == 14
    last = get("/devices?limit=20&start=4000")[1]
    assert 'rel="prev"' in last and 'rel="next"' not in last and last.count('<tr role="row" data-device=') == 10


def test_messages_are_not_taken_from_addresses(get):
    assert "evil words" not in get("/?said=evil words".replace(" ", "%20"))[1].replace("evil%20words", "")
    said = {"cookie": "fumo-said=error%3A%3Cb%3Eno%3C%2Fb%3E"}
    body, headers = get("/devices", said)[1:]
    assert "&lt;b&gt;no&lt;/b&gt;" in body and 'role="alert"' in body and "fumo-said=" in headers["set-cookie"]
    assert "no&lt;/b" not in get("/devices", said | {"x-live": "1"})[1]


def test_nothing_is_marked_safe_or_inline_in_the_sources():
    for path in [*PAGE.glob("templates/*.html")]:
        source = path.read_text()
        assert not re.search(r"\|\s*safe|autoescape|Markup", source), path
        assert not re.search(r"<style|<script(?! src=)|\sstyle=|\son[a-z]+=|javascript:|data:", source), path
    for path in PAGE.glob("static/*.js"):
        source = path.read_text()
        assert not re.search(
            r"(inner|outer)HTML|insertAdjacent|document\.write|eval\(|new Function|\.cssText", source
        ), path
        assert source.count("\n") <= 300
    assert not re.search(r"https?://|@import", (PAGE / "static/page.css").read_text())


def test_tables_name_their_columns(get):
    for path in PATHS:
        heads = re.findall(r"<th[ >][^>]*", get(path)[1])
        assert all("scope=" in head for head in heads), path


def test_what_is_loaded_is_there(get):
    body = get("/")[1]
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', body))
    assert len(files) == 6
    for file in files:
        assert get(file)[0] == 200
    assert get("/static/../render.py")[0] == 404 and get("/static/%2e%2e/render.py")[0] == 404


def test_the_sign_in_has_no_screens_behind_it(get):
    status, body, _ = get("/sign-in")
    assert status == 401 and 'action="/sign-in"' in body and "That is not the token." in body
    assert "data-nav" not in body and "/api/" not in body
