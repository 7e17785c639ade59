"""What the recovery answers: the commands, both versions of SMP, errors with their reasons, and requests that come twice."""

import hashlib
import struct

from agent.errors import FlashError, LinkError, PackageError
from hal import cbor
from hal.smp import Smp
from tests.portable import smp_bench
from tests.portable.check import raises
from tests.portable.smp_bench import HASH, READ, VERSION_1, VERSION_2, WRITE, Target, first_piece, message

FILE = bytes(range(256)) * 10
SHA = hashlib.sha256(FILE).digest()


def bench():
    target = Target()
    return target, Smp(target)


def ask(smp, op, group, command, fields, version=VERSION_2):
    """Return the answer's fields, after a look at its header."""
    answer = smp.answer(memoryview(message(op, group, command, fields, version, 200)))
    first, flags, length, its_group, sequence, its_command = struct.unpack_from(">BBHHBB", answer, 0)
    assert (first, flags, length) == (op + 1 | version << 3, 0, len(answer) - 8)
    assert (its_group, sequence, its_command) == (group, 200, command)
    return cbor.read(bytes(answer[8:]))


def upload(smp, data=FILE, piece=500, image=0, sha=SHA):
    """Upload; return the answer to the last piece."""
    fields = first_piece(data[:piece], len(data), image)
    if sha:
        fields["sha"] = sha
    answer = ask(smp, WRITE, 1, 1, fields)
    while answer.get("off", len(data)) < len(data):
        at = answer["off"]
        answer = ask(smp, WRITE, 1, 1, {"off": at, "data": data[at : at + piece]})
    return answer


def test_echo():
    for version in (VERSION_1, VERSION_2):
        assert ask(bench()[1], WRITE, 0, 0, {"d": "hello \u00fc"}, version) == {"r": "hello \u00fc"}
        assert ask(bench()[1], READ, 0, 0, {"d": ""}, version) == {"r": ""}


def test_the_longest_echo_fits():
    text = "x" * (smp_bench.SIZE - 8 - 4 - 6)
    assert ask(bench()[1], WRITE, 0, 0, {"d": text}) == {"r": text}


def test_parameters():
    assert ask(bench()[1], READ, 0, 6, {}) == {"buf_size": 1024, "buf_count": 1}
    assert ask(bench()[1], READ, 0, 6, None) == {"buf_size": 1024, "buf_count": 1}


def test_bootloader():
    assert ask(bench()[1], READ, 0, 8, {}) == {"bootloader": "fumo"}
    assert ask(bench()[1], READ, 0, 8, {"query": "mode"}) == {"err": {"group": 0, "rc": 3}}
    assert ask(bench()[1], READ, 0, 8, {"query": "mode"}, VERSION_1)["rc"] == 8


def test_reset_is_answered_first():
    target, smp = bench()
    assert not smp.reset_asked and ask(smp, WRITE, 0, 5, {}) == {}
    assert smp.reset_asked and target.resets == 1
    assert ask(smp, WRITE, 0, 5, {"force": 1, "boot_mode": 0}) == {}


def test_images():
    found = ask(bench()[1], READ, 1, 0, {})["images"]
    flags = {"bootable": True, "pending": False, "confirmed": True, "active": True}
    flags.update({"slot": 0, "image": 0, "version": "1.0.0", "hash": HASH})
    assert found == [flags]


def test_no_images():
    target, smp = bench()
    target.images = list
    assert ask(smp, READ, 1, 0, {}) == {"images": []}


def test_long_versions_fit():
    target, smp = bench()
    image = (1, "\U0001f600" * 99, HASH, 1, 0, 0, 0)
    target.images = lambda: [image, image]
    found = ask(smp, READ, 1, 0, {})["images"]
    assert len(found) == 2 and found[0]["version"] == "\U0001f600" * 64 and found[0]["bootable"] is True


def test_an_upload_to_slot_0_is_armed():
    target, smp = bench()
    assert upload(smp) == {"off": len(FILE), "match": True}
    assert bytes(target.data) == FILE and target.pending and target.begun == 1


