"""The page's forms: they do what they say, redirect with a message, and say in one line what was refused."""

import http.client
import json
import re
import tomllib
from urllib.parse import unquote, urlencode

import pytest

from flash_tools.errors import ToolError
from flash_tools.server.page.campaign_form import EXAMPLE, as_toml
from flash_tools.server.page.forms import Form
from tests.host.page_office import FakeOffice, serve


class Browser:
    """Sends forms as a browser without a script does; follows nothing by itself."""

    def __init__(self, office):
        self.office = office
        self._listener = serve(office)

    def post(self, path, fields, kind="application/x-www-form-urlencoded", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._listener.port, timeout=10)
        body = urlencode(fields, doseq=True).encode() if body is None else body
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        cookie = (answer.headers.get("set-cookie") or "").partition(";")[0].partition("=")[2]
        self.said, self.where, self.body = unquote(cookie), answer.headers.get("location"), answer.read().decode()
        connection.close()
        return answer.status

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self._listener.port, timeout=10)
        connection.request("GET", path)
        body = connection.getresponse().read().decode()
        connection.close()
        return body

    def close(self):
        self._listener.stop()


@pytest.fixture
def browser():
    made = Browser(FakeOffice(20))
    yield made
    made.close()


SIMPLE = (
    ("/devices/dev-002", {"action": "wake"}, ("send_notification", "dev-002")),
    ("/devices/dev-002", {"action": "pause"}, ("change_device", "dev-002", {"paused": True})),
    ("/devices/IMEI%3A35%2F1", {"action": "resume"}, ("change_device", "IMEI:35/1", {"paused": False})),
    ("/device?id=..", {"action": "wake"}, ("send_notification", "..")),
    ("/devices/dev-002", {"action": "cancel", "order": "o%2D1", "sure": "1"}, ("cancel", "o-1")),
    ("/devices/dev-002", {"action": "remove", "sure": "1"}, ("remove_device", "dev-002")),
    ("/campaigns/trial-7", {"action": "pause"}, ("campaign_do", "trial-7", "pause")),
    ("/campaigns/trial-7", {"action": "abort", "sure": "1"}, ("campaign_do", "trial-7", "abort")),
    ("/packages/remove", {"name": "a%20b", "sure": "1"}, ("remove_package", "a b")),
    ("/signers", {"name": "n", "pem": "p"}, ("add_signer", "p", "n")),
    ("/signers", {"action": "remove", "kid": "a%2Fb", "sure": "1"}, ("remove_signer", "a/b")),
    ("/quarantine", {"action": "drop", "token": "ab12", "sure": "1"}, ("drop_token", "ab12")),
    ("/bench", {"action": "cycle", "slot": "slot%2F1"}, ("slot_power", "slot/1", "cycle")),
    ("/bench", {"action": "add", "name": "a", "url": "http://b", "device": "c"}, ("add_slot", "a", "http://b", "c")),
    ("/quarantine", {"action": "dismiss", "device": "IMEI%3A9"}, ("dismiss", "IMEI:9")),
)


@pytest.mark.parametrize(("path", "fields", "call"), SIMPLE)
def test_a_form_acts_and_redirects(browser, path, fields, call):
    assert browser.post(path, fields) == 303
    assert browser.office.calls == [call]
    assert browser.said.startswith("ok:") and browser.where.startswith("/")


@pytest.mark.parametrize(("path", "fields", "call"), SIMPLE)
def test_what_the_office_refuses_is_one_line_on_the_page(browser, path, fields, call):
    browser.office.refuse = "no:\n<b>not</b> now"
    assert browser.post(path, fields) == 303
    assert browser.said == "error:no: <b>not</b> now" and browser.office.calls == []


@pytest.mark.parametrize(("path", "fields"), [each[:2] for each in SIMPLE if "sure" in each[1]])
def test_what_cannot_be_taken_back_is_asked_first(browser, path, fields):
    assert browser.post(path, {name: value for name, value in fields.items() if name != "sure"}) == 200
    assert browser.office.calls == [] and 'data-screen="confirm"' in browser.body
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', browser.body))
    again.pop("back")
    assert again == fields


def test_a_bulk_form_says_how_many_were_done(browser):
    fields = {"action": "order", "package": "fw.fup", "method": "push", "device": ["dev-001", "a%2Fb"]}
    assert browser.post("/devices?q=dev", fields) == 303 and browser.where == "/devices?q=dev"
    assert [call[:4] for call in browser.office.calls] == [
        ("place", each, "fw.fup", "push") for each in ("dev-001", "a/b")
    ]
    assert browser.said == "ok:2 of 2 devices: done"
    browser.post("/devices", {"action": "tag", "tag": "new", "device": ["dev-001", "nobody"]})
    assert browser.said == "error:1 of 2 devices: done; there is no device nobody"
    assert browser.office.calls[-1] == ("change_device", "dev-001", {"tags": ["field", "new"]})
    browser.post("/devices", {"action": "pause"})
    assert browser.said.startswith("error:no device is chosen")


def test_ticked_devices_become_the_filter_of_a_campaign(browser):
    browser.post("/devices", {"action": "campaign", "device": ["dev-001", "a%27b"]})
    body = browser.get(browser.where)
    assert "id in [&#39;dev-001&#39;, &#34;a&#39;b&#34;]" in body


