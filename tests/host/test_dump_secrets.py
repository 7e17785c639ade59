"""What `fumo dump` never shows, and what it makes of the factory region and its keys."""

import hashlib
import json
import struct
import zlib

from agent.job import DOWNLOAD_AND_UPDATE, JOB, OUTBOX, REPORT, Job, Outbox
from agent.journal import Journal
from flash_tools import dump
from flash_tools.dump import text
from flash_tools.dump.snapshot import Image, Rehearsal
from hal.region import carve
from tests.host import dead_flashes
from tests.host.dead_flashes import ANCHORS, NONCE, SECRET, Dead, place, with_secrets
from tests.host.test_dump import GOOD, words


def test_no_secret_is_shown():
    dead = dead_flashes.run(GOOD)
    image = with_secrets(dead)
    found = dump.look(Image(image))
    shown = json.dumps(found) + "\n".join(text.lines(found))
    for secret in (SECRET, SECRET.encode().hex(), NONCE.hex(), repr(NONCE)[2:-1], "pass@", "abc123tok"):
        assert secret not in shown
    assert found["flash"]["layout_found_by"] == "factory region"
    identity = found["factory"]["identity"]
    assert identity["device"] == {"DevId": "sim:7"} and identity["accounts"][0]["user"] == "me"
    assert identity["accounts"][0]["secret"].startswith("hidden") and identity["device_key"].startswith("hidden")
    accounts = next(copy for copy in found["settings"] if copy["counts"])["values"]["accounts"]["nodes"]
    assert any(node.get("value") == "hidden, %d bytes" % len(SECRET) for node in accounts)
    journal = next(copy for copy in found["journal"] if copy["counts"])["values"]
    assert journal["key 200"] == {"not_understood": "%d bytes" % len(SECRET)}
    assert journal["nonce0"]["nonce"] == "hidden, 16 bytes"
    assert all(bank["signature"] == "good" for bank in found["banks"]), "the keys are those of the factory region"


def test_checks_are_explained_where_it_is_known_what_they_stand_for():
    dead = dead_flashes.run(GOOD)
    flash = Rehearsal(Image(with_secrets(dead)))
    journal = Journal(carve(flash, dead.world.layout)["journal"])
    found = dump.look(flash)
    manifest = found["banks"][1]["manifest"]
    check = zlib.crc32(b"acc") & 0xFFFF
    session = struct.pack("<IB8HHIHIHIHI", 9, 1, *range(8), check, 0x0903, 77, 5, 0, 0, 0, 0)
    told = hashlib.sha256(b"2\x00" + bytes.fromhex(manifest["sha256"])).digest()[:16]
    journal.put(((5, session), (9, b"\x01" + told), (16, struct.pack("<H", check) + NONCE)))
    values = next(copy for copy in dump.look(flash)["journal"] if copy["counts"])["values"]
    mine, other = values["session"]["accounts"]
    assert mine == {"account_check": "%04x" % check, "session": 9, "message": 3, "used": True, "account": "acc"}
    assert "account" not in other and values["nonce0"]["account"] == "acc"
    assert values["told"]["firmware"] == "2, bank 1"


def test_factory_copies_that_differ():
    dead = dead_flashes.run(GOOD)
    image = bytearray(with_secrets(dead))
    start = place(dead, "factory")
    image[start + 20] ^= 1
    found = dump.look(Image(bytes(image)))["factory"]
    assert [copy["valid"] for copy in found["copies"]] == [False, True] and found["identity"]["product"] == "bench"
    assert found["copies"][0]["why_not"] == "torn: its CRC does not match"


def test_a_wrong_key_is_told(tmp_path):
    dead = dead_flashes.run(GOOD)
    path = tmp_path / "layout.json"
    path.write_text(json.dumps(dead.world.layout))
    found = dump.look(Image(dead.image), str(path), (("0" * 16, b"\x01" * 64),))
    assert "does not know the key" in found["banks"][0]["signature"]
    found = dump.look(Image(dead.image), str(path), ((ANCHORS[0][0], b"\x01" * 64),))
    assert found["banks"][0]["signature"].startswith("bad: the manifest's signature is wrong")
    assert "No key is known" in words(dump.look(Image(dead.image), str(path))["verdict"])


def test_texts_of_a_device_cannot_steer_a_terminal():
    dead = dead_flashes.run(GOOD)
    flash = Rehearsal(Image(dead.image))
    job = Job()
    job.phase, job.kind, job.server, job.correlator = REPORT, DOWNLOAD_AND_UPDATE, "\x1b]0;owned\x07", "a\r\nb\u202e"
    outbox = Outbox(410, 952)
    Journal(carve(flash, dead.world.layout)["journal"]).put(((JOB, job.pack()), (OUTBOX, outbox.pack())))
    found = dump.look(Image(with_secrets(Dead(dead.world, Cells(flash)))))
    assert "\x1b" in str(found["verdict"]["owed"]).encode().decode("unicode_escape"), "JSON keeps what it is"
    lines = text.lines(found)
    assert all(line.isprintable() for line in lines) and any("]0;owned" in line for line in lines)


class Cells:
    """A chip with the cells of a rehearsal."""

    def __init__(self, flash):
        self.size, self.copy = flash.size, flash.read
