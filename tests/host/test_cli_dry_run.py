"""`--dry-run` of the commands that talk to a server: the store and every file stay as they are, and it says what it would do."""

import json
import sqlite3

import pytest

from flash_tools.server.settings import STORE
from tests.host.cli_tree import commands
from tests.host.fumo_inside import inside
from tests.host.test_fumo_cli import fumo

CAMPAIGN = 'name = "c"\npackage = "fw.fup"\n[filter]\nids = ["sim:1"]\n'
WAYS = {
    "order": ("sim:1", "fw.fup"),
    "orders cancel": ("1",),
    "package add": ("fw.fup",),
    "package remove": ("fw.fup",),
    "package trust": ("dev0/key.pub.pem",),
    "server backup": ("copy.db",),
    "server prune": (),
    "server token": ("--new",),
    "server init": ("other",),
    "device add": ("sim:2", "-o", "bundle.json"),
    "device change": ("sim:1", "--tag", "field"),
    "device remove": ("sim:1",),
    "device notify": ("sim:1",),
    "device enrol-token": (),
    "device quarantine": ("--dismiss", "x"),
    "device accept": ("x", "-o", "bundle.json"),
    "device get": ("sim:1", "./DevInfo/Mod"),
    "device set": ("sim:1", "./DevInfo/Lang", "de"),
    "device exec": ("sim:1", "./FUMO/Update"),
    "campaign add": ("campaign.toml",),
    **{"campaign " + action: ("c",) for action in ("start", "pause", "resume", "next", "abort", "retry", "remove")},
}
READ_IS_ALL = {"campaign csv"}  # writes the file alone; wants a campaign
GROUPS = ("order", "orders", "server", "device", "campaign")
NO_REQUEST = ("server init", "server token", "server backup")


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """Give a folder with a server, a device and a package."""
    place = tmp_path_factory.mktemp("office")
    for words in (("server", "init", "fumo-server", "--plain-http", "--public-url", "http://localhost:8443"),
                  ("device", "add", "sim:1", "--auth", "MAC"), ("sim", "new", "dev0"),
                  ("sim", "package", "dev0", "fw.fup", "--version", "2")):  # fmt: skip
        fumo(*words, cwd=place)
    fumo("package", "add", "fw.fup", cwd=place)
    (place / "campaign.toml").write_text(CAMPAIGN)
    return place


def state(place):
    """Return all that could be changed: the names of files, the rows of the store, the settings."""
    files = {
        path.relative_to(place).as_posix() for path in place.rglob("*") if not path.name.endswith(("-wal", "-shm"))
    }
    with sqlite3.connect(place / "fumo-server" / STORE) as store:
        rows = list(store.iterdump())
    return files, rows, (place / "fumo-server" / "admin-token").read_bytes()


def test_every_command_that_writes_is_tried():
    mine = {each.name for each in commands() if each.words[0] in GROUPS and "--dry-run" in each.options}
    assert mine | {"package add", "package remove", "package trust"} == set(WAYS) | READ_IS_ALL


@pytest.mark.parametrize("name", sorted(WAYS))
def test_nothing_is_changed(office, name, capsys, monkeypatch):
    monkeypatch.chdir(office)
    before = state(office)
    out, said = inside(capsys, monkeypatch, *name.split(), *WAYS[name], "--dry-run", "--json")
    answer = json.loads(out)
    assert answer["ok"] and answer["dry_run"] is True and "would " in said and answer["command"] == name
    if name not in NO_REQUEST:
        assert answer["request"]["method"] in ("POST", "PATCH", "DELETE") and answer["request"]["path"].startswith(
            "/api/"
        )
    assert state(office) == before


def test_in_earnest_it_is_changed(office, capsys, monkeypatch):
    """Or `state` could see nothing."""
    monkeypatch.chdir(office)
    before = state(office)
    inside(capsys, monkeypatch, "device", "change", "sim:1", "--tag", "field")
    assert state(office) != before


@pytest.mark.parametrize(
    "words", [("sim", "new", "dev9"), ("sim", "new", "dev9", "--enrol", "http://localhost:1", "--token", "t"),
              ("sim", "package", "dev0", "fw9.fup", "--version", "9")],
)  # fmt: skip
def test_a_simulated_device_can_be_rehearsed(office, words, capsys, monkeypatch):
    monkeypatch.chdir(office)
    before = files_of(office)
    out, said = inside(capsys, monkeypatch, *words, "--dry-run", "--json")
    answer = json.loads(out)
    assert answer["command"] == " ".join(words[:2]) and answer["dry_run"] is True and "would write" in said
    assert files_of(office) == before


def test_a_rehearsal_refuses_what_cannot_be(office, capsys, monkeypatch):
    monkeypatch.chdir(office)
    for code, *words in ((1, "sim", "new", "dev0"), (2, "sim", "new", "dev9", "--chip-kib", "3"),
                         (1, "sim", "package", "dev0", "fw9.fup", "--version", "a b")):  # fmt: skip
        out, _ = inside(capsys, monkeypatch, *words, "--dry-run", "--json", code=code)
        assert json.loads(out)["ok"] is False


def test_a_simulated_device_is_told_as_an_object(office, capsys, monkeypatch):
    monkeypatch.chdir(office)
    made = json.loads(inside(capsys, monkeypatch, "sim", "new", "dev8", "--id", "sim:8", "--json")[0])
    assert made["device"] == "sim:8" and made["dry_run"] is False and made["flash"] in made["run"]
    for name in ("flash", "provision", "key"):
        assert (office / made[name]).is_file()
    told = json.loads(inside(capsys, monkeypatch, "sim", "package", "dev8", "8.fup", "--version", "8", "--json")[0])
    assert told["package_bytes"] == (office / told["package"]).stat().st_size and told["written"] is True


def files_of(place):
    """Return each file that a simulated device could change, with what is in it."""
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and "fumo-server" not in path.parts}
