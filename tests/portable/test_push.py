"""Packages that are pushed into a bank: every way in which one ends, and the power cut in the middle of it."""

import struct

from agent.compat import crc32
from agent.errors import ProtocolError
from agent.job import ACCEPTED, ARM, CLEAN, DOWNLOAD, IDLE, NO_BANK, READY, REPORT, TRIAL
from agent.package import BLOCK_HEAD_SIZE, HEAD_SIZE
from tests.data import vectors
from tests.dm.firmware import Firmware, broken, new_flash
from tests.dm.objects import DictJournal
from tests.portable.boards import cut_everywhere
from tests.portable.check import raises

DEFLATED, STORED = vectors.PACKAGES["deflate"], vectors.PACKAGES["none"]
MANIFEST_END = HEAD_SIZE + int.from_bytes(STORED[4:8], "little")
HELD = {"state": 50}
IDLE_NONE = (IDLE, 10, NO_BANK)


def device(flash=None, **options):
    """Return a device that runs version 1."""
    return Firmware(DictJournal(), options, flash)


def feed(push, data, piece=192, offset=0):
    """Write everything as LargeObject does; return how often the flash was busy."""
    busy, view = 0, memoryview(data)
    while offset < len(data):
        count = push.write(offset, view[offset : offset + piece])
        assert 0 <= count <= piece
        busy += not count
        offset += count
    return busy


def end(push):
    """Finish; return (status, how often it was busy)."""
    for busy in range(1000):
        code = push.finish()
        if code:
            return code, busy
    assert False, "no end"


def push_all(fw, data, piece=192):
    """Push a package; return the status that the server gets."""
    push = fw.make_push()
    try:
        feed(push, data, piece)
        return end(push)[0]
    except ProtocolError as e:
        push.abandon()
        return e.code


def patch(data, at, new):
    """Return the bytes with some of them exchanged."""
    return data[:at] + new + data[at + len(new) :]


def test_every_encoding_in_pieces_of_every_size():
    for encoding in ("none", "deflate", "delta"):
        for piece in (1, 7, 192, 5000):
            fw = device()
            assert push_all(fw, vectors.PACKAGES[encoding], piece) == 200, (encoding, piece)
            assert fw.kept == (IDLE, 50, 1, CLEAN) and fw.update.state == 50 and fw.whole() == "2"
            assert fw.record.package.digest == fw.manifest(1).sha256 and fw.record.progress.erase_end == 0


def test_it_is_busy_and_loses_nothing():
    push = device().make_push()
    while_it_comes = feed(push, STORED)
    code, at_the_end = end(push)
    assert code == 200 and while_it_comes and at_the_end > 3


def test_nothing_is_touched_before_the_manifest_is_accepted():
    fw = device(job=HELD, held=1)
    fw.hardware.check_flash = broken
    push, before = fw.make_push(), fw.flash.ops
    feed(push, STORED[:MANIFEST_END])
    assert fw.flash.ops == before and fw.kept == (IDLE, 50, 1, CLEAN)
    with raises(ProtocolError) as caught:
        feed(push, STORED, 192, MANIFEST_END)
    assert caught.error.code == 500 and fw.kept[:3] == (IDLE, 50, 1)
    for start in (fw.hardware.banks[1].header.start, fw.hardware.banks[1].image.start):
        assert not [page for page in fw.flash.pages if start <= page * 256 < start + 4096]


def test_nothing_is_held_while_it_comes():
    fw = device(job={"state": 90}, held=1)
    push, erases = fw.make_push(), []
    erase = fw.flash.erase

    def watched(addr, size):
        if addr >= fw.hardware.banks[0].header.start:
            erases.append(fw.kept[:3])
        return erase(addr, size)

    fw.flash.erase = watched
    feed(push, STORED[:8000])
    assert fw.kept[:3] == IDLE_NONE and fw.update.state == 10
    feed(push, STORED, 192, 8000)
    assert fw.kept[:3] == IDLE_NONE and end(push)[0] == 200
    assert len(erases) > 3 and set(erases) == {IDLE_NONE} and fw.kept == (IDLE, 50, 1, CLEAN)


