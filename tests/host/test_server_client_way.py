"""The way to a server and back: a token that goes nowhere else, odd answers, and terminals that devices cannot write to."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from flash_tools.admin_client import Client, path
from flash_tools.cli import output as cli_output
from flash_tools.errors import ToolError
from flash_tools.server.field import FieldServer
from tests.host import server_process
from tests.host.server_process import HOSTILE, free_port, make

fumo = server_process.fumo


def test_by_url_and_token(tmp_path, fumo, monkeypatch):
    with FieldServer(make(tmp_path / "server")) as server:
        _by_url_and_token(server.page_url, server.settings.token, fumo, monkeypatch)


def _by_url_and_token(page, token, fumo, monkeypatch):
    assert "total" in fumo("device", "list", "--url", page, "--token", token, "--json").out
    assert "does not take the token" in fumo("device", "list", "--url", page, "--token", "wrong", code=1).err
    assert "--token" in fumo("device", "list", "--url", page, code=1).err
    assert "https only" in fumo("device", "list", "--url", "http://192.0.2.1", "--token", token, code=1).err
    nobody = "http://127.0.0.1:%d" % free_port()
    assert "no server answers" in fumo("device", "list", "--url", nobody, "--token", token, code=1).err
    monkeypatch.setenv(cli_output.URL, page)
    monkeypatch.setenv(cli_output.TOKEN, token)
    assert "total" in fumo("device", "list", "--json").out


class Odd(BaseHTTPRequestHandler):
    """Answers what no server of ours does."""

    answer, seen = (200, {}, b""), []

    def do_GET(self):
        self.seen.append((self.path, self.headers["Authorization"]))
        status, headers, body = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def odd():
    with HTTPServer(("127.0.0.1", 0), type("Mine", (Odd,), {"seen": []})) as served:
        thread = Thread(target=served.serve_forever, args=(0.02,))
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"<html>"), (200, {}, b"[" * 100000), (200, {"Content-Length": "9"}, b"{}"), (500, {}, b"\xff"),
        (400, {}, json.dumps({"error": HOSTILE}).encode()), (400, {}, b"[]"), (401, {}, b'{"error": "x"}'), (204, {}, b""),
    ],
)  # fmt: skip
def test_odd_answers(odd, answer):
    odd.RequestHandlerClass.answer = answer
    client = Client("http://127.0.0.1:%d" % odd.server_port, "token")
    if answer[0] == 204:
        assert client.get("/api/x") == {}
        return
    with pytest.raises(ToolError) as caught:
        client.get("/api/x")
    assert str(caught.value).isprintable()


def test_the_token_follows_no_redirect(odd):
    here = "http://127.0.0.1:%d" % odd.server_port
    odd.RequestHandlerClass.answer = (302, {"Location": here + "/elsewhere"}, b"")
    with pytest.raises(ToolError):
        Client(here, "token").get("/api/x")
    assert odd.RequestHandlerClass.seen == [("/api/x", "Bearer token")]


def test_ids_in_paths():
    assert path("devices", "a/b?c#d%41 ä", "notify") == "/api/devices/a%2Fb%3Fc%23d%2541%20%C3%A4/notify"


def test_tables_defuse_what_devices_say(capsys):
    cli_output.show_table("t", ["a"], [(HOSTILE,)])
    cli_output.show_fields({"a": HOSTILE + "\nline two"})
    cli_output.say(HOSTILE)
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text and "[bold]x[/bold]" in text
    assert "line two" in said.out


@pytest.mark.parametrize("text, wanted", [("90", 90), ("90s", 90), ("15m", 900), ("24h", 86400), ("7d", 604800)])
def test_times(text, wanted):
    assert cli_output.seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "0", "-1", "m", "1w", "1.5h", "²", "99999999"])
def test_no_times(text):
    with pytest.raises(ToolError):
        cli_output.seconds(text)
