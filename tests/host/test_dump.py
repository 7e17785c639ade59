"""What `fumo dump` says of flashes of simulated devices: it must be what the device then really does."""

import hashlib
import json
import struct

import pytest

from agent.job import FLOOR, UPLOAD
from agent.journal import Journal
from agent.lifecycle import PHASES
from flash_tools import dump
from flash_tools.dump import boot, slots
from flash_tools.dump.snapshot import Image, Rehearsal, Snapshot
from hal.boot_record import BootRecord
from hal.region import carve
from tests.host import dead_flashes
from tests.host.dead_flashes import ANCHORS, place

GOOD, CRASH, AGAIN, UNSIGNED = ["tiny/none/" + kind for kind in ("good", "crash", "crash-confirmed", "unsigned")]


@pytest.fixture
def look(tmp_path):
    """Dump a dead device's flash with its own layout."""

    def look(dead, image=None):
        path = tmp_path / "layout.json"
        path.write_text(json.dumps(dead.world.layout))
        return dump.look(Image(image or dead.image), str(path), ANCHORS)

    return look


@pytest.mark.parametrize("name", [GOOD, CRASH, AGAIN, UNSIGNED, "tiny/none/supersede"])
@pytest.mark.parametrize("effect", ["none", "half", "prefix", "done"])
def test_the_verdict_is_what_the_device_does(look, name, effect):
    phases = set()
    for cut_at in range(1, 200, 2):
        dead = dead_flashes.run(name, cut_at, effect, cut_at)
        if dead is None:
            break
        verdict = look(dead)["verdict"]
        device = dead.start()
        assert verdict["runs"] == device.running, cut_at
        assert verdict["job"]["phase"] == PHASES[device.phase], cut_at
        assert bool(verdict["owed"]) == bool(device.code), cut_at
        assert ("told already" in str(verdict["owed"])) == bool(device.code and device.attempted), cut_at
        phases.add(device.phase)
    assert cut_at > 20 and len(phases) > 2


def phase_is(look, phase):
    return lambda dead: look(dead)["verdict"]["job"]["phase"] == phase


def words(verdict):
    return "\n".join([*verdict["lines"], *verdict["owed"], *verdict["problems"], *verdict["advice"]])


def test_a_download_that_was_cut(look):
    found = look(dead_flashes.until(GOOD, lambda dead: "image written to 4096" in str(look(dead)["timeline"])))
    said = words(found["verdict"])
    assert "bank 0 (1) runs, because it is confirmed" in said
    assert "A download goes on at byte" in said and "4096 bytes of the image" in said and "Let it run" in said
    assert found["flash"]["layout_found_by"] == "named" and found["banks"][0]["image"] == "good"
    assert found["banks"][1]["filled_to"] >= 4096 and not found["banks"][1]["header"]


def test_a_trial_that_is_armed(look):
    found = look(dead_flashes.until(GOOD, lambda dead: look(dead)["verdict"]["trial"]))
    assert "bank 1 (2) runs on trial, because a trial of it is armed and it verifies" in words(found["verdict"])
    assert [record["state"] for record in found["boot"] if record["counts"]] == ["armed"]


def test_a_trial_that_is_used_up_and_what_is_owed(look):
    dead = dead_flashes.until(CRASH, phase_is(look, "report"))
    said = words(look(dead)["verdict"])
    assert "the trial of the other bank is used up" in said
    assert "bench: result 410 (flash, trial), correlator a" in said


def test_a_fall_back(look):
    dead = dead_flashes.run(AGAIN)
    image = bytearray(dead.image)
    _boot_record(image, 0, 90, boot.STATES, "fallen back")
    said = words(look(dead, bytes(image))["verdict"])
    assert "kept crashing" in said and "bank 0 (1) runs" in said


def _boot_record(image, at, sequence, states, name):
    state = next(number for number, each in states.items() if each == name)
    head = b"FUB1" + struct.pack("<IBBBB", sequence, state, 0, 0xFF, 0) + b"\xff" * 4
    image[at : at + 32] = head + hashlib.sha256(head).digest()[:16]