REFUSED = (
    (b"not a package at all", 415),
    (b"FUP", 415),
    (b"FUP2" + DEFLATED[4:], 415),
    (patch(DEFLATED, 4, b"\xff\xff\xff\x7f"), 415),
    (patch(DEFLATED, 20, b"!!"), 415),
    (DEFLATED[:8], 424),
    (DEFLATED[: MANIFEST_END - 1], 424),
    (DEFLATED[:MANIFEST_END], 424),
    (patch(DEFLATED, MANIFEST_END - 8, b"AAAA"), 403),
)


def test_what_is_refused_changes_nothing():
    fw = device(job=HELD, held=1)
    for data, code in REFUSED:
        assert push_all(fw, data) == code, (data[:40], code)
        assert fw.kept == (IDLE, 50, 1, CLEAN) and fw.update.state == 50


def test_a_package_for_something_else():
    for name, value in (("product", "other"), ("model", "other"), ("anchors", ())):
        fw = device()
        setattr(fw.identity, name, value)
        fw.update.running_manifest = lambda: None
        assert push_all(fw, DEFLATED) == 403, name
    fw = device()
    fw.hardware.layout = "0" * 16
    assert push_all(fw, DEFLATED) == 403
    for name, value in (("counter", 8), ("sha256", bytes(32)), ("revoked", [vectors.KID])):
        fw = device()
        setattr(fw.update.running_manifest(), name, value)
        assert push_all(fw, vectors.PACKAGES["delta"]) == 403, name
        assert fw.kept[:3] == IDLE_NONE and fw.whole() is None


def test_an_image_that_does_not_fit():
    fw = device(job=HELD, held=1)
    fw.hardware.banks[1].image.size = 8192
    assert push_all(fw, DEFLATED) == 420 and fw.kept == (IDLE, 50, 1, CLEAN)


def test_shorter_and_longer():
    for size in (MANIFEST_END + 1, MANIFEST_END + 20, 5000, len(STORED) - 1):
        fw = device(job=HELD, held=1)
        assert push_all(fw, STORED[:size]) == 424, size
        assert fw.kept[:3] == IDLE_NONE and fw.whole() is None
        assert push_all(fw, DEFLATED) == 200 and fw.whole() == "2"
    for more in (b"x", b"x" * 500):
        fw = device()
        assert push_all(fw, STORED + more) == 424 and fw.kept[:3] == IDLE_NONE


def _block(change):
    """Return the package whose first block was changed by someone who can count CRCs."""
    head = bytearray(STORED[MANIFEST_END : MANIFEST_END + BLOCK_HEAD_SIZE])
    size = struct.unpack_from("<H", head, 2)[0]
    body = bytearray(STORED[MANIFEST_END + BLOCK_HEAD_SIZE :][:size])
    change(head, body)
    struct.pack_into("<I", head, 16, crc32(body, crc32(head[:16])))
    return patch(STORED, MANIFEST_END, bytes(head + body))


def _other_byte(head, body):
    body[77] ^= 1


def _other_place(head, body):
    head[4] ^= 1


def test_blocks_that_are_broken_or_not_those_that_were_signed():
    damaged = patch(STORED, MANIFEST_END + 100, b"?")
    for data in (damaged, _block(_other_byte), _block(_other_place)):
        fw = device(job=HELD, held=1)
        assert push_all(fw, data) == 500
        assert fw.kept[:3] == IDLE_NONE and fw.whole() is None and fw.record.package.dirty_from == 0
        assert push_all(fw, DEFLATED) == 200 and fw.whole() == "2" and fw.kept == (IDLE, 50, 1, CLEAN)


