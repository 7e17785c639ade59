"""The trailer of an MCUboot slot: its bytes for every alignment, and what each power cut leaves MCUboot to read."""

from agent.errors import FlashError
from hal.boot_mcuboot import NONE, PERMANENT, TEST, TORN, McubootSlot
from hal.region import Region
from tests.portable.boards import cut_everywhere, make_flash
from tests.portable.check import raises

K = 1024
_ERASED = b"\xff" * 16


def _slot(flash, size=64 * K, start=64 * K):
    return Region(flash, start, size)


def _magic(align):
    if align == 8:
        return b"\x77\xc2\x95\xf3\x60\xd2\xef\x7f\x35\x52\x50\x0f\x2c\xb6\x79\x80"
    return bytes((align, 0)) + b"\x2d\xe1\x5d\x29\x41\x0b\x8d\x77\x67\x9c\x11\x0f\x1f\x8a"


def mcuboot_reads(flash, align, size=64 * K, start=64 * K):
    """Return what MCUboot makes of the slot, told once more from its table: the magic, then image_ok."""
    magic, flag = bytearray(16), bytearray(1)
    flash.read(start + size - 16, magic)
    flash.read(start + size - {8: 24, 16: 32, 32: 64}[align], flag)
    if magic == _ERASED:
        return "none"
    if magic != _magic(align):
        return "bad"
    return "test" if flag == b"\xff" else "permanent" if flag == b"\x01" else "bad"


def test_states():
    for align in (8, 16, 32):
        flash = make_flash()
        slot = McubootSlot(_slot(flash), align)
        assert slot.state() == NONE and mcuboot_reads(flash, align) == "none"
        slot.set_test()
        assert slot.state() == TEST and mcuboot_reads(flash, align) == "test"
        slot.set_permanent()
        assert slot.state() == PERMANENT and mcuboot_reads(flash, align) == "permanent"
        slot.set_test()
        assert slot.state() == TEST and mcuboot_reads(flash, align) == "test"
        slot.clear()
        assert slot.state() == NONE


def test_nothing_outside_the_trailer_is_touched():
    for align in (8, 32):
        flash = make_flash()
        flash.load(64 * K, bytes(60 * K))
        slot = McubootSlot(_slot(flash), align)
        flash.guard = ((0, 64 * K + slot.room), (128 * K, flash.size))
        slot.set_permanent()
        slot.clear()
        data = bytearray(16)
        flash.read(64 * K + slot.room - 16, data)
        assert data == bytes(16)


def test_the_trailer_may_span_sectors():
    assert McubootSlot(_slot(make_flash())).room == 60 * K
    assert McubootSlot(_slot(make_flash()), 32).room == 48 * K
    assert McubootSlot(_slot(make_flash()), 8, 1024).room == 36 * K
    with raises(FlashError):
        McubootSlot(_slot(make_flash(), 8 * K), 32)
    with raises(FlashError):
        McubootSlot(_slot(make_flash()), 12)


def test_what_is_left_of_an_older_swap_goes():
    flash = make_flash()
    slot = McubootSlot(_slot(flash), 32)
    flash.load(64 * K + slot.room, b"\x01" * 256)
    slot.set_test()
    data = bytearray(256)
    flash.read(64 * K + slot.room, data)
    assert data == b"\xff" * 256


def test_torn_trailers_are_seen_and_tidied():
    for at, byte in ((16, 0x77 & 0x76), (1, 0), (24, 0x03), (24, 0)):
        flash = make_flash()
        slot = McubootSlot(_slot(flash))
        slot.set_test()
        flash.program(128 * K - at, bytes((byte,)))
        assert slot.state() == TORN
        assert slot.tidy() and slot.state() == NONE
        assert not slot.tidy()


def test_image_ok_without_magic_is_no_request():
    flash = make_flash()
    slot = McubootSlot(_slot(flash))
    flash.program(128 * K - 24, b"\x01")
    assert mcuboot_reads(flash, 8) == "none" and slot.state() == TORN
    slot.set_test()
    assert mcuboot_reads(flash, 8) == "test"


def test_every_cut_leaves_the_old_or_the_new_request_or_none():
    requests = {"none": McubootSlot.clear, "test": McubootSlot.set_test, "permanent": McubootSlot.set_permanent}
    for align in (8, 16, 32):
        for before in sorted(requests):
            for after in sorted(requests):
                flash = make_flash()
                requests[before](McubootSlot(_slot(flash), align))
                allowed = ("none", before, after)
                _cut(flash, align, requests[after], allowed)


