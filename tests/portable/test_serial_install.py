"""What serial recovery installs, piece by piece: where it goes, what it refuses, and where it goes on."""

import hashlib

from agent.errors import FlashError, PackageError
from agent.job import NO_BANK, UPLOAD, Job
from agent.journal import Journal
from agent.record import Record
from hal.boot_record import CONFIRMED
from ports.sim.power import PowerCut
from tests.data import vectors
from tests.portable.serial_board import PACKAGE, SHA, Board, refused, upload


def test_pieces_of_every_size():
    for piece in (1, 99, 700, 2000, 4096, 1 << 20):
        board = Board()
        target = board.start()
        fed = board.fed
        wanted = upload(target, piece=piece)
        assert board.fed - fed > 20
        assert wanted[-1] == len(PACKAGE) and target.match() and board.whole(0) == "2", piece


def test_it_goes_beside_what_is_confirmed_and_verifies():
    for ruined, confirmed, bank in ((True, 0, 0), (True, 1, 0), (False, 0, 1), (False, 1, 0)):
        board = Board(confirmed, ruined)
        target = board.start()
        assert [image[:2] for image in target.images()] == ([] if ruined else [(0, "1")])
        upload(target)
        assert board.whole(bank) == "2" and board.boot.void == ruined
        assert board.whole(1 - bank) == (None if ruined else "1")
        assert target.images()[-1][:2] == (1, "2") and board.record.package.bank == bank


def test_what_was_ordered_is_void():
    board = Board()
    board.start()
    job = Job()
    job.kind, job.server, job.correlator = 3, "s", "c"
    Record(Journal(board.regions["journal"])).order(job, 2)
    upload(board.start(), most=2000)
    record = board.record
    assert record.idle and record.job.correlator is None and record.package.bank == NO_BANK


def test_it_goes_on_where_it_was():
    package = vectors.PACKAGES["deflate"]
    board = Board()
    target = board.start()
    upload(target, package, most=2500)
    assert target.begin(len(package), hashlib.sha256(package).digest()) > 2500  # the line dropped, nothing else
    target = board.start()  # a reset
    assert upload(target, package)[-1] == len(package) and target.match()
    target = board.start()
    assert upload(target, package) == [len(package)] and target.match() and target.test()


def test_it_goes_on_at_the_noted_block():
    for sha in (None, SHA):  # a client that was told to begin again does not repeat the digest
        board = Board()
        upload(board.start(), most=7000)
        noted = board.record.progress.package_at
        assert noted > 4096
        target = board.start()
        offset, wanted = target.begin(len(PACKAGE), sha), []
        while offset < len(PACKAGE):
            offset = target.write(offset, memoryview(PACKAGE)[offset : offset + 900])
            wanted.append(offset)
        assert noted in wanted[:3] and target.match() and board.whole(0) == "2"


def test_another_file_begins_anew():
    board = Board()
    upload(board.start(), vectors.CRASH_PACKAGE, most=7000)
    target = board.start()
    wanted = upload(target)
    assert wanted[1] == 700 and len(wanted) == len(PACKAGE) // 700 + 2 and board.whole(0) == "2"


def test_a_piece_out_of_order_changes_nothing():
    board = Board()
    target = board.start()
    target.begin(len(PACKAGE), SHA)
    assert target.write(0, PACKAGE[:500]) == 500
    operations = board.flash.ops
    assert target.write(0, PACKAGE[:500]) == 500 and target.write(900, PACKAGE[900:1000]) == 500
    assert board.flash.ops == operations


def test_what_is_refused_writes_nothing():
    board = Board()
    target = board.start()
    operations = board.flash.ops
    broken = bytearray(PACKAGE)
    broken[300] ^= 1
    for package, why in (
        (bytes(broken), "signature"),
        (PACKAGE[:-1], "copy it again"),
        (PACKAGE[:300], "ends before"),
        (PACKAGE + b"x", "copy it again"),
        (b"x" * 999, "not an update package"),
        (vectors.PACKAGES["delta"], "offer the full image"),
    ):
        found = refused(target, package)
        assert why in found or why == "signature", found
        try:
            target.write(0, b"x")
            assert False
        except PackageError:
            pass
        assert not target.match() and not target.test()
    assert board.flash.ops == operations
    upload(target)
    assert target.match()


def test_a_delta_where_its_source_is_confirmed():
    board = Board(ruined=False)
    target = board.start()
    upload(target, vectors.PACKAGES["delta"])
    assert board.whole(1) == "2"


def test_the_confirmed_firmware_again_is_nothing_to_be_tried():
    board = Board(ruined=False)
    target = board.start()
    operations = board.flash.ops
    assert upload(target, vectors.OLD_PACKAGE)[-1] == len(vectors.OLD_PACKAGE)
    assert target.match() and target.test() and not target.test(target.images()[0][2])
    target.leave()
    assert board.flash.ops == operations and board.boot.state == CONFIRMED


def test_a_package_that_breaks_later_begins_anew():
    broken = bytearray(PACKAGE)
    broken[6000] ^= 1
    board = Board()
    target = board.start()
    refused(target, bytes(broken))
    record = board.record
    assert record.package.dirty_from == 0 and record.progress.package_at == 0 and not board.keeps(UPLOAD)
    upload(target)
    assert target.match() and board.whole(0) == "2"


def test_flash_that_fails_is_told_and_can_be_tried_again():
    board = Board()
    target = board.start()
    erase, failing = board.flash.erase, [1]

    def fail(addr, size):
        if failing and addr >= board.regions["bank0"].start:
            failing.pop()
            raise FlashError("it does not erase")
        erase(addr, size)

    board.flash.erase = fail
    try:
        upload(target)
        assert False
    except FlashError:
        pass
    upload(target)
    assert target.match() and board.whole(0) == "2"


def test_cells_that_a_cut_may_have_disturbed_are_erased():
    board = Board(ruined=False)
    upload(board.start(), most=3000)
    before, cuts = board.flash.snapshot(), 0
    for number in range(1, 60):
        for effect in ("weak", "unstable"):
            board.flash.restore(before)
            target = board.start()
            board.flash.faults.plan(board.flash.ops + number, effect, 3)
            try:
                upload(target)
                board.flash.faults.cut_at = 0
                continue
            except PowerCut:
                board.flash.power_on(board._feed)
            upload(board.start())
            for _ in range(3):  # weak cells have lost by then what they seemed to hold
                board.flash.power_on(board._feed)
            assert board.whole(1) == "2", (number, effect)
            cuts += 1
    assert cuts > 60


def test_nothing_of_a_bank_that_did_not_verify_is_trusted():
    board = Board()
    start = board.regions["bank0"].start
    board.flash.load(start, vectors.NEW)
    upload(board.start())
    for sector in range(3):
        assert board.flash.wear.get(start // 4096 + sector) == 1, sector