def test_broken_flash_at_every_operation():
    fw = device(job=HELD, held=1)
    before = fw.flash.ops
    assert push_all(fw, DEFLATED) == 200
    operations = fw.flash.ops - before
    left = []
    for count in range(operations):
        fw = device(job=HELD, held=1, writes=count)
        assert push_all(fw, DEFLATED) == 500, count
        left.append((fw.update.state, fw.record.package.bank))
    begun = left.index((10, NO_BANK))  # before that nothing was put, and the bank is as it was
    assert set(left[:begun]) == {(50, 1)} and set(left[begun:]) == {(10, NO_BANK)} and len(left) - begun > 40
    for name in ("begin_push", "hold"):
        fw = device(job=HELD, held=1, refuses=(name,))
        assert push_all(fw, DEFLATED) == 500 and fw.kept[1] == (50 if name == "begin_push" else 10)
    fw = device(shadow=True)
    assert push_all(fw, DEFLATED) == 500 and fw.whole() is None


def test_the_running_image_is_not_written_again():
    fw = device(job={"state": 80})
    start = fw.hardware.banks[0].image.start
    assert push_all(fw, vectors.OLD_PACKAGE) == 200
    assert fw.kept[:3] == (IDLE, 50, 0) and fw.record.package.digest == fw.manifest(0).sha256
    first = fw.hardware.banks[1].image.start // 256
    assert not [page for page in fw.flash.pages if page >= first] and fw.whole(0) == "1" and start
    for data in (vectors.OLD_PACKAGE[:-1], vectors.OLD_PACKAGE + b"x", vectors.OLD_PACKAGE[:MANIFEST_END]):
        fw = device(job=HELD, held=1)
        assert push_all(fw, data) == 424 and fw.kept[:3] in (IDLE_NONE, (IDLE, 50, 1))


def test_not_while_an_update_runs():
    for phase in (ACCEPTED, DOWNLOAD, READY, ARM, TRIAL):
        with raises(ProtocolError) as caught:
            device(job={"phase": phase}).make_push()
        assert caught.error.code == 403, phase
    with raises(ProtocolError) as caught:
        device(trying=True).make_push()
    assert caught.error.code == 403
    fw = device(job={"phase": REPORT, "state": 20, "code": 404})
    assert push_all(fw, DEFLATED) == 200 and fw.kept == (REPORT, 50, 1, CLEAN) and fw.record.outbox.code == 404


def test_what_was_given_up_comes_again_from_the_start():
    fw = device()
    for size in (5, MANIFEST_END, 3000, 4900, 8000, len(STORED)):
        push = fw.make_push()
        feed(push, STORED[:size])
        push.abandon()
        assert fw.kept[:3] == IDLE_NONE and fw.record.progress.package_at == fw.record.progress.erase_end == 0
    before = sum(fw.flash.wear.values())
    assert push_all(fw, STORED) == 200 and fw.whole() == "2"
    assert sum(fw.flash.wear.values()) - before < 20  # what was in flash already was not trusted less


def test_cells_that_a_cut_may_have_disturbed_are_erased():
    for image_at, suspect in ((0, CLEAN), (4096, CLEAN), (4096, 0), (0, 8192)):
        fw = device()
        fw.record.package.dirty_from = suspect
        fw.record.progress.begin(5000, image_at, 8192, bytes(32))
        after = device(fw.flash)
        after.record.package.dirty_from = suspect
        after.make_push()
        assert after.record.package.dirty_from == min(image_at, suspect)
        assert after.record.progress.package_at == 0


def test_cuts_at_every_operation():
    fw = [device(new_flash(), job=HELD, held=1)]
    flash, seen = fw[0].flash, set()

    def run():
        device_of_this_boot = device(flash)
        push_all(device_of_this_boot, DEFLATED)

    def check(number, effect):
        after = device(flash)
        phase, state, bank, _ = after.kept
        assert (phase, state, bank) in (IDLE_NONE, (IDLE, 50, 1)), (number, effect)
        seen.add(bank)
        assert after.whole(0) == "1"
        assert push_all(after, STORED) == 200, (number, effect)
        assert after.kept == (IDLE, 50, 1, CLEAN) and after.whole() == "2"

    assert cut_everywhere(flash, run, check) > 300 and seen == {1, NO_BANK}