def test_a_command_is_sent_as_it_was_written(browser):
    fields = {
        "action": "command",
        "do": "replace",
        "uri": " ./X/Y ",
        "value": " 1 ",
        "format": "int",
        "type": "",
        "notify": "1",
    }
    assert browser.post("/devices/dev-002", fields) == 303
    command = {"do": "replace", "uri": "./X/Y", "value": " 1 ", "format": "int"}
    assert browser.office.calls == [("command_device", "dev-002", [command]), ("send_notification", "dev-002")]
    assert browser.where == "/devices/dev-002?task=3#commands" and 'data-task="3"' in browser.get(
        "/devices/dev-002?task=3"
    )
    browser.post("/devices/dev-002", {"action": "command", "do": "get", "uri": "./DevInfo", "value": "x", "list": "1"})
    assert browser.office.calls[-1] == (
        "command_device",
        "dev-002",
        [{"do": "get", "uri": "./DevInfo", "list": "StructData"}],
    )
    browser.post("/devices/dev-002", {"action": "command", "do": "get", "uri": ""})
    assert browser.said.startswith("error:which node?")


def upload(browser, data, name="fw.fup"):
    edge = "----edge4711"
    parts = '--%s\r\nContent-Disposition: form-data; name="name"\r\n\r\n\r\n--%s\r\n' % (edge, edge)
    parts += 'Content-Disposition: form-data; name="file"; filename="%s"\r\nContent-Type: x/y\r\n\r\n' % name
    body = parts.encode() + data + b"\r\n--" + edge.encode() + b"--\r\n"
    return browser.post("/packages", {}, "multipart/form-data; boundary=" + edge, body)


def test_a_package_is_uploaded_whole(browser):
    data = b"FUP\r\n--\r\n\x00\xff----edge" * 3000
    assert upload(browser, data) == 303 and browser.where == "/packages"
    assert browser.office.calls == [("add_package", data, "fw.fup", "")]
    upload(browser, b"FUP", "C:\\x\\../y.fup")
    assert browser.office.calls[-1][2] == "y.fup"
    upload(browser, b"MZ")
    assert browser.said == "error:fw.fup is not a package: it does not begin as one"
    upload(browser, b"")
    assert browser.said.startswith("error:no file is chosen")


def test_broken_forms_are_answered(browser):
    for kind in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=x",
        "text/plain",
        "",
    ):
        assert browser.post("/packages", {}, kind, b"\xff\x00--x\r\n\r\n") == 303
        assert browser.said.startswith("error:")
    assert browser.post("/devices", {}, body=b"a=1&" * 30000) == 303 and browser.said.startswith(
        "error:the form has too many"
    )
    assert browser.post("/devices", {}, body=b"a" * (3 << 20)) == 303 and "larger than" in browser.said
    assert browser.office.calls == []


def test_a_token_is_shown_once(browser):
    fields = {"action": "token", "count": "5", "hours": "2", "model": "m", "tags": "a, b"}
    assert browser.post("/quarantine", fields) == 303 and "tok-4711" not in browser.where
    assert browser.office.calls == [("new_token", 5, 7200, "m", ("a", "b"))]
    assert "tok-4711" in browser.get(browser.where) and "tok-4711" not in browser.get(browser.where)
    browser.post("/quarantine", {"action": "accept", "device": "IMEI%3A9"})
    body = browser.get(browser.where)
    shown = json.loads(re.search(r'id="bundle"><code>(.*?)</code>', body, re.S)[1].replace("&#34;", '"'))
    assert shown["secret"] == "s3cret" and shown["device_id"] == "IMEI:9" and "s3cret" not in browser.get(browser.where)
    for wrong in ({"count": "0"}, {"count": "nan"}, {"count": "inf"}, {"hours": "x"}):
        browser.post("/quarantine", fields | wrong)
        assert browser.said.startswith("error:"), wrong


CAMPAIGN = {"way": "form", "name": 'a "b"', "package": "p", "start": "now", "retries": "2", "notify": "1"}
CAMPAIGN |= {
    "group1_name": "one",
    "group1_share": "2",
    "group1_then": "pause",
    "group2_name": "r",
    "group2_share": "80 %",
}


def test_the_form_of_a_campaign_is_toml():
    made = tomllib.loads(as_toml(Form(list((CAMPAIGN | {"group2_dynamic": "1"}).items()))))["campaign"]
    groups = [{"name": "one", "count": 2, "then": "pause"}, {"name": "r", "percent": 80, "dynamic": True}]
    assert made == {"name": 'a "b"', "package": "p", "start": "now", "retries": 2, "group": groups}
    assert tomllib.loads(EXAMPLE)["campaign"]["name"] == "trial-7"
    with pytest.raises(ToolError, match="group one: its size"):
        as_toml(Form(list((CAMPAIGN | {"group1_share": "many"}).items())))


def test_a_refused_campaign_comes_back_with_what_was_written(browser):
    assert browser.post("/campaigns/new", CAMPAIGN) == 303 and browser.where == "/campaigns/trial-7"
    browser.office.refuse = "filter: there is no name 'colour'"
    assert browser.post("/campaigns/new", CAMPAIGN) == 400
    assert "filter: there is no name &#39;colour&#39;" in browser.body and "a &#34;b&#34;" in browser.body
    assert browser.post("/campaigns/new", {"way": "toml", "toml": "[campaign]\nname = 1</textarea><b>"}) == 400
    assert "name = 1&lt;/textarea&gt;&lt;b&gt;</textarea>" in browser.body


def test_the_theme_is_kept_and_goes_back_only_here(browser):
    assert browser.post("/theme", {"theme": "dark", "back": "/devices?q=a%20b"}) == 303
    assert browser.where == "/devices?q=a%20b" and browser.said == "dark"
    for back in ("//evil.example", "https://evil.example", "/\\evil.example", "", "/\r\nx: y"):
        browser.post("/theme", {"theme": "x<", "back": back})
        assert browser.where == "/" and browser.said == "auto"