def _cut(flash, align, change, allowed):
    def check(number, effect):
        for _ in range(4):  # weak cells fade on a later boot
            read = mcuboot_reads(flash, align)
            assert read in allowed + ("bad",), (align, allowed, number, effect, read)
            slot = McubootSlot(_slot(flash), align)
            slot.tidy()
            flash.power_on(_nobody)
        slot.tidy()
        assert mcuboot_reads(flash, align) in allowed
        change(slot)  # what the agent does next, its order still standing
        assert mcuboot_reads(flash, align) == allowed[2], (number, effect)
        flash.power_on(_nobody)
        flash.power_on(_nobody)
        assert mcuboot_reads(flash, align) == allowed[2], (number, effect)

    assert cut_everywhere(flash, lambda: change(McubootSlot(_slot(flash), align)), check) > 3


def test_a_trailer_that_cannot_be_programmed_is_given_up_empty():
    flash = make_flash()
    flash.faults.bad = {128 * K // 4096 - 1: "program"}
    slot = McubootSlot(_slot(flash))
    with raises(FlashError):
        slot.set_test()
    assert slot.state() == NONE


def test_a_trailer_that_cannot_be_erased_is_said():
    flash = make_flash()
    slot = McubootSlot(_slot(flash))
    slot.set_test()
    flash.faults.bad = {128 * K // 4096 - 1: "erase"}
    with raises(FlashError):
        slot.set_permanent()
    assert mcuboot_reads(flash, 8) == "test"  # what stood there, nothing in between


def test_reads_that_flip_are_written_again():
    flash = make_flash()
    slot = McubootSlot(_slot(flash))
    flash.faults.rot = 3
    try:
        slot.set_test()
        assert mcuboot_reads(flash, 8) == "test"
    except FlashError:
        flash.faults.rot = 0
        assert slot.state() == NONE


def test_a_read_back_that_fails_leaves_no_half_request():
    for errors in (1, 2, 3, 40):
        flash = make_flash()
        slot = McubootSlot(_slot(flash))
        flash.faults.read_errors = errors
        try:
            slot.set_test()
            assert errors < 3 and mcuboot_reads(flash, 8) == "test"
        except FlashError:
            flash.faults.read_errors = 0
            assert errors > 2 and mcuboot_reads(flash, 8) == "none"


class _Clumsy(Region):
    """A slot whose programs go wrong: `spoil(addr, data)` gives what arrives at the cells."""

    spoil = None
    seen = None

    def program(self, addr, data):
        Region.program(self, addr, self.spoil(self, addr, bytes(data)))
        self.seen.append(mcuboot_reads(self.flash, 8))


def _clumsy(spoil):
    flash = make_flash()
    slot = _Clumsy(flash, 64 * K, 64 * K)
    slot.spoil, slot.seen = spoil, []
    return flash, slot


def test_half_a_magic_is_never_left():
    flash, slot = _clumsy(lambda self, addr, data: data[:-4] + b"\xff" * 4)
    with raises(FlashError):
        McubootSlot(slot).set_test()
    assert slot.seen == ["bad"] * 3 and mcuboot_reads(flash, 8) == "none"


def test_no_magic_stands_above_a_flag_that_is_wrong():
    flash, slot = _clumsy(lambda self, addr, data: b"\x03" + data[1:] if not self.seen else data)
    McubootSlot(slot).set_permanent()
    assert slot.seen == ["none", "none", "permanent"]


def test_what_a_program_disturbs_is_erased():
    def spoil(self, addr, data):
        if not self.seen:
            Region.program(self, 60 * K + 8, b"\x00")
        return data

    flash, slot = _clumsy(spoil)
    McubootSlot(slot).set_test()
    data = bytearray(16)
    flash.read(124 * K, data)
    assert data == b"\xff" * 16 and slot.seen == ["test", "test"]


def test_boot_control():
    flash = make_flash()
    slot = McubootSlot(_slot(flash))
    assert (slot.running(), slot.confirmed(), slot.ran_before(), slot.fell_back()) == (0, 0, -1, False)
    slot.set_trial(1, 7)
    assert slot.state() == TEST and not slot.tried(1, 7)
    slot.confirm()
    assert slot.state() == NONE and slot.tried(1, 7) and not slot.tried(0, 7)
    operations = flash.ops
    slot.confirm()
    assert flash.ops == operations
    with raises(FlashError):
        slot.set_trial(0, 1)


def test_only_whole_units_are_programmed_where_the_chip_wants_that():
    flash = make_flash()
    slot = Region(flash, 64 * K, 64 * K)
    slot.program_unit = 16
    programs = []
    slot.program = lambda addr, data: programs.append((addr % 16, len(data))) or Region.program(slot, addr, data)
    with raises(FlashError):
        McubootSlot(slot, 8)
    control = McubootSlot(slot, 16)
    control.set_permanent()
    control.set_test()
    assert programs == [(0, 16)] * 3


def _nobody():
    """Feed no watchdog."""
