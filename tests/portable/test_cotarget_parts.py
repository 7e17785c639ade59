"""The parts of a board with a target beside it: the asking side of SMP, which image a slot holds, what is kept of the target."""

from agent.errors import FlashError, PackageError
from hal.boot_mcuboot import McubootSlot
from hal.cotarget_bus import TargetBus
from hal.cotarget_parts import LineProbe, SlotImage
from hal.mcuboot_image import image_hash
from hal.region import Region
from hal.smp_client import SmpClient
from hal.target_record import ARMED, ENDED, FELL, GIVEN_UP, KEPT, NO_HASH, TRYING, TargetRecord
from ports.sim.clock import Clock
from tests.portable.boards import cut_everywhere, make_flash
from tests.portable.check import raises
from tests.portable.mcuboot_target import Target, hash_of, make_image

K = 1024
IMAGE, OTHER = make_image(b"one" * 500), make_image(b"two" * 500, 512)
SLOT = 128 * K


def make_target(behaviour="good", clock=None):
    """Return a target that has been up for a while."""
    flash = make_flash()
    clock = clock or flash.clock
    target = Target(clock, flash, 0, SLOT, IMAGE, {hash_of(IMAGE): behaviour})
    clock.sleep_ms(1000)
    return target


def client(target, clock=None):
    return SmpClient(target, clock or target.clock, _nobody)


# -- SMP ----------------------------------------------------------------------------------------------------------------


def test_a_target_says_what_it_runs():
    target = make_target()
    asking = client(target)
    assert asking.active(400) == (hash_of(IMAGE), True)
    target.image_ok = False
    target.behaviours = {hash_of(IMAGE): "manual"}
    assert asking.active(400) == (hash_of(IMAGE), False)
    target.flash.load(0, OTHER)
    assert asking.active(400) == (hash_of(IMAGE), False)  # the entry of the slot comes first, and is not what runs
    assert asking.confirm(400) == (hash_of(IMAGE), True) and target.image_ok


def test_a_silent_target_is_waited_for_and_no_longer():
    for target in (make_target("silent"), make_target()):
        target.held = target.behaviours[hash_of(IMAGE)] == "good"
        before = target.clock.ms()
        assert client(target).active(400) is None
        assert 400 <= target.clock.ms() - before < 450


class _Line:
    """A line on which `says` comes, again and again where `endless`."""

    def __init__(self, says=b"", endless=False, clock=None):
        self.says, self.endless, self.asked, self._clock = says, endless, 0, clock

    def read_into(self, into):
        if self._clock:
            self._clock.sleep_ms(1)
        count = min(len(into), len(self.says))
        into[:count] = self.says[:count]
        if not self.endless:
            self.says = self.says[count:]
        return count

    def write(self, data):
        self.asked += 1


def test_a_line_that_never_falls_silent_ends_too():
    clock = Clock()
    assert SmpClient(_Line(b"log " * 8, True, clock), clock, _nobody).active(200) is None
    assert clock.ms() < 1000


class _Answering(_Line):
    """Answers with bytes that a function makes of the question's sequence number."""

    make = None

    def write(self, data):
        from hal.smp_frame import Receiver

        if not self.asked:
            self._receiver = Receiver(256, self._heard)
        self.asked += 1
        self._receiver.feed(data)

    def _heard(self, message):
        from hal.smp_frame import send

        parts = []
        for answer in self.make(message[6]):
            send(lambda line: parts.append(bytes(line)), answer)
        self.says = b"".join(parts)


def _told(make):
    line, clock = _Answering(), Clock()
    line.make = make
    return SmpClient(line, clock, _nobody).active(100)


def _answer(sequence, fields, op=1, group=1, command=0):
    from hal import cbor

    message = bytearray(512)
    end = cbor.write(fields, memoryview(message), 8)
    size = end - 8
    message[:8] = bytes((op, 0, size >> 8, size & 255, 0, group, sequence, command))
    return bytes(message[:end])


def test_answers_that_are_none():
    good = {"images": [{"slot": 0, "hash": bytes(32), "active": True, "confirmed": True}]}
    assert _told(lambda n: [_answer(n, good)]) == (bytes(32), True)
    assert _told(lambda n: [_answer(n ^ 1, good)]) is None
    assert _told(lambda n: [_answer(n, good, op=3)]) is None
    assert _told(lambda n: [_answer(n, good, group=0)]) is None
    assert _told(lambda n: [_answer(n, good, command=1)]) is None
    assert _told(lambda n: [_answer(n, good)[:-1]]) is None
    assert _told(lambda n: [_answer(n ^ 1, {}), _answer(n, good)]) == (bytes(32), True)
    for fields in ({}, {"rc": 5}, {"images": 7}, {"images": [7]}, {"images": []}, []):
        assert _told(lambda n, fields=fields: [_answer(n, fields)]) is None
    for entry in ({"hash": bytes(31)}, {"hash": "x"}, {"active": 1}, {"active": False}, {"image": 1}):
        fields = dict(good["images"][0])
        fields.update(entry)
        assert _told(lambda n, fields=fields: [_answer(n, {"images": [fields]})]) is None


def test_a_line_that_says_confirmed():
    assert LineProbe(lambda: 1).active(1) == (None, True) and LineProbe(lambda: 0).confirm(1) is None


