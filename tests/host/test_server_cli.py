"""`fumo server`, `device`, `package`, `order` and `campaign`: against a server in a process of its own, and without one."""

import json
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from flash_tools.server.settings import Settings
from tests.host import server_process
from tests.host.server_process import HOSTILE, Running, environment, make

fumo = server_process.fumo


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Run a server for all tests that change nothing about it."""
    folder = tmp_path_factory.mktemp("cli") / "server"
    make(folder, name="trial")
    running = Running(folder)
    yield running
    code, said = running.end()
    assert code == 0 and "Traceback" not in said and said.endswith("stopped\n"), said


def test_a_device_from_add_to_remove(server, tmp_path, fumo):
    where = ("--dir", server.folder)
    device_id = "sim:/%41?#ä"
    out = tmp_path / "bundle.json"
    fumo("device", "add", device_id, "-o", out, "--name", HOSTILE[1:8], "--tag", "a", "--tag", "b", *where)
    bundle = json.loads(out.read_text())
    assert out.stat().st_mode & 0o777 == 0o600
    assert bundle["device_id"] == device_id and bundle["url"].startswith("https://localhost:") and bundle["ca_pem"]
    assert (bundle["auth"], bundle["server_auth"]) == ("md5", "md5")
    server.heard("enrolled %s" % device_id)
    assert "--renew" in fumo("device", "add", device_id, *where, code=1).err
    other = json.loads(fumo("device", "add", device_id, "--renew", *where).out)
    assert other["secret"] != bundle["secret"]
    shown = json.loads(fumo("device", "show", device_id, *where, "--json").out)["device"]
    assert shown["tags"] == ["a", "b"] and shown["notify"] == "2948"
    fumo("device", "change", device_id, "--tag", "c", "--pause", "--contact-every", "2h", *where)
    shown = json.loads(fumo("device", "show", device_id, *where, "--json").out)["device"]
    assert (shown["tags"], shown["paused"], shown["contact_every_s"]) == (["c"], True, 7200)
    assert "nothing to change" in fumo("device", "change", device_id, *where, code=1).err
    assert (
        device_id in fumo("device", "list", *where).out and device_id in fumo("device", "show", device_id, *where).out
    )
    fumo("device", "remove", device_id, *where)
    assert "no device" in fumo("device", "show", device_id, *where, code=1).err


def test_wrong_words_for_a_device(server, fumo):
    where = ("--dir", server.folder)
    assert "credentials" in fumo("device", "add", "w", "--auth", "rot13", *where, code=1).err
    assert "a time is" in fumo("device", "add", "w", "--contact-every", "soon", *where, code=1).err
    assert "printed" in fumo("device", "add", HOSTILE, *where, code=1).err
    fumo("device", "add", *where, code=2)
    made = json.loads(fumo("device", "add", "w", "--server-auth", "none", *where, "--json").out)
    assert made["bundle"]["server_auth"] is None
    failed = fumo("device", "show", "nobody", *where, "--json", code=1)
    assert json.loads(failed.out)["exit_code"] == 1


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    from flash_tools.sim import sim_files

    folder = tmp_path_factory.mktemp("package")
    files = sim_files.make(folder / "dev", size=4096)
    (folder / "fw.fup").write_bytes(files.update("2.0", size=4096))
    return folder / "fw.fup"


def test_packages_and_orders(server, package, tmp_path, fumo):
    where = ("--dir", server.folder)
    fumo("package", "add", package, *where)
    assert "2.0" in fumo("package", "list", *where).out
    rubbish = tmp_path / "rubbish.fup"
    rubbish.write_bytes(b"rubbish")
    fumo("package", "add", rubbish, *where, code=1)
    assert "cannot read" in fumo("package", "add", tmp_path / "none", *where, code=1).err
    fumo("device", "add", "o", *where)
    fumo("order", "o", "none.fup", *where, code=1)
    number = fumo("order", "o", "fw.fup", *where).out.strip()
    assert "busy" in fumo("order", "o", "fw.fup", *where, code=1).err
    assert number in fumo("orders", "list", "--device", "o", *where).out
    fumo("orders", "cancel", number, *where)
    assert "cancelled" in fumo("orders", "show", number, *where).out
    fumo("orders", "cancel", number, *where, code=1)
    begun = time.monotonic()
    said = fumo("order", "o", "fw.fup", "--wait", "--within", "1s", *where, code=3)
    assert time.monotonic() - begun >= 1 and "after 1 s" in said.err
    assert "task" in fumo("device", "get", "o", "./DevInfo/Mod", "--wait", "0", *where).err
    assert "has not called" in fumo("device", "get", "o", "./DevInfo/Mod", "--wait", "1s", *where, code=3).err


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_an_order_that_fails_is_an_exit_code(fumo, monkeypatch, state):
    order = {"id": "1", "state": state, "success": False, "code": 410, "failure": "no\x1broom", "device": "d"}
    monkeypatch.setattr("flash_tools.admin_client.Client.post", lambda *arguments: order)
    monkeypatch.setattr("flash_tools.admin_client.Client.get", lambda *arguments, **options: order)
    words = ("order", "d", "p", "--wait", "--url", "http://127.0.0.1:1", "--token", "t")
    assert "failed with 410: no" in fumo(*words, code=1).err
    assert json.loads(fumo(*words, "--json", code=1).out)["exit_code"] == 1


def test_signers(package, tmp_path, fumo):
    where = ("--dir", tmp_path / "server")
    make(tmp_path / "server")
    fumo("keys", "new", tmp_path / "key.pem")
    assert "private" in fumo("package", "trust", tmp_path / "key.pem", *where, code=1).err
    fumo("package", "trust", tmp_path / "key.pub.pem", "--name", "us", *where)
    fumo("package", "add", package, *where, code=1)


def test_a_campaign(server, package, tmp_path, fumo):
    where = ("--dir", server.folder)
    fumo("package", "add", package, "--name", "c.fup", *where)
    fumo("device", "add", "c1", *where)
    (tmp_path / "c.toml").write_text('[campaign]\nname = "trial-1"\npackage = "c.fup"\nfilter = "id == \'c1\'"\n')
    fumo("campaign", "add", tmp_path / "c.toml", *where)
    (tmp_path / "bad.toml").write_text('[campaign]\nname = "x"\npakage = "c.fup"\n')
    assert "pakage" in fumo("campaign", "add", tmp_path / "bad.toml", *where, code=1).err
    fumo("campaign", "start", "trial-1", *where)
    assert "running" in fumo("campaign", "list", *where).out
    assert (
        json.loads(fumo("campaign", "show", "trial-1", *where, "--json").out)["campaign"]["targets"][0]["device"]
        == "c1"
    )
    assert "c1" in fumo("campaign", "csv", "trial-1", *where).out
    fumo("campaign", "abort", "trial-1", *where)
    assert "aborted" in fumo("campaign", "show", "trial-1", *where).out
    fumo("campaign", "start", "trial-1", *where, code=1)


def test_backup_and_restore(server, tmp_path, fumo):
    where = ("--dir", server.folder)
    fumo("device", "add", "kept", "--renew", *where)
    said = fumo("server", "backup", tmp_path / "b.db", *where).err
    assert "admin-token" in said and (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600
    assert "exists" in fumo("server", "backup", tmp_path / "b.db", *where, code=1).err
    assert "cannot use" in fumo("server", "backup", tmp_path / ("x" * 300), *where, code=1).err
    assert "cannot write" in fumo("server", "backup", tmp_path / "no" / "b.db", *where, code=1).err
    assert sqlite3.connect(tmp_path / "b.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
    restored = make(tmp_path / "other")
    (tmp_path / "b.db").rename(restored.folder / "store.db")
    shown = json.loads(fumo("device", "list", "--dir", restored.folder, "--json").out)
    assert "kept" in [row["id"] for row in shown["devices"]]
    assert (restored.folder / "store.db").stat().st_mode & 0o077 == 0


def test_prune_and_show(server, fumo):
    assert "forgotten" in fumo("server", "prune", "--keep-days", "1", "--dir", server.folder).out
    fumo("server", "prune", "--keep-days", "-1", "--dir", server.folder, code=2)
    shown = json.loads(fumo("server", "show", "--dir", server.folder, "--json").out)
    assert shown["runs"] and shown["server_id"] == "trial" and len(shown["authority"]) == 64
    assert server.said["page"] in fumo("server", "show", "--dir", server.folder).out


def test_without_a_server_that_runs(tmp_path, package, fumo, monkeypatch):
    settings = make(tmp_path / "fumo-server")
    monkeypatch.chdir(tmp_path)  # the usual folder
    assert json.loads(fumo("device", "add", "sim:1").out)["url"] == settings.public_url + "/dm"
    fumo("package", "add", package)
    assert "waits until" in fumo("order", "sim:1", "fw.fup").err
    assert "nothing to wait for" in fumo("order", "sim:1", "fw.fup", "--wait", code=1).err
    assert "does not run" in fumo("server", "show").out
    assert settings.folder.joinpath("store.db").stat().st_mode & 0o077 == 0
    with socket.socket() as sock:  # nobody listens
        assert sock.connect_ex(settings.page) and sock.connect_ex(settings.listen)


def test_commands_wait_for_each_other(tmp_path):
    """Many commands at once on a folder without a server: each has the folder for a moment."""
    make(tmp_path / "server")
    words = [sys.executable, "-m", "flash_tools", "device", "add", "--dir", str(tmp_path / "server")]
    many = [subprocess.Popen([*words, "sim:%d" % i], stdout=subprocess.PIPE, env=environment()) for i in range(3)]
    bundles = [json.loads(each.communicate(timeout=60)[0]) for each in many]
    assert len({each["device_id"] for each in bundles}) == 3


def test_init_tells_who_can_reach_it(tmp_path, fumo):
    said = fumo("server", "init", tmp_path / "x", "--listen", "0.0.0.0:1", "--public-url", "https://fw.example:1")
    assert "devices' port 1 is open to every network" in said.err and len(said.err.splitlines()) == 1
    assert "fumo order sim:1 fw.fup --wait --dir %s" % (tmp_path / "x") in said.out
    assert "plain http" in fumo("server", "init", tmp_path / "y", "--plain-http").err


def test_the_token(tmp_path, fumo):
    settings = make(tmp_path / "server")
    assert fumo("server", "token", settings.folder).out.strip() == settings.token
    link = fumo("server", "token", settings.folder, "--link").out.strip()
    assert link == "http://127.0.0.1:%d/?token=%s" % (settings.page[1], settings.token)
    assert fumo("server", "token", settings.folder, "--new").out.strip() == settings.token != link.partition("=")[2]


def test_enrolment_by_token(server, tmp_path, fumo):
    where = ("--dir", server.folder)
    token = fumo("device", "enrol-token", "--model", "sim", "--tag", "field", *where).out.strip()
    url, ca = Settings.read(server.folder).public_url, server.folder / "ca.pem"
    words = ("--enrol", url, "--token", token, "--ca", ca, "--size", 4)
    assert "model" in fumo("sim", "new", tmp_path / "a", *words, "--id", "e1", "--model", "other", code=1).err
    fumo("sim", "new", tmp_path / "b", *words, "--id", "e1")
    assert json.loads((tmp_path / "b" / "bundle.json").read_text())["device_id"] == "e1"
    assert "field" in fumo("device", "list", "e1", *where).out
    assert "used up" in fumo("sim", "new", tmp_path / "c", *words, "--id", "e2", code=1).err
    server.heard("refused enrolment e2 from 127.0.0.1: the token is unknown")
    assert token not in "".join(server.lines)
