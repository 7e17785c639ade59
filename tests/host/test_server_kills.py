"""A server that is killed, and one whose disk is full or flaky: nothing that was answered is lost. tests/kills has the world."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from flash_tools.errors import ToolError
from flash_tools.server.office import Office
from flash_tools.server.store import Store, StoreError
from flash_tools.signing import keys
from tests.host.child import Child
from tests.host.office_device import package
from tests.kills import invariants, trial
from tests.kills.deaths import PHASES, draw
from tests.kills.shortage import Shortage

KILLS, SEED = 50, 11
SIZE = 40 << 20
BACKUP = """
import sys
from flash_tools.server.store import Store
store = Store(sys.argv[1])
print("go", flush=True)
store.backup(sys.argv[2])
"""


def test_fifty_kills_under_a_campaign():
    found = trial.run(SEED, KILLS, devices=20, late=4)
    assert found["violations"] == []
    assert sum(found["phases"].values()) == KILLS and found["checks"] == KILLS + 1
    assert found["installs"] >= 15 and found["reports"] >= 15 and found["tokens"] == 4
    assert len(found["phases"]) >= len(PHASES) - 2 and found["broken_exchanges"] > 20


def test_deaths_of_every_kind_are_drawn():
    deaths = draw(1, 500)
    assert {death.phase for death in deaths} == set(PHASES) and draw(1, 500) == deaths
    assert {death.where for death in deaths} > {"message", "tick", "upload", "task", "enrol", "campaign", "order"}


def test_a_full_disk(tmp_path):
    world = Shortage(tmp_path, SEED, 12, 3)
    world.run(2)
    assert world.truth.violations == []
    assert world.truth.counts["put off"] > 5 and world.truth.counts["put off requests"] > 2


def test_a_disk_that_fails_now_and_then(tmp_path):
    world = Shortage(tmp_path, SEED, 12, 3)
    world.run_flaky(1, 3)
    assert world.truth.violations == []
    assert world.truth.counts["put off"] > 10 and len(world.truth.reports) >= 12


def test_a_backup_that_is_killed_leaves_the_old_one(tmp_path):
    store = Store(tmp_path / "store.db")
    store.put("device", "one", {})
    store.commit()
    store.backup(tmp_path / "copy.db")
    store.put_package("big", os.urandom(SIZE), {})
    store.commit()
    for part in (0.05, 0.4, 0.8):
        kill_a_backup(tmp_path, part * SIZE)
        kept = Store(tmp_path / "copy.db")
        assert kept.records("device") == [("one", {})] and kept.packages() == []
        kept.close()
    store.backup(tmp_path / "copy.db")  # over what the others have left
    with sqlite3.connect(tmp_path / "copy.db") as whole:
        assert whole.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert whole.execute("SELECT length(data) FROM package").fetchone() == (SIZE,)
    store.close()


def kill_a_backup(folder, size):
    """Kill one when so many bytes of it are there."""
    command = [sys.executable, "-c", BACKUP, str(folder / "store.db"), str(folder / "copy.db")]
    part = folder / "copy.db.part"
    part.unlink(missing_ok=True)
    with Child(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"go\n"
        while process.poll() is None and not (part.exists() and part.stat().st_size > size):
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL and part.exists()


@pytest.fixture
def office(tmp_path):
    office = Office(tmp_path / "store.db", url="https://x")
    office.add_package(package("2.0"), "new.fup")
    for name in "ab":
        office.add_device(name, tags=["x"])
    yield office
    office.store.close()


def again(office):
    """Return what a kill at this moment leaves."""
    office.store.rollback()
    return Office(office.store.path, url="https://x")


def test_a_campaign_without_devices_outlives_a_kill(office):
    office.add_campaign({"name": "none", "package": "new.fup", "filter": "tag == 'y'"})
    other = again(office)
    assert [each["name"] for each in other.campaigns()] == ["none"]
    other.store.close()


def test_a_device_that_left_before_the_start_is_not_in_after_a_kill(office):
    office.add_campaign({"name": "some", "package": "new.fup", "filter": "tag == 'x'"})
    office.change_device("b", tags=[])
    office.campaign_do("some", "start")
    other = again(office)
    other.tick()
    assert [each["device"] for each in other.campaign("some")["targets"]] == ["a"]
    assert [each["device"] for each in other.orders()] == ["a"]
    other.store.close()


ACTIONS = {
    "command": lambda office: office.command_device("a", [{"do": "get", "uri": "./DevDetail"}]),
    "place": lambda office: office.place("a", "new.fup"),
    "token": lambda office: office.new_token(),
    "enrol": lambda office: office.enrol(office.new_token()["token"], "c"),
    "device": lambda office: office.add_device("c"),
    "change": lambda office: office.change_device("a", name="x", tags=["y"], group="g", paused=True),
    "package": lambda office: office.add_package(package("3.0"), "more.fup"),
    "signer": lambda office: office.add_signer(keys.public_pem(keys.new_key()).decode(), "me"),
    "slot": lambda office: office.add_slot("s", "http://localhost:1"),
    "campaign": lambda office: office.add_campaign({"name": "c", "package": "new.fup", "start": "now"}),
    "remove": lambda office: office.remove_device("a"),
}
THEN = {
    "cancel": ("place", lambda office: office.cancel(office.orders("a")[0]["id"])),
    "drop token": ("token", lambda office: office.drop_token(office.tokens()[0]["id"])),
    "remove package": ("package", lambda office: office.remove_package("more.fup")),
    "remove signer": ("signer", lambda office: office.remove_signer(office.signers()[0]["kid"])),
    "remove slot": ("slot", lambda office: office.remove_slot("s")),
    "pause": ("campaign", lambda office: office.campaign_do("c", "pause")),
    "abort": ("campaign", lambda office: office.campaign_do("c", "abort")),
}


@pytest.mark.parametrize("what", ACTIONS)
def test_what_could_not_be_kept_did_not_happen(office, monkeypatch, what):
    before = state(office)

    def broken():
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(office.store, "commit", broken)
        with pytest.raises(ToolError, match="cannot keep it: disk full"):
            ACTIONS[what](office)
    assert state(office) == before
    ACTIONS[what](office)
    assert state(office) != before


@pytest.mark.parametrize("what", [*ACTIONS, *THEN])
def test_what_was_answered_outlives_a_kill(office, what):
    first, second = THEN.get(what, (what, None))
    before = state(office)
    ACTIONS[first](office)
    if second:
        before = state(office)
        second(office)
    after = state(office)
    other = again(office)
    assert state(other) == after != before
    other.store.close()


def state(office):
    """Return what the server says of all that it has."""
    office.store.rollback()  # what was not kept is seen by nobody
    things = office.orders(), office.tokens(), office.packages(), office.signers(), office.campaigns(), office._slots
    tasks = [office.device(name)["tasks"] for name in office.desk.devices]
    return json.dumps([office.devices(), tasks, *things], sort_keys=True)


def test_the_checks_see_what_is_missing(tmp_path):
    """Each check must be able to fail: the truth knows things that the store does not."""
    (tmp_path / "copy").mkdir()
    office = Office(tmp_path / "store.db", url="https://x")
    truth = trial.Truth()
    truth.note("reports", ("a", "k1", 200))
    truth.note("notified", ("a", "k1"))
    truth.note("wire", ("a", "k1"))
    truth.note("accepted", ("a", "k1"))
    truth.put("tasks", "t", ("a", "word"))
    truth.put("uploads", "p", "00")
    truth.put("campaigns", "c", "2.0")
    truth.put("idle", "i", "ready")
    truth.put("orders", "o", "a")
    truth.put("tokens", "token", None)
    truth.put("bundles", "a", {"secret": "s"})
    found = list(invariants.check(invariants.read(tmp_path, tmp_path / "copy"), truth))
    assert len(found) == 12, found
    office.store.close()


def test_a_removed_device_and_its_target_go_together(office, monkeypatch):
    office.add_campaign({"name": "some", "package": "new.fup", "filter": "tag == 'x'", "start": "now", "parallel": 1})
    forget = office.desk.remove_device

    def remove(device_id):
        forget(device_id)
        raise KeyboardInterrupt  # the server is killed behind its first commit

    monkeypatch.setattr(office.desk, "remove_device", remove)
    with pytest.raises(KeyboardInterrupt):
        office.remove_device("b")
    other = again(office)
    other.tick()
    assert [(each["device"], each["state"]) for each in other.campaign("some")["targets"]] == [
        ("a", "ordered"), ("b", "skipped"),
    ]  # fmt: skip
    other.store.close()


def test_a_store_that_cannot_be_opened(tmp_path):
    (tmp_path / "text").write_bytes(b"no database" * 1000)
    with pytest.raises(ToolError, match="text is no database of this server"):
        Store(tmp_path / "text")
    with pytest.raises(ToolError, match="cannot use .*: look at the disk"):
        Store(tmp_path / "none" / "store.db")