# -- which image --------------------------------------------------------------------------------------------------------


def test_the_hash_of_an_image():
    for image in (IMAGE, OTHER):
        flash = make_flash()
        flash.load(0, image)
        assert image_hash(flash, SLOT, _nobody) == hash_of(image)
        assert image_hash(flash, len(image), _nobody) == hash_of(image)
        assert image_hash(flash, len(image) - 1, _nobody) is None


def test_whatever_is_damaged_is_no_image():
    for at in (
        0,
        3,
        8,
        9,
        10,
        12,
        15,
        40,
        600,
        len(IMAGE) - 40,
        len(IMAGE) - 37,
        len(IMAGE) - 36,
        len(IMAGE) - 34,
        len(IMAGE) - 1,
    ):
        flash = make_flash()
        flash.load(0, IMAGE[:at] + bytes((IMAGE[at] ^ 0x81,)) + IMAGE[at + 1 :])
        assert image_hash(flash, SLOT, _nobody) is None, at
    assert image_hash(make_flash(), SLOT, _nobody) is None


# -- the record ---------------------------------------------------------------------------------------------------------


def test_a_record_through_a_trial():
    flash = make_flash()
    record = TargetRecord(flash)
    assert (record.state, record.bank, record.kept) == (KEPT, 0, NO_HASH)
    record.learn(b"o" * 32)
    record.arm(9, b"n" * 32)
    for state in (TRYING, GIVEN_UP, FELL, ENDED):
        record.enter(state)
        found = TargetRecord(flash)
        assert (found.state, found.bank, found.attempt, found.kept, found.tried) == (state, 0, 9, b"o" * 32, b"n" * 32)
    record.take()
    found = TargetRecord(flash)
    assert (found.state, found.bank, found.kept, found.tried) == (KEPT, 1, b"n" * 32, NO_HASH)


def test_a_cut_leaves_the_record_before_or_the_one_after():
    flash = make_flash()
    TargetRecord(flash).arm(3, b"n" * 32)

    def check(number, effect):
        for _ in range(3):
            found = TargetRecord(flash)
            assert found.state in (ARMED, TRYING), (number, effect, found.state)
            assert (found.bank, found.attempt, found.kept, found.tried) == (0, 3, NO_HASH, b"n" * 32), (number, effect)
            flash.power_on(_nobody)
        TargetRecord(flash).enter(TRYING)
        assert TargetRecord(flash).state == TRYING

    assert cut_everywhere(flash, lambda: TargetRecord(flash).enter(TRYING), check) > 10


def test_a_record_of_which_a_bit_has_flipped_is_none():
    for at in (5, 9, 10, 12, 50, 80):
        flash = make_flash()
        TargetRecord(flash).arm(3, b"n" * 32)
        data = bytearray(92)
        sector = [number for number in range(3) if flash.pages.get(number * 16)][0]
        flash.read(sector * 4096, data)
        data[at] ^= 1
        flash.load(sector * 4096, data)
        assert TargetRecord(flash).state == KEPT, at


def test_a_record_that_cannot_be_written_is_said():
    flash = make_flash()
    flash.faults.bad = {0: "program", 1: "program", 2: "program"}
    with raises(FlashError):
        TargetRecord(flash).arm(1, b"n" * 32)
    flash.faults.bad = {0: "program"}
    TargetRecord(flash).arm(1, b"n" * 32)
    assert TargetRecord(flash).state == ARMED


# -- the bus ------------------------------------------------------------------------------------------------------------


def _bus(**more):
    flash, levels = make_flash(), []
    facts = {"size": flash.size, "page": 256, "erase_units": ((4096, 900),)}
    facts.update(more)
    bus = TargetBus(levels.append, flash.clock, lambda: flash, facts["size"], facts["page"], facts["erase_units"])
    bus.take = bus.hold
    return bus, levels, flash


def test_the_flash_is_ours_only_while_the_target_is_held():
    bus, levels, flash = _bus()
    bus.read(0, bytearray(4))
    assert levels == [1] and bus.held
    bus.erase(0, 4096)
    bus.let_go()
    assert levels == [1, 0] and not flash.busy() and not bus.held and not bus.busy()
    bus.pulse()
    assert levels == [1, 0, 1, 0]


def test_another_chip_than_the_board_file_names():
    for wrong in ({"size": 4 << 20}, {"page": 512}, {"erase_units": ((8192, 900),)}):
        bus, levels, _ = _bus(**wrong)
        with raises(FlashError):
            bus.read(0, bytearray(4))
        assert levels == [1, 0]  # the target goes on


def test_what_the_target_runs_cannot_be_read_and_its_trailer_not_written():
    flash = make_flash()
    region = Region(flash, 0, SLOT)
    room = McubootSlot(region).room

    class Boot:
        def confirmed(self):
            return 0

    kept, spare = SlotImage(0, Boot(), region, room), SlotImage(1, Boot(), region, room)
    with raises(PackageError):
        kept.read(0, bytearray(4))
    with raises(PackageError):
        kept.erase(0, 4096)
    spare.erase(room - 4096, 4096)
    spare.program(room - 256, bytes(256))
    for action in (lambda: spare.erase(room, 4096), lambda: spare.program(room, bytes(16))):
        with raises(FlashError):
            action()


def _nobody():
    """Feed no watchdog."""