def test_the_bank_that_runs_unchecked_is_told(look):
    dead = dead_flashes.run(GOOD)
    image = bytearray(dead.image)
    start = place(dead, "bank1")
    image[start + 500] ^= 1
    said = words(look(dead, bytes(image))["verdict"])
    assert "bank 1 (2) runs" in said and "does not verify (bad: its digest" in said and "fumo recover upload" in said


def test_nothing_that_boots(look):
    dead = dead_flashes.run(GOOD)
    image = bytearray(dead.image)
    starts = {name: (start, size) for name, start, size in dead.world.layout}
    for name in ("boot", "header0", "header1"):
        image[starts[name][0] : sum(starts[name])] = b"\xff" * starts[name][1]
    verdict = look(dead, bytes(image))["verdict"]
    assert (
        verdict["runs"] is None and "serial recovery" in words(verdict) and "fumo recover upload FILE" in words(verdict)
    )


def test_an_upload_over_the_confirmed_bank(look):
    dead = dead_flashes.run(GOOD)
    flash = Rehearsal(Image(dead.image))
    regions = carve(flash, dead.world.layout)
    BootRecord(regions["boot"], 1).give_up(1)
    upload = struct.pack("<BI32s", 1, 9000, bytes(range(32)))
    floor = struct.pack("<BI", 1, 7) + b"0123456789abcdef"
    Journal(regions["journal"]).put(((UPLOAD, upload), (FLOOR, floor)))
    found = look(dead, flash.bytes(0, flash.size))
    assert "serial recovery has overwritten the confirmed bank" in words(found["verdict"])
    values = next(copy for copy in found["journal"] if copy["counts"])["values"]
    assert values["upload"] == {"file_bytes": 9000, "file": bytes(range(32)).hex()}
    assert values["floor"] == {"counter": 7, "revoked": ["0123456789abcdef"]}
    assert [record["void"] for record in found["boot"] if record["counts"]] == [True]
    assert "no bank confirmed" in str(found["timeline"])


def test_a_torn_journal_goes_by_the_next_copy(look):
    dead = dead_flashes.until(CRASH, phase_is(look, "report"))
    whole = look(dead)
    counts = next(copy for copy in whole["journal"] if copy["counts"])
    start = place(dead, "journal") + counts["copy"] * 4096
    image = bytearray(dead.image)
    image[start + 64 + 5] ^= 0x10
    torn = look(dead, bytes(image))
    bad = torn["journal"][counts["copy"]]
    assert bad["why_not"] == "torn: its snapshot does not match its header" and not bad["counts"] and bad["torn"] == 1
    assert any(copy["counts"] and copy["revision"] == counts["revision"] - 1 for copy in torn["journal"])


@pytest.mark.parametrize("slot", [1, 2])
def test_half_a_value_is_not_shown(look, slot):
    """The job of this flash has three slots; without one of them it is not told from the rest."""
    dead = dead_flashes.until(CRASH, phase_is(look, "report"))
    counts = next(copy for copy in look(dead)["journal"] if copy["counts"])
    image = bytearray(dead.image)
    image[place(dead, "journal") + counts["copy"] * 4096 + slot * 64 + 5] ^= 0x10
    torn = look(dead, bytes(image))["journal"][counts["copy"]]
    assert "job" not in torn["values"] and "outbox" in torn["values"] and counts["values"]["job"]


