"""`fumo notify`: a simulated device hears package 0 and comes, however it was made and brought."""

import base64
import hashlib
import json
import socket

import pytest

from flash_tools.errors import ToolError, UsageError
from flash_tools.server.bench import BenchServer
from flash_tools.sim import sim_files
from flash_tools.waking import notify
from tests.host.fake_modem import FakeModem, gather
from tests.host.fumo_here import fumo_here
from tests.host.server_process import make
from tests.host.sim_devices import INTERPRETERS, QUICK, TIMEOUT_S, device, needs

ID = "sim:1"
_WSP = 6  # octets of its headers


@pytest.fixture(scope="module")
def server():
    with BenchServer(page=True) as server:
        yield server


@pytest.fixture
def bundle(server, tmp_path):
    given = server.add_device(ID) if ID not in server.desk.devices else _anew(server)
    (tmp_path / "bundle.json").write_text(json.dumps(given))
    return given


def _anew(server):
    server.office.remove_device(ID)
    return server.add_device(ID)


@pytest.fixture
def fumo(monkeypatch, capfdbinary, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("FUMO_SERVER", "FUMO_URL", "FUMO_TOKEN", "FUMO_SERVER_SECRET", "FUMO_SERVER_NONCE"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments, **options: fumo_here(monkeypatch, capfdbinary, "notify", *arguments, **options)


@pytest.fixture
def way(server, monkeypatch):
    monkeypatch.setenv("FUMO_TOKEN", server.token)
    return ("--url", server.page_url)


def comes(server, process, session):
    """Wait for the session that was asked for."""
    process.wait_for("session open", TIMEOUT_S)
    process.wait_for("session closed", TIMEOUT_S)
    assert server.office.dm.session(ID, session)


def digest(server_id, secret, nonce, trigger):
    b64 = lambda data: base64.b64encode(hashlib.md5(data).digest())  # noqa: E731
    return hashlib.md5(b64(("%s:%s" % (server_id, secret)).encode()) + b":" + nonce + b":" + b64(trigger)).digest()


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_device_comes_when_its_server_is_asked(server, bundle, fumo, way, tmp_path, interpreter):
    files = sim_files.make(tmp_path / "device", bundle)
    with device(files, *QUICK, micropython=needs(interpreter)) as process:
        place = "127.0.0.1:%d" % process.port()
        said = fumo(ID, "--to", place, *way, "--json").json
        assert (said["to"], said["transport"]) == ("udp:" + place, "udp") and "hex" not in said
        comes(server, process, said["session"])
    notes = server.office.timeline(ID, kinds=("woken",))
    assert "given out for udp:" in str(notes)
    assert server.desk.profile(ID).woken_at


@pytest.mark.parametrize("wap", [(), ("--wap",)])
def test_a_bundle_is_enough_for_a_new_device(server, bundle, fumo, tmp_path, wap):
    files = sim_files.make(tmp_path / "device", bundle)
    with device(files, *QUICK) as process:
        said = fumo("--bundle", "bundle.json", "--to", "127.0.0.1:%d" % process.port(), *wap, "--json").json
        comes(server, process, said["session"])


def test_values_come_from_files_and_the_environment(server, bundle, fumo, tmp_path, monkeypatch):
    files = sim_files.make(tmp_path / "device", bundle)
    (tmp_path / "secret").write_text(bundle["server_secret"] + "\n")
    monkeypatch.setenv("FUMO_SERVER_NONCE", bundle["server_nonce"])
    with device(files, *QUICK) as process:
        said = fumo(
            "--server-id", "bench", "--secret-file", "secret", "--to", "127.0.0.1:%d" % process.port(), "--json"
        )
        assert bundle["server_secret"] not in said.out.decode() + said.err
        comes(server, process, said.json["session"])


def test_what_a_modem_takes_wakes_the_device(server, bundle, fumo, way, tmp_path):
    files = sim_files.make(tmp_path / "device", bundle)
    with device(files, *QUICK) as process, FakeModem() as modem:
        place = ("--modem", "serial:" + modem.path, "--number", "+49 170 1234567")
        said = fumo(ID, *place, *way, "--json").json
        assert (said["to"], said["messages"], said["references"]) == ("sms:+491701234567", 1, [42])
        number, push = gather(modem.pdus)
        assert number == "+491701234567" and len(push) == said["bytes"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(push, ("127.0.0.1", process.port()))
        comes(server, process, said["session"])


def test_a_forged_one_brings_nobody(server, bundle, fumo, way, tmp_path):
    """The same way as above, one bit changed: the tests here would notice a device that comes anyway."""
    files = sim_files.make(tmp_path / "device", bundle)
    with device(files, *QUICK) as process:
        body = bytearray.fromhex(fumo(ID, "--to", "127.0.0.1", "--dry-run", *way).out.decode())
        body[-1] ^= 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(body, ("127.0.0.1", process.port()))
        with pytest.raises(ToolError):
            process.wait_for("session open", 1)


def test_a_dry_run_shows_it_and_leaves_no_trace(server, bundle, fumo, way):
    account, steps = server.device(ID), len(server.transcript.steps)
    done = fumo(ID, "--to", "192.0.2.1", "--dry-run", "--ui-mode", "background", "--resync", *way)
    body = bytes.fromhex(done.out.decode())
    name = account.server_id.encode()
    assert body[24 : 24 + body[23]] == name and body[:16] == digest(
        "bench", bundle["server_secret"], bytes(4), body[16:]
    )
    assert body[16:18] == bytes((11 >> 2, (11 & 3) << 6 | 1 << 4 | 1 << 3))
    assert not account.resync and len(server.transcript.steps) == steps and server.desk.profile(ID).woken_at is None
    said = fumo(ID, "--modem", "serial:/dev/nowhere", "--number", "+491701234567", "--dry-run", "--json", *way).json
    assert bytes.fromhex(said["hex"][0])[-said["bytes"] :][_WSP:][:16]


def test_a_server_notes_nothing_where_there_is_no_modem(server, bundle, fumo, way):
    fumo(ID, "--modem", "serial:/dev/ttyNO", "--number", "123", *way, code=3).line  # noqa: B018
    assert server.desk.profile(ID).woken_at is None


def test_resync_lets_the_zero_nonce_in_once(server, bundle, fumo, way, tmp_path):
    files = sim_files.make(tmp_path / "device", bundle)
    server.device(ID).server_nonce = b"another one"
    with device(files, *QUICK) as process:
        said = fumo(ID, "--to", "127.0.0.1:%d" % process.port(), "--resync", *way, "--json").json
        comes(server, process, said["session"])
    assert not server.device(ID).resync


def test_the_server_sends_it_itself(server, bundle, fumo, way, tmp_path):
    files = sim_files.make(tmp_path / "device", bundle)
    with device(files, *QUICK) as process:
        server.office.change_device(ID, notify="127.0.0.1:%d" % process.port())
        said = fumo(ID, *way, "--json").json
        assert said["transport"] == "server"
        comes(server, process, said["session"])


def test_a_folder_without_a_running_server_will_do(fumo, tmp_path):
    make(tmp_path / "fumo-server", name="trial")
    from flash_tools.admin_client import open_folder

    with open_folder(tmp_path / "fumo-server") as client:
        bundle = client.post("/api/devices", {"id": ID})
    done = fumo(ID, "--to", "192.0.2.1", "--dry-run", "--dir", "fumo-server", "--json").json
    body = bytes.fromhex(done["hex"][0])
    nonce = base64.b64decode(bundle["server_nonce"])
    assert body[:16] == digest(bundle["server_id"], bundle["server_secret"], nonce, body[16:])


@pytest.mark.parametrize(
    "arguments, code, text",
    [
        (("d",), 1, "no server"),
        ((), 2, "which device"),
        (("--bundle", "bundle.json"), 2, "where to"),
        (("--bundle", "nowhere.json", "--to", "h"), 3, "cannot read"),
        (("--bundle", "secret", "--to", "h"), 1, "no bundle"),
        (("--bundle", "bundle.json", "d", "--to", "h"), 2, "the whole account"),
        (("--server-id", "s", "--to", "h"), 2, "which secret"),
        (("--server-id", "s", "--secret-file", "secret", "--to", "127.0.0.1"), 2, "needs the nonce"),
        (("--server-id", "s", "--secret-file", "secret", "--nonce-file", "secret", "--to", "h"), 2, "not base64"),
        (("--server-id", "s", "d", "--to", "h"), 2, "one of them"),
        (("--secret-file", "secret", "d", "--to", "h"), 2, "go with --server-id"),
        (("d", "--to", "h", "--modem", "serial:x", "--number", "123"), 2, "one of them"),
        (("d", "--modem", "serial:x"), 2, "an SMS needs"),
        (("d", "--modem", "sim:x", "--number", "123"), 2, "takes serial:"),
        (("d", "--modem", "serial:x", "--number", "12x"), 2, "no telephone number"),
        (("--bundle", "bundle.json", "--to", "127.0.0.1", "--ui-mode", "loud"), 2, "ui mode"),
        (("--bundle", "bundle.json", "--to", "nowhere.invalid"), 3, "not known"),
        (("--bundle", "bundle.json", "--modem", "serial:/dev/ttyNO", "--number", "123"), 3, "not there"),
        (("--bundle", "bundle.json", "--modem", "serial:x", "--number", "123", "--valid", "soon"), 1, "a time is"),
    ],
)
def test_what_cannot_be_meant_is_one_line(bundle, fumo, tmp_path, arguments, code, text):
    (tmp_path / "secret").write_text("se cret")
    assert text in fumo(*arguments, code=code).line


def test_an_unknown_device_and_an_unsigned_account(server, fumo, way):
    assert "no device" in fumo("nobody", "--to", "127.0.0.1", *way, code=1).line
    with pytest.raises(UsageError):
        notify.FromAccount(notify.Account("s", "", b"n"))
    server.add_device("bare")
    server.device("bare").server_secret = None
    assert "no secret" in fumo("bare", "--to", "127.0.0.1", *way, code=1).line
