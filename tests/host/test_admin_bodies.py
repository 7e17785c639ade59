"""Bodies of requests to the admin app: too long, too slow, too many, cut off; and the largest answer."""

import socket
import time

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from flash_tools.server import listener
from flash_tools.server.admin import body as bodies
from tests.host.admin_office import TOKEN, Admin


@pytest.fixture
def admin():
    with Admin() as made:
        yield made


def _head(method, path, *more):
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: localhost", "Authorization: Bearer " + TOKEN, *more, "", ""]
    return "\r\n".join(lines).encode()


def test_a_body_that_is_announced_too_long(admin):
    answer = admin.raw(_head("POST", "/api/devices", "Content-Length: 1048577") + b"{")
    assert b" 413 " in answer.split(b"\r\n")[0] and b"at most 1048576 bytes" in answer
    assert b"connection: close" in answer.lower()


def test_a_body_that_is_too_long_is_answered_and_not_kept(admin):
    answer = admin.ask("POST", "/api/devices", b"x" * (6 << 20), Connection="close")
    assert (answer.status, admin.office.calls) == (413, [])


def test_a_body_without_a_length_that_is_too_long(admin):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    data = _head("POST", "/api/devices", "Transfer-Encoding: chunked") + chunk * 99 + b"0\r\n\r\n"
    assert b" 413 " in admin.raw(data).split(b"\r\n")[0]


def test_a_client_that_waits_for_a_word_is_refused_at_once(admin):
    began = time.monotonic()
    answer = admin.raw(_head("POST", "/api/devices", "Content-Length: 9999999", "Expect: 100-continue"))
    assert b" 413 " in answer.split(b"\r\n")[0] and time.monotonic() - began < 0.8


def test_packages_may_be_longer(admin, monkeypatch):
    data = b"p" * (2 << 20)
    assert admin.ask("POST", "/api/packages", data).status == 201
    assert admin.office.calls == [("add_package", (data, None), {"url": ""})]
    monkeypatch.setattr(bodies, "PACKAGE_MAX", 1000)
    assert admin.ask("POST", "/api/packages", b"p" * 1001).status == 413
    assert admin.ask("POST", "/api/packages", b"p" * 1000).status == 201


def test_strangers_send_little(admin):
    assert admin.ask("POST", "/sign-in", "token=" + "x" * 5000, token=None).status == 413
    assert admin.ask("POST", "/api/packages", b"p" * 100_000, token="wrong").status == 401
    assert admin.ask("POST", "/api/packages", b"p" * (6 << 20), token="wrong", Connection="close").status == 401


def test_too_many_uploads(admin):
    with (
        socket.create_connection(("127.0.0.1", admin.port)) as first,
        socket.create_connection(first.getpeername()) as second,
    ):
        with socket.create_connection(first.getpeername()) as third:
            for sock in (first, second, third):
                sock.sendall(_head("POST", "/api/packages", "Content-Length: 100") + b"x")
            deadline = time.monotonic() + 5
            while (answer := admin.ask("POST", "/api/packages", b"p")).status != 503 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert answer.status == 503 and answer.headers["retry-after"]
    deadline = time.monotonic() + 5
    while (answer := admin.ask("POST", "/api/packages", b"p")).status != 201 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert answer.status == 201


def test_a_body_that_comes_too_slowly(admin, monkeypatch):
    monkeypatch.setattr(bodies, "FIRST_S", 0.3)
    answer = admin.raw(_head("POST", "/api/devices", "Content-Length: 10") + b"{")
    assert b" 408 " in answer.split(b"\r\n")[0] and b"too slowly" in answer
    with socket.create_connection(("127.0.0.1", admin.port), 5) as sock:
        sock.sendall(_head("POST", "/api/devices", "Content-Length: 1000"))
        began = time.monotonic()
        sock.settimeout(0.05)
        answer = b""
        while not answer and time.monotonic() - began < 4:
            sock.sendall(b" ")  # a byte now and then does not help
            try:
                answer = sock.recv(1000)
            except TimeoutError:
                pass
    assert b" 408 " in answer and admin.office.calls == []


def test_an_upload_may_take_longer_than_other_requests(admin, monkeypatch):
    monkeypatch.setattr(listener, "_REQUEST_S", 0.3)
    for path, status in (("/api/packages", b" 201 "), ("/api/devices", b"")):
        with socket.create_connection(("127.0.0.1", admin.port), 5) as sock:
            sock.sendall(_head("POST", path, "Content-Length: 9", "Connection: close"))
            try:
                for _ in range(9):
                    time.sleep(0.08)
                    sock.sendall(b"x")
                answer = sock.recv(1000)
            except OSError:
                answer = b""
        assert status in answer.split(b"\r\n")[0] and bool(answer) == bool(status), path


def test_who_leaves_in_the_middle_of_a_body_changes_nothing(admin):
    with socket.create_connection(("127.0.0.1", admin.port)) as sock:
        sock.sendall(_head("POST", "/api/packages", "Content-Length: 10") + b"abc")
    time.sleep(0.1)
    assert admin.office.calls == [] and admin.ask("GET", "/health").status == 200


def test_a_copy_of_the_store(admin, tmp_path):
    def write(path):
        with open(path, "wb") as file:
            file.write(b"SQLite" * 100_000)

    admin.office.backup = write
    answer = admin.ask("GET", "/api/backup")
    assert answer.body == b"SQLite" * 100_000
    assert answer.headers["content-length"] == "600000" and "attachment" in answer.headers["content-disposition"]


async def _form(request):
    return PlainTextResponse(str(len(await request.body())))


def test_the_page_s_bodies_are_bounded_too():
    with Admin(
        page_routes=[Route("/form", _form, methods=["POST"]), Route("/packages", _form, methods=["POST"])]
    ) as admin:
        assert admin.ask("POST", "/form", b"x" * (1 << 20)).body == b"1048576"
        assert admin.ask("POST", "/form", b"x" * ((1 << 20) + 1)).status == 413
        assert admin.ask("POST", "/packages", b"x" * (2 << 20)).body == b"2097152"
