"""Several flashes as one: nothing crosses from one part to the next but a read, and nothing is written where that is refused."""

from agent.errors import FlashError
from hal.flash_span import Behind, FlashSpan
from hal.region import Region
from tests.portable.boards import make_flash
from tests.portable.check import raises

K = 1024


class _Part:
    """A flash that tells what it was asked."""

    page, program_unit, blocking = 256, 1, False

    def __init__(self, size, units=((4096, 10),), **more):
        self.size, self.erase_units, self.said, self.works = size, units, [], False
        for name in more:
            setattr(self, name, more[name])

    def read(self, addr, into):
        self.said.append(("read", addr, len(into)))

    def program(self, addr, data):
        self.said.append(("program", addr, len(data)))

    def erase(self, addr, size):
        self.said.append(("erase", addr, size))

    def busy(self):
        return self.works

    def sync(self, addr=0, size=0):
        self.said.append(("sync", addr, size))


def test_it_reads_as_one():
    flash = make_flash()
    flash.load(0, b"a" * 8192)
    flash.load(65536, b"b" * 8192)
    flash.load(131072, b"c" * 8192)
    span = FlashSpan((Region(flash, 0, 8192), Region(flash, 65536, 4096), Region(flash, 131072, 8192)))
    data = bytearray(4096 + 200)
    span.read(8192 - 100, data)
    assert span.size == 20480 and data == b"a" * 100 + b"b" * 4096 + b"c" * 100
    span.read(span.size - 1, bytearray(1))
    for addr, size in ((-1, 1), (span.size, 1), (span.size - 1, 2)):
        with raises(FlashError):
            span.read(addr, bytearray(size))


def test_writes_go_to_their_part():
    flash = make_flash()
    span = FlashSpan((Region(flash, 0, 8192), Region(flash, 65536, 8192)))
    span.program(8192 - 256, b"x" * 256)
    span.program(8192, b"y" * 256)
    span.erase(4096, 4096)
    data = bytearray(256)
    flash.read(65536, data)
    assert data == b"y" * 256
    flash.read(8192 - 256, data)
    assert data == b"\xff" * 256


def test_nothing_crosses():
    a, b = _Part(8192, page=256), _Part(8192, page=1024)
    span = FlashSpan((a, b))
    assert span.page == 256
    for wrong in (
        lambda: span.program(8192 - 100, bytes(200)),
        lambda: span.program(span.size - 100, bytes(200)),
        lambda: span.program(-1, bytes(1)),
        lambda: span.erase(4096, 8192),
        lambda: span.erase(100, 4096),
        lambda: span.erase(span.size, 4096),
    ):
        with raises(FlashError):
            wrong()
    assert not a.said and not b.said


def test_units_are_those_of_all_parts_and_lie_in_one():
    a = _Part(96 * K, ((4096, 10), (32 * K, 40), (64 * K, 50)))
    b = _Part(64 * K, ((4096, 20), (32 * K, 30), (64 * K, 50)))
    assert FlashSpan((a, b)).erase_units == ((4096, 20), (32 * K, 40))  # 64 KiB would begin in one and end in the other
    assert FlashSpan((b, a)).erase_units == ((4096, 20), (32 * K, 40), (64 * K, 50))
    assert FlashSpan((a, _Part(64 * K))).erase_units == ((4096, 10),)
    for parts in ((_Part(6000), b), (a, _Part(64 * K, ((512, 1),))), (a, _Part(4096 + 100))):
        with raises(FlashError):
            FlashSpan(parts)


def test_the_slowest_counts():
    a, b = _Part(4096), _Part(4096, program_unit=8, blocking=True)
    span = FlashSpan((a, b))
    assert span.blocking and span.program_unit == 8 and not span.busy()
    b.works = True
    assert span.busy()


def test_a_sync_reaches_every_part():
    a, b = _Part(8192), _Part(8192)
    span = FlashSpan((a, b))
    span.sync()
    span.sync(4096, 8192)
    span.sync(8192, 8192)
    assert a.said == [("sync", 0, 0), ("sync", 4096, 4096), ("sync", 0, 0)]
    assert b.said == [("sync", 0, 0), ("sync", 0, 4096), ("sync", 0, 8192)]


def test_it_settles_what_was_written_since():
    a, b = _Part(8192), _Part(8192)
    span = FlashSpan((a, b))
    span.settle()
    assert not a.said
    for write in (lambda: span.program(8192, b"x"), lambda: span.erase(0, 4096)):
        write()
        span.settle()
        assert a.said[-1] == b.said[-1] == ("sync", 0, 0)
        count = len(a.said)
        span.settle()
        assert len(a.said) == count


def test_a_bank_that_must_not_be_written():
    part, reason = _Part(8192), [""]
    span = FlashSpan((part,), lambda: reason[0])
    span.program(0, b"x")
    reason[0] = "it runs"
    for write in (lambda: span.program(0, b"x"), lambda: span.erase(0, 4096)):
        with raises(FlashError) as refused:
            write()
        assert "it runs" in str(refused.error)
    span.read(0, bytearray(4))
    assert part.said == [("program", 0, 1), ("read", 0, 4)]


def test_what_stands_behind_another_flash():
    order, part = [], _Part(8192)
    part.said = order
    flash = Behind(part, lambda: order.append("before"))
    flash.program(0, b"x")
    flash.erase(0, 4096)
    flash.read(0, bytearray(2))
    assert order == ["before", ("program", 0, 1), "before", ("erase", 0, 4096), ("read", 0, 2)]
    assert flash.size == 8192 and not flash.busy()

    def fail():
        raise FlashError("the bank is not on the card")

    flash = Behind(part, fail)
    order.clear()
    with raises(FlashError):
        flash.program(0, b"x")
    assert not order
