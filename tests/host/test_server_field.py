"""The server that stays, in this process: its certificate, its clock, its log, plain http, and what stands in front."""

import json
import socket
import ssl
import time
import urllib.error
import urllib.request

import pytest

from flash_tools.admin_client import open_folder
from flash_tools.errors import ToolError
from flash_tools.server import certificates, field, pki
from flash_tools.server.field import FieldServer
from flash_tools.server.log import Log
from flash_tools.server.settings import Settings
from tests.host import server_process
from tests.host.server_process import HOSTILE, make

fumo = server_process.fumo


def test_plain_http_makes_mac_mandatory(tmp_path, fumo):
    settings = make(tmp_path / "server", plain_http=True)
    where = ("--dir", settings.folder)
    with FieldServer(settings):
        bundle = json.loads(fumo("device", "add", "p1", *where).out)
        assert (bundle["auth"], bundle["server_auth"], bundle["ca_pem"]) == ("MAC", "MAC", None)
        for words in (("--auth", "md5"), ("--auth", "basic"), ("--auth", "none"), ("--server-auth", "md5")):
            assert "MAC" in fumo("device", "add", "p2", *words, *where, code=1).err
        request = urllib.request.Request(settings.public_url + "/enrol", b'{"token": "x", "device": "y"}')
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        said = caught.value.read()
        assert caught.value.code == 403 and b"TLS" in said and said.count(b"\n") == 1


def peer_end(settings):
    """Return when the certificate that devices are shown ends."""
    context = ssl.create_default_context(cadata=settings.ca_pem)
    with socket.create_connection(settings.listen, 10) as sock:
        with context.wrap_socket(sock, server_hostname="localhost") as secure:
            return ssl.cert_time_to_seconds(secure.getpeercert()["notAfter"])


def test_the_certificate_is_renewed_while_it_runs(tmp_path, monkeypatch):
    settings = make(tmp_path / "server")
    authority = pki.Authority(
        kept=pki.Certificate(*((settings.folder / n).read_text() for n in ("ca.pem", "ca-key.pem")))
    )
    certificates._issue(settings.folder, authority, settings.names, time.time() - (397 - 31) * 86400)
    monkeypatch.setattr(field, "_TICK_S", 0.05)
    lines = []
    with FieldServer(settings, log=lines.append) as server:
        first = peer_end(settings)
        assert first - time.time() < 32 * 86400
        monkeypatch.setattr(certificates, "RENEW_DAYS", 60)
        server._looked -= 4000
        deadline = time.monotonic() + 10
        while peer_end(settings) == first and time.monotonic() < deadline:
            time.sleep(0.05)
        assert peer_end(settings) > first + 300 * 86400
    assert sum("certificate made a new certificate" in line for line in lines) == 1


def test_new_devices_are_woken_where_the_settings_say(tmp_path):
    settings = make(tmp_path / "server")
    with FieldServer(settings) as server:
        office = server.office
        office.add_device("a", notify="")
        office.enrol(office.new_token()["token"], "b")
        office.add_device("c", notify="192.0.2.1:5")
        assert [office.device(each)["notify"] for each in "abc"] == ["2948", "2948", "192.0.2.1:5"]
        office.change_device("a", notify="")
        office.add_device("a")  # other secrets, nothing else
        assert office.device("a")["notify"] == ""


def test_the_clock_goes_on_after_a_defect(tmp_path, monkeypatch):
    monkeypatch.setattr(field, "_TICK_S", 0.02)
    lines, ticks = [], []

    def tick():
        ticks.append(1)
        raise ValueError("odd\nthing " + HOSTILE)

    with FieldServer(make(tmp_path / "server"), log=lines.append) as server:
        server.office.tick = tick
        deadline = time.monotonic() + 10
        while len(ticks) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
    assert len(ticks) >= 3
    assert all(line.isprintable() for line in lines) and any("defect clock: ValueError: odd" in line for line in lines)


def test_what_fails_at_the_start_leaves_nothing(tmp_path):
    settings = make(tmp_path / "server")
    (settings.folder / "admin-token").unlink()
    for _ in range(2):
        with pytest.raises(ToolError, match="admin-token"):
            FieldServer(settings).start()
    settings.new_token()
    with FieldServer(settings) as server, open_folder(settings.folder) as client:
        assert client.runs and client.url == server.page_url


def test_the_log_is_one_line_an_event(tmp_path):
    lines = []
    log = Log(lines.append)
    log.start()
    log.event({"id": 1, "kind": "contact", "device": HOSTILE, "text": "a\nb" + "x" * 1000, "data": {}})
    log.event({"id": 0, "kind": "progress", "device": "d", "text": "", "data": {}})
    log.event({"id": 2, "kind": "result", "device": "d", "text": "", "data": {"code": 200, "deep": {}}})
    log.stop()
    assert len(lines) == 2 and all(line.isprintable() and len(line) <= 400 for line in lines)
    assert lines[1].endswith("result d code 200")


def test_a_log_that_cannot_be_written(tmp_path):
    def broken(line):
        raise BrokenPipeError

    log = Log(broken)
    log.start()
    for _ in range(20000):
        log.say("x")
    log.stop()


def test_a_proxy_in_front(tmp_path, fumo):
    """tls = false and a public URL with https: plain http here, the certificate is kept current for the proxy."""
    settings = make(tmp_path / "server", public_url="https://fw.example")
    toml = settings.folder / "server.toml"
    toml.write_text(toml.read_text().replace("tls = true", "tls = false"))
    (settings.folder / "server.pem").unlink()
    lines = []
    with FieldServer(Settings.read(settings.folder), log=lines.append):
        bundle = json.loads(fumo("device", "add", "p1", "--dir", settings.folder).out)
        assert (bundle["url"], bundle["auth"]) == ("https://fw.example/dm", "md5") and bundle["ca_pem"]
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen("http://127.0.0.1:%d/dm" % settings.listen[1], timeout=10)
        assert caught.value.code == 405
    assert "fw.example" in pki.names_of((settings.folder / "server.pem").read_text())
    (settings.folder / "ca-key.pem").unlink()
    (settings.folder / "server.pem").unlink()
    with FieldServer(Settings.read(settings.folder)):
        assert not (settings.folder / "server.pem").exists()


def test_more_than_one_authority(tmp_path):
    settings = make(tmp_path / "server")
    with open(settings.folder / "ca.pem", "a") as file:
        file.write(pki.Authority("of the place of downloads").pem)
    with FieldServer(settings) as server:
        assert server.office.add_device("d")["ca_pem"].count("BEGIN") == 2
        assert peer_end(settings) > time.time()


def test_the_page_by_tls_off_the_loopback(tmp_path):
    settings = make(tmp_path / "server")
    toml = settings.folder / "server.toml"
    toml.write_text(toml.read_text().replace('page = "127.0.0.1', 'page = "0.0.0.0'))
    settings = Settings.read(settings.folder)
    with FieldServer(settings) as server, open_folder(settings.folder) as client:
        assert server.page_url.startswith("https://localhost:") and client.url.startswith("https://127.0.0.1:")
        assert client.get("/api/devices")["total"] == 0