def test_a_note_behind_a_torn_one_counts(look):
    dead = dead_flashes.run(GOOD)
    flash = Rehearsal(Image(dead.image))
    journal = Journal(carve(flash, dead.world.layout)["journal"])
    journal.put(())
    for seconds in (1700000000, 1700086400, 1700172800):
        journal.note(8, struct.pack("<BQ", 1, seconds))
    image = bytearray(flash.bytes(0, flash.size))
    at = image.find(struct.pack("<BQ", 1, 1700086400))
    image[at] ^= 0x10
    found = look(dead, bytes(image))
    counts = next(copy for copy in found["journal"] if copy["counts"])
    assert counts["torn"] == 1 and counts["values"]["time"]["seconds"] == 1700172800
    noted = [event for event in found["timeline"] if "clock said" in event["text"]]
    assert noted and noted[-1]["at"] == 1700172800 and "2023-11-16 22:13:20 UTC" in noted[-1]["text"]


def test_no_copy_of_the_journal_is_whole(look):
    dead = dead_flashes.until(CRASH, phase_is(look, "report"))
    image = bytearray(dead.image)
    start = place(dead, "journal")
    for copy in range(3):
        image[start + copy * 4096] ^= 0x0F
    verdict = look(dead, bytes(image))["verdict"]
    assert "No copy of the journal is whole" in words(verdict) and verdict["job"]["phase"] == "idle"


def test_the_timeline_of_a_whole_update_is_in_order(look):
    dead = dead_flashes.until(GOOD, phase_is(look, "report"))
    events = look(dead)["timeline"]
    texts = [event["text"] for event in events]
    tried = next(i for i, each in enumerate(texts) if ": tried" in each)
    confirmed = [i for i, each in enumerate(texts) if ": confirmed, bank 1" in each]
    told = next(i for i, each in enumerate(texts) if "owed: 200" in each)
    assert tried < confirmed[0] < confirmed[-1] < told
    assert all(events[i]["sure"] for i in range(tried + 1, told + 1))
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))


def test_the_timeline_puts_the_journal_before_the_boot_record_where_that_must_be(look):
    dead = dead_flashes.until(GOOD, lambda dead: look(dead)["verdict"]["trial"])
    events = look(dead)["timeline"]
    arm = next(event for event in events if " arm, State 60" in event["text"])
    armed = next(event for event in events if "armed" in event["text"])
    assert arm["number"] < armed["number"] and armed["sure"]
    first = next(event for event in events if event["source"] == "journal")
    assert not first["sure"], "nothing tells whether the factory's boot record came before it"


def test_own_decoding_is_the_agents(look):
    """Slots and records are decoded anew, tolerantly; where nothing is broken both must read the same."""
    for cut_at in range(1, 90, 3):
        dead = dead_flashes.run(GOOD, cut_at, "half", cut_at)
        if dead is None:
            break
        regions = carve(Snapshot(Image(dead.image)), dead.world.layout)
        record, journal = BootRecord(regions["boot"]), Journal(regions["journal"])
        counting = [each for each in boot.records(regions["boot"]) if each["counts"]]
        assert [each["sequence"] for each in counting] == ([record._sequence] if record.found else [])
        copy = next((each for each in slots.copies(regions["journal"]) if each.counts), None)
        assert (copy.revision if copy else 0) == journal._revision
        values = copy.newest() if copy else {}
        assert sorted(values) == [key for key in journal.keys() if key != slots.CLEAN]
        for key, value in values.items():
            into = bytearray(3000)
            size = journal.get(key, into)
            assert value.data == into[:size]
        assert not copy or copy.clean == journal.was_clean


def test_what_stands_outside_of_the_layout(look):
    dead = dead_flashes.run(GOOD)
    image = bytearray(dead.image)
    end = place(dead, "bank0") + 16 * 1024
    image[end : end + 4] = b"FUP1"
    image[end + 8192 : end + 16384] = b"?" * 8192
    assert look(dead, bytes(image))["areas"] == [
        {"start": end, "size": 4096, "what": "update package"},
        {"start": end + 8192, "size": 8192, "what": "data"},
    ]
    assert look(dead)["areas"] == []


def test_a_layout_that_the_firmware_is_not_for(look):
    found = dump.look(Image(dead_flashes.run(GOOD).image), "sim_nor", ANCHORS)
    assert "name the right one with --layout" in words(found["verdict"])
