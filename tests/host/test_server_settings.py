"""The folder of a server: made once, read strictly, its certificate renewed by itself, one process at a time."""

import os
import stat
import subprocess
import sys
from contextlib import contextmanager

import pytest

from flash_tools.server.lock import FolderLock
from flash_tools.server.settings import Settings, init
from tests.host.server_folders import change, complaint

DAY_S = 86400


@pytest.fixture
def folder(tmp_path):
    init(tmp_path / "server", name="trial")
    return tmp_path / "server"


# -- making and reading -----------------------------------------------------------------------------------------------


def test_a_new_folder_is_its_owners(folder):
    settings = Settings.read(folder)
    assert (settings.server_id, settings.public_url) == ("trial", "https://localhost:8443")
    assert (settings.listen, settings.page, settings.tls) == (("127.0.0.1", 8443), ("127.0.0.1", 8420), True)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secret = {"server.toml", "ca-key.pem", "server-key.pem", "admin-token"}
    assert modes == dict.fromkeys(secret, 0o600) | {"ca.pem": 0o644, "server.pem": 0o644}
    assert len(settings.token) >= 40 and settings.warnings() == []


def test_nothing_is_overwritten(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "exists" in complaint(init, folder)
    (folder / "server.toml").unlink()
    assert "ca-key.pem exists" in complaint(init, folder)
    assert all((folder / name).read_bytes() == data for name, data in before.items() if name != "server.toml")


def test_two_servers_share_no_secret(tmp_path):
    one, two = init(tmp_path / "1"), init(tmp_path / "2")
    assert one.token != two.token and one.ca_pem != two.ca_pem


def test_an_address_for_all_wants_a_name(tmp_path):
    assert "--public-url" in complaint(init, tmp_path / "x", listen="0.0.0.0:1")
    assert not (tmp_path / "x").exists()
    made = init(tmp_path / "x", listen="0.0.0.0:8443", public_url="https://fw.example/")
    assert made.public_url == "https://fw.example"
    assert made.names == ("fw.example", "localhost", "127.0.0.1")
    assert init(tmp_path / "y", listen="192.0.2.7:1").names == ("192.0.2.7", "localhost", "127.0.0.1")


def test_plain_http_is_said_and_not_mixed(tmp_path):
    made = init(tmp_path / "x", plain_http=True)
    assert (made.public_url, made.secure, made.tls, made.ca_pem) == ("http://localhost:8443", False, False, None)
    assert any("MAC" in text for text in made.warnings())
    assert "exclude" in complaint(init, tmp_path / "y", plain_http=True, public_url="https://a:1")
    assert "https:" in complaint(init, tmp_path / "y", public_url="http://a:1")


@pytest.mark.parametrize(
    "old, new, words",
    [
        ('listen = "127.0.0.1:8443"', "listen = 127.0.0.1:8443", ("line 5",)),
        ('listen = "127.0.0.1:8443"', 'listen = "127.0.0.1"', ("line 5", "listen", "PORT")),
        ('listen = "127.0.0.1:8443"', 'listen = "[::1]:8443"', ("line 5", "listen")),
        ('listen = "127.0.0.1:8443"', 'listen = "127.0.0.1:84430"', ("line 5", "listen")),
        ("keep_days = 90", 'keep_days = "90"', ("line 9", "keep_days")),
        ("keep_days = 90", "keep_days = true", ("line 9", "keep_days")),
        ("keep_days = 90", "keep_days = 0", ("line 9", "keep_days")),
        ('unknown = "refuse"', 'unknown = "maybe"', ("line 8", "refuse, quarantine")),
        ('unknown = "refuse"', 'unknwon = "refuse"', ("line 8", "unknwon", "unknown")),
        ("https://localhost:8443", "ftp://localhost", ("line 4", "public_url")),
        ("https://localhost:8443", "https://a b", ("line 4", "public_url")),
        ("https://localhost:8443", "https://host:99999", ("line 4", "public_url")),
        ("https://localhost:8443", "https://user@host", ("line 4", "public_url")),
        ("https://localhost:8443", "http://localhost:8443", ("line 4", "tls must be false")),
        ('notify = "2948"', 'notify = "a b"', ("line 10", "notify")),
        ('server_id = "trial"', 'server_id = "tr\\u0007al"', ("line 3", "server_id")),
        ('server_id = "trial"', "", ("lacks server_id",)),
        ("tls = true", "tls = 1", ("line 7", "true or false")),
        ("format = 1", "format = 2", ("format 2", "knows 1")),
        ("format = 1", "", ("format None",)),
    ],
)
def test_a_wrong_line_is_named(folder, old, new, words):
    change(folder, old, new)
    said = complaint(Settings.read, folder)
    assert "server.toml" in said and all(word in said for word in words), said


def test_no_folder_no_text_no_token(tmp_path, folder):
    assert "fumo server init" in complaint(Settings.read, tmp_path / "nothing")
    for data in (b"", b"short\n", "täuschendlangaberkeinASCII\n".encode(), b"\xff" * 40):
        (folder / "admin-token").write_bytes(data)
        assert "--new" in complaint(lambda: Settings.read(folder).token)
    assert Settings.read(folder).new_token() == Settings.read(folder).token
    (folder / "server.toml").write_bytes(b"\xff\xfe\x00")
    assert "no text" in complaint(Settings.read, folder)


@pytest.mark.parametrize(
    "old, new, words",
    [
        ('page = "127.0.0.1:8420"', 'page = "0.0.0.0:8420"', "page's port 8420 is open to every network"),
        ('listen = "127.0.0.1:8443"', 'listen = "192.0.2.1:8443"', "devices' port 8443 is open to the network of 192"),
        ('listen = "127.0.0.1:8443"', 'listen = "0.0.0.0:8443"', "only devices on this machine"),
    ],
)
def test_who_can_reach_it_is_said(folder, old, new, words):
    change(folder, old, new)
    assert any(words in text for text in Settings.read(folder).warnings())


def test_others_may_not_look(folder):
    folder.chmod(0o755)
    assert any("chmod 700" in text for text in Settings.read(folder).warnings())


def test_the_page_is_https_off_the_loopback(folder):
    assert not Settings.read(folder).page_tls
    change(folder, "127.0.0.1:8420", "0.0.0.0:8420")
    assert Settings.read(folder).page_tls


@contextmanager
def no_rights(folder):
    """Be somebody who may not write there."""
    folder.chmod(0o500)
    if os.geteuid() == 0:
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield
        folder.chmod(0o700)


def test_no_permission(tmp_path, folder):
    with no_rights(tmp_path):
        for try_it in (init, Settings.read):
            assert "Permission denied" in complaint(try_it, tmp_path / "server")
    with no_rights(folder):
        assert "Permission denied" in complaint(FolderLock(folder).take)


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot make" in complaint(init, tmp_path / "file" / "server")


# -- the lock ---------------------------------------------------------------------------------------------------------

_HOLD = """
import pathlib, sys
from flash_tools.server.lock import FolderLock
lock = FolderLock(pathlib.Path(sys.argv[1]))
assert lock.take() is None
if sys.argv[2]: lock.note(url=sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


def hold(folder, url=""):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder), url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_one_process_a_folder(folder):
    holder = hold(folder, "http://127.0.0.1:1")
    mine = FolderLock(folder)
    note = mine.take()
    assert note["url"] == "http://127.0.0.1:1" and note["pid"] == holder.pid and not mine.is_held
    holder.kill()
    holder.wait(10)
    assert mine.take() is None and mine.is_held  # what a killed process left written means nothing
    assert FolderLock(folder).take(0) == {"pid": os.getpid()}
    mine.release()
    assert not mine.is_held and FolderLock(folder).take(0) is None


def test_a_brief_holder_is_waited_for(folder):
    holder = hold(folder)
    assert FolderLock(folder).take(0.2) == {"pid": holder.pid}
    holder.stdin.close()
    assert FolderLock(folder).take(10) is None
    assert holder.wait(10) == 0


def test_a_note_that_is_rubbish(folder):
    mine = FolderLock(folder)
    mine.take()
    for data in (b"", b"[1]", b"\xff", b'{"url": ""}'):
        (folder / "lock").write_bytes(data)
        assert not FolderLock(folder).take(0).get("url")