def test_an_upload_to_slot_1_waits_for_the_test():
    target, smp = bench()
    assert upload(smp, image=1) == {"off": len(FILE), "match": True}
    assert not target.pending
    listed = ask(smp, READ, 1, 0, {})["images"][1]
    assert (listed["slot"], listed["pending"]) == (1, False)
    after = ask(smp, WRITE, 1, 0, {"hash": bytes(listed["hash"]), "confirm": False})
    assert target.pending and after["images"][1]["pending"] is True


def test_other_ways_to_name_the_uploaded_image():
    for fields in ({"hash": SHA}, {}, {"hash": None}, {"confirm": False}):
        target, smp = bench()
        upload(smp, image=1)
        assert "images" in ask(smp, WRITE, 1, 0, fields) and target.pending, fields


def test_an_image_that_is_not_there():
    target, smp = bench()
    assert ask(smp, WRITE, 1, 0, {"hash": SHA}) == {"err": {"group": 1, "rc": 8}}
    upload(smp, image=1)
    for other in (HASH, bytes(32)):
        assert ask(smp, WRITE, 1, 0, {"hash": other}) == {"err": {"group": 1, "rc": 8}}
        assert ask(smp, WRITE, 1, 0, {"hash": other}, VERSION_1)["rc"] == 5
    assert not target.pending


def test_confirm_is_refused():
    for fields in ({"confirm": True}, {"hash": HASH, "confirm": True}, {"hash": None, "confirm": True}):
        target, smp = bench()
        upload(smp, image=1)
        assert ask(smp, WRITE, 1, 0, fields) == {"err": {"group": 1, "rc": 32}}
        answer = ask(smp, WRITE, 1, 0, fields, VERSION_1)
        assert answer["rc"] == 11 and "test" in answer["rsn"] and not target.pending


def test_hashes_have_32_bytes():
    for bad in (b"", bytes(31), bytes(33), "text", 5, True, [1], {"a": 1}):
        assert ask(bench()[1], WRITE, 1, 0, {"hash": bad}) == {"err": {"group": 1, "rc": 24}}
        fields = first_piece(b"1", 9)
        fields["sha"] = bad
        assert ask(bench()[1], WRITE, 1, 1, fields) == {"err": {"group": 1, "rc": 24}}


def test_pieces_of_every_size():
    data = FILE[:64]
    for piece in range(1, 65):
        target, smp = bench()
        assert upload(smp, data, piece, sha=None) == {"off": 64, "match": True}, piece
        assert bytes(target.data) == data


def test_pieces_that_come_twice_or_too_early():
    target, smp = bench()
    first = first_piece(FILE[:100], len(FILE))
    first["sha"] = SHA
    for _ in range(3):
        assert ask(smp, WRITE, 1, 1, first) == {"off": 100}
    for at in (50, 200, 1000, len(FILE) - 1):
        assert ask(smp, WRITE, 1, 1, {"off": at, "data": FILE[at : at + 1]}) == {"off": 100}
    for _ in range(2):
        assert ask(smp, WRITE, 1, 1, {"off": 100, "data": FILE[100:200]}) == {"off": 200}
    assert upload(smp) == {"off": len(FILE), "match": True}
    assert target.begun == 1 and bytes(target.data) == FILE
    for _ in range(2):
        last = {"off": len(FILE) - 5, "data": FILE[-5:]}
        assert ask(smp, WRITE, 1, 1, last) == {"off": len(FILE), "match": True}
    assert ask(smp, WRITE, 1, 1, first) == {"off": len(FILE), "match": True}


def test_going_on_after_a_reset_of_the_board():
    target, smp = bench()
    first = first_piece(FILE[:700], len(FILE))
    first["sha"] = SHA
    ask(smp, WRITE, 1, 1, first)
    smp = Smp(target)
    assert ask(smp, WRITE, 1, 1, {"off": 700, "data": FILE[700:]}) == {"off": 0}
    assert ask(smp, WRITE, 1, 1, first) == {"off": 700}
    assert ask(smp, WRITE, 1, 1, {"off": 700, "data": FILE[700:]}) == {"off": len(FILE), "match": True}
    assert target.begun == 1


def test_a_file_that_does_not_match():
    target, smp = bench()
    assert upload(smp, sha=bytes(32)) == {"off": len(FILE), "match": False}
    assert not target.pending


