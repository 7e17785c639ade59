"""The page over the real Office behind the real sign-in: every screen and form fits what is there, a form at a time."""

import http.client
from urllib.parse import unquote, urlencode

import pytest

from flash_tools.server.admin.app import make_admin
from flash_tools.server.listener import Listener
from flash_tools.server.office import Office
from flash_tools.signing.keys import new_key, public_pem
from tests.host.fumo_packages import package
from tests.host.test_page_screens import Found

TOKEN, DEVICE = "token-of-this-test", "dev<b>/1&'\u05d0"
SCREENS = ("/", "/devices", "/sessions", "/packages", "/campaigns", "/campaigns/new", "/bench", "/quarantine")
TRIAL = '[campaign]\nname = "trial-7"\npackage = "fw.fup"\nfilter = "\'field\' in tags"\n'


class Person:
    """Signed in, with a browser that has no script."""

    def __init__(self, office):
        self.office = office
        self._listener = Listener(make_admin(office, TOKEN, secure=False), "127.0.0.1", 0, None)
        self._listener.start()
        self._cookies, self.said = {}, ""
        self.status, self.where = self.send("POST", "/sign-in", {"token": TOKEN})[:2]

    def send(self, method, path, fields=None, body=None, kind="application/x-www-form-urlencoded"):
        connection = http.client.HTTPConnection("127.0.0.1", self._listener.port, timeout=10)
        headers = {"Content-Type": kind, "Origin": "http://127.0.0.1:%d" % self._listener.port}
        headers["Cookie"] = "; ".join("%s=%s" % each for each in self._cookies.items())
        connection.request(method, path, urlencode(fields or {}, doseq=True) if body is None else body, headers)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("set-cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        self.said = unquote(self._cookies.get("fumo-said", "").strip('"'))
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers.get("location"), text

    def see(self, path):
        """Look at a screen that is to be there."""
        status, _, body = self.send("GET", path)
        assert status == 200 and Found(body).wrong == [], (path, status, body[:200])
        return body

    def do(self, path, **fields):
        """Send a form that is to be taken; return where it leads."""
        status, where, body = self.send("POST", path, fields)
        assert status == 303 and self.said.startswith("ok:"), (path, fields, status, self.said, body[:300])
        return where

    def refused(self, path, **fields):
        """Send a form that is to be refused; return the line that says so."""
        status, _, _ = self.send("POST", path, fields)
        assert status == 303 and self.said.startswith("error:"), (path, fields, status, self.said)
        return self.said.removeprefix("error:")

    def upload(self, data, name):
        """Upload a package."""
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n' % name.encode()
        return self.send("POST", "/packages", None, body + data + b"\r\n--x--\r\n", "multipart/form-data; boundary=x")

    def close(self):
        self._listener.stop()
        self.office.close()


@pytest.fixture
def person():
    made = Person(Office(url="http://127.0.0.1:1", tls=False, unknown="quarantine"))
    yield made
    made.close()


def address(device_id=DEVICE):
    from flash_tools.server.page.text import device_url

    return device_url(device_id)


def test_all_screens_stand_with_nothing_and_with_something(person):
    for path in SCREENS:
        person.see(path)
    person.send(
        "POST", "/quarantine", {"action": "add", "id": DEVICE, "name": "<i>n</i>", "tags": "field, a<b>", "group": "g"}
    )
    assert person.upload(package(), "fw.fup")[0] == 303 and person.said == "ok:fw.fup: version 2 for sim2"
    person.do(address(), action="order", package="fw.fup", method="download-and-update", notify="1")
    person.send("POST", "/campaigns/new", {"way": "toml", "toml": TRIAL})
    person.do("/bench", action="add", name="slot<1>", url="http://127.0.0.1:9", device=DEVICE)
    for path in (*SCREENS, address(), "/campaigns/trial-7"):
        body = person.see(path)
        assert "<b>/1" not in body and "<i>n" not in body and "slot<1>" not in body
    assert "fw.fup by download-and-update" in person.see(address())


def test_a_device_is_made_changed_commanded_and_removed(person):
    status, where, _ = person.send("POST", "/quarantine", {"action": "add", "id": DEVICE})
    assert status == 303
    body = person.see(where)
    secret = person.office.desk.devices[DEVICE].client_secret
    assert secret in body and secret not in person.see(where) and secret not in person.see(address())
    fields = {"name": "n", "tags": "a, b", "group": "", "notify": "127.0.0.1:9", "contact_every_s": "60"}
    person.do(address(), action="change", **fields)
    assert person.office.device(DEVICE)["tags"] == ["a", "b"] and person.office.device(DEVICE)["contact_every_s"] == 60
    assert "ADDRESS:PORT" in person.refused(address(), action="change", **{**fields, "notify": "nowhere:x"})
    where = person.do(address(), action="command", do="get", uri="./DevInfo", list="1")
    assert "waits for the device" in person.see(where.partition("#")[0])
    for do, more in (
        ("replace", {"value": "1", "format": "int"}),
        ("exec", {"value": "x"}),
        ("copy", {"value": "./B"}),
        ("delete", {}),
    ):
        person.do(address(), action="command", do=do, uri="./A", **more)
    assert person.see(address()).count('class="task"') == 5
    person.do(address(), action="wake")
    person.do(address(), action="pause")
    assert "paused" in person.see("/devices?state=paused") and person.office.device(DEVICE)["paused"]
    person.do(address(), action="resume")
    person.do(address(), action="remove", sure="1")
    assert person.send("GET", address())[0] == 404


def test_a_campaign_is_made_started_paused_and_aborted(person):
    assert person.upload(package(), "fw.fup")[0] == 303
    for number in range(4):
        person.office.add_device("dev-%d" % number, tags=["field"])
    status, _, body = person.send("POST", "/campaigns/new", {"way": "form", "name": "t", "package": "none.fup"})
    assert status == 400 and "none.fup" in body
    groups = {
        "group1_name": "canary",
        "group1_share": "1",
        "group1_then": "pause",
        "group2_name": "rest",
        "group2_share": "100%",
    }
    fields = {
        "way": "form",
        "name": "trial-7",
        "package": "fw.fup",
        "filter": "'field' in tags",
        "notify": "1",
        "retries": "1",
    }
    assert person.do("/campaigns/new", **fields, **groups) == "/campaigns/trial-7"
    body = person.see("/campaigns/trial-7")
    assert 'data-action="start"' in body and 'data-action="pause"' not in body
    person.do("/campaigns/trial-7", action="start")
    body = person.see("/campaigns/trial-7")
    assert 'data-state="running"' in body and body.count("<tr data-device=") == 4
    assert person.see("/campaigns/trial-7?show=waiting").count("<tr data-device=") == 3
    for action in ("pause", "resume"):
        person.do("/campaigns/trial-7", action=action)
    person.refused("/campaigns/trial-7", action="start")
    assert person.send("POST", "/campaigns/trial-7", {"action": "abort"})[0] == 200
    person.do("/campaigns/trial-7", action="abort", sure="1")
    assert (
        "left as they are: 4; have accepted already and go on to their end: 0" in person.said
        and 'data-state="aborted"' in person.see("/campaigns/trial-7")
    )
    assert person.do("/campaigns/trial-7", action="remove", sure="1") == "/campaigns"


def test_packages_and_signers(person):
    known, unknown = new_key(), new_key()
    assert "BEGIN" in public_pem(known).decode()
    person.do("/signers", name="release <key>", pem=public_pem(known).decode())
    person.upload(package(key=unknown), "a.fup")
    assert person.said.startswith("error:") and person.office.packages() == []
    person.upload(b"MZ" * 100, "b.fup")
    assert person.said.startswith("error:") and "<i>" not in person.said
    person.upload(package(key=known), "c.fup")
    body = person.see("/packages")
    assert "release &lt;key&gt;" in body and 'data-package="c.fup"' in body
    kid = person.office.signers()[0]["kid"]
    person.do("/signers", action="remove", kid=kid, sure="1")
    person.do("/packages/remove", name="c.fup", sure="1")
    assert person.office.signers() == [] and person.office.packages() == []


def test_tokens(person):
    status, where, _ = person.send("POST", "/quarantine", {"action": "token", "count": "2", "hours": "1", "tags": "x"})
    assert status == 303 and 'id="token"' in person.see(where)
    token = person.office.tokens()[0]["id"]
    assert "2 of 2 left" in person.see("/quarantine")
    person.do("/quarantine", action="drop", token=token, sure="1")
    assert person.office.tokens() == []
    assert "not in quarantine" in person.refused("/quarantine", action="accept", device="nobody")
