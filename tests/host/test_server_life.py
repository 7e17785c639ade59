"""`fumo server run` as a process: how it starts, what it says when it cannot, how it ends."""

import json
import os
import signal
import socket
import sqlite3
import time
from contextlib import suppress

import pytest

from flash_tools.server import pki
from tests.host import server_process
from tests.host.server_process import Running, make

fumo = server_process.fumo


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told(tmp_path, number):
    settings = make(tmp_path / "server")
    running = Running(tmp_path / "server")
    assert running.said["url"] == settings.public_url
    with socket.create_connection(settings.listen), socket.create_connection(settings.page) as page:
        head = "GET /api/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n"
        page.sendall((head % settings.token).encode())
        assert b"200" in page.recv(1000)  # a stream that never ends, and a handshake that never begins
        started = time.monotonic()
        code, said = running.end(number)
    assert code == 0 and time.monotonic() - started < 8
    assert "Traceback" not in said and said.splitlines()[-1] == "stopped", said


def test_strangers_at_the_ports_leave_no_traceback(tmp_path):
    settings = make(tmp_path / "server")
    running = Running(tmp_path / "server")
    for address in (settings.listen, settings.page):
        for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05rubbish", os.urandom(500), b"\x00" * 70000):
            with socket.create_connection(address, 10) as sock:
                sock.settimeout(0.2)
                with suppress(OSError):
                    sock.sendall(data)
                    sock.recv(100)
    code, said = running.end()
    assert code == 0 and "Traceback" not in said and "defect" not in said, said


def test_it_comes_back_after_a_kill(tmp_path, fumo):
    make(tmp_path / "server")
    running = Running(tmp_path / "server", "--quiet")
    fumo("device", "add", "sim:1", "-o", tmp_path / "bundle.json", "--dir", tmp_path / "server")
    assert running.end(signal.SIGKILL)[0] == -signal.SIGKILL
    running = Running(tmp_path / "server", "--quiet")
    listed = fumo("device", "list", "--dir", tmp_path / "server", "--json").out
    assert [row["id"] for row in json.loads(listed)["devices"]] == ["sim:1"]
    code, said = running.end()
    assert (code, said.splitlines()[1:]) == (0, ["stopped"])  # --quiet: the address and the end


def test_one_server_a_folder(tmp_path, fumo):
    make(tmp_path / "server")
    running = Running(tmp_path / "server")
    said = fumo("server", "run", tmp_path / "server", code=1).err
    assert "another server runs" in said and str(running.process.pid) in said
    assert running.end()[0] == 0


def test_a_port_in_use(tmp_path, fumo):
    settings = make(tmp_path / "server")
    for address in (settings.listen, settings.page):
        with socket.socket() as sock:
            sock.bind(address)
            sock.listen()
            assert "cannot listen at 127.0.0.1:%d" % address[1] in fumo("server", "run", settings.folder, code=1).err
    running = Running(settings.folder)  # nothing was left behind
    assert running.end()[0] == 0


def test_what_is_wrong_with_the_folder_is_one_line(tmp_path, fumo):
    folder = tmp_path / "server"
    assert "fumo server init" in fumo("server", "run", folder, code=1).err
    assert "fumo server init" in fumo("device", "list", "--dir", folder, code=1).err
    make(folder)
    assert "exists" in fumo("server", "init", folder, code=1).err
    text = (folder / "server.toml").read_text()
    (folder / "server.toml").write_text(text.replace("keep_days = 90", "keep_days = ninety"))
    assert "line 9" in fumo("server", "run", folder, code=1).err
    (folder / "server.toml").write_text(text.replace("format = 1", "format = 7"))
    assert "format 7" in fumo("device", "list", "--dir", folder, code=1).err
    (folder / "server.toml").write_text(text)
    key = (folder / "ca-key.pem").read_text()
    (folder / "ca-key.pem").write_text(pki.Authority("other").kept.key_pem)
    assert "does not belong" in fumo("server", "run", folder, code=1).err
    (folder / "ca-key.pem").write_text(key)
    (folder / "store.db").write_text("no database" * 100)
    assert "store.db" in fumo("server", "run", folder, code=1).err
    (folder / "store.db").unlink()
    (folder / "lock").unlink()
    (folder / "lock").mkdir()
    assert "cannot write" in fumo("server", "run", folder, code=1).err


def test_a_store_of_another_version(tmp_path, fumo):
    make(tmp_path / "server")
    with sqlite3.connect(tmp_path / "server" / "store.db") as database:
        database.execute("PRAGMA user_version=99")
    assert "99" in fumo("server", "run", tmp_path / "server", code=1).err