def test_more_than_announced():
    target, smp = bench()
    assert ask(smp, WRITE, 1, 1, first_piece(FILE[:11], 10)) == {"err": {"group": 1, "rc": 31}}
    ask(smp, WRITE, 1, 1, first_piece(FILE[:5], 10))
    assert ask(smp, WRITE, 1, 1, {"off": 5, "data": FILE[:6]}, VERSION_1)["rc"] == 3
    assert bytes(target.data) == FILE[:5]


def test_uploads_that_cannot_be_meant():
    good = first_piece(b"123", 10)
    for name, values in (
        ("off", (None, -1, True, "0", b"0", [])),
        ("data", (None, 3, "text", [], True)),
        ("len", (None, 0, -1, "9", b"", True)),
        ("image", (2, -1, "0", b"", [])),
    ):
        for value in values:
            fields = {key: good[key] for key in good if key != name}
            if value is not None:
                fields[name] = value
            target, smp = bench()
            answer = ask(smp, WRITE, 1, 1, fields, VERSION_1)
            assert answer["rc"] == 3 and answer["rsn"], (name, value)
            assert target.begun == 0


def test_erase_is_refused_politely():
    answer = ask(bench()[1], WRITE, 1, 5, {"slot": 1})
    assert answer["rc"] == 8 and "erases" in answer["rsn"]


def test_everything_else_is_not_supported():
    for group, command, op in (
        (0, 1, 2),
        (0, 5, 0),
        (0, 7, 0),
        (1, 1, 0),
        (1, 3, 0),
        (8, 0, 2),
        (9, 0, 2),
        (65535, 255, 0),
    ):
        for version in (VERSION_1, VERSION_2):
            answer = ask(bench()[1], op, group, command, {}, version)
            assert answer["rc"] == 8 and answer["rsn"], (group, command)


def test_what_the_target_raises_is_told_apart():
    cases = (
        (PackageError("the package is for product x", 403), 11),
        (smp_bench.refused(), 11),
        (PackageError("an older counter", 405), 11),
        (PackageError("too large", 502), 11),
        (PackageError("a block was damaged on its way"), 9),
        (FlashError("the flash stays busy"), 1),
        (LinkError("?"), 1),
    )
    for error, rc in cases:
        for version in (VERSION_1, VERSION_2):
            target, smp = bench()
            target.error = error
            for op, group, command, fields in (
                (WRITE, 1, 1, first_piece(b"123", 10)),
                (READ, 1, 0, {}),
                (WRITE, 1, 0, {}),
                (WRITE, 0, 5, {}),
            ):
                assert ask(smp, op, group, command, fields, version) == {"rc": rc, "rsn": str(error)}
            assert not smp.reset_asked


def test_every_error_has_a_reason():
    """Without one, clients take an error of an upload for a success that says nothing."""
    target, smp = bench()
    for error in (PackageError(), FlashError()):
        target.error = error
        assert ask(smp, WRITE, 1, 1, first_piece(b"123", 10))["rsn"]


def test_a_long_reason_is_cut():
    target, smp = bench()
    target.error = PackageError("x" * 5000, 403)
    assert ask(smp, READ, 1, 0, {}) == {"rc": 11, "rsn": "x" * 100}


def test_no_request_no_answer():
    """A line that echoes must not make the board talk to itself."""
    smp = bench()[1]
    good = message(READ, 0, 6, {})
    for op in (1, 3, 4, 5, 6, 7):
        assert smp.answer(bytes((op | 8,)) + good[1:]) is None
    for size in range(len(good)):
        assert smp.answer(good[:size]) is None
    assert smp.answer(good + b"\0") is None and smp.answer(good) is not None


def test_versions_to_come():
    answer = bench()[1].answer(message(READ, 0, 6, {}, 2))
    assert answer[0] == 1 | 1 << 3 and cbor.read(bytes(answer[8:]))["rc"] == 13


def test_payloads_that_are_no_map():
    for payload in (b"\x01", b"\x80", b"\xf6", b"\xff", b"\xa1", b"\xa0\xa0", b"\x60"):
        answer = bench()[1].answer(struct.pack(">BBHHBB", 8, 0, len(payload), 0, 1, 6) + payload)
        assert cbor.read(bytes(answer[8:]))["rc"] == 3


def test_a_defect_of_the_target_is_not_hidden():
    target, smp = bench()
    target.error = KeyError("x")
    with raises(KeyError):
        ask(smp, READ, 1, 0, {})
