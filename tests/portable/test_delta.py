"""Delta blocks on their own: what they make, and that no block can reach outside, run on, or keep a step busy."""

from agent.delta import ADD, COPY, INSERT, JUMP, DeltaBlock
from agent.errors import PackageError
from tests.portable.check import raises

SOURCE = bytes([i % 251 for i in range(600)])


class Plain:
    """A stored block; counts how often it is asked."""

    def __init__(self, data):
        self.data, self.at, self.calls = data, 0, 0

    def readinto(self, into):
        self.calls += 1
        count = min(len(into), len(self.data) - self.at)
        into[:count] = self.data[self.at : self.at + count]
        self.at += count
        return count


class Source:
    """The running image."""

    def read(self, addr, into):
        assert addr >= 0 and addr + len(into) <= len(SOURCE), addr
        into[:] = SOURCE[addr : addr + len(into)]


def _unpack(data, size, start=0, piece=1000):
    block = DeltaBlock(Plain(data), Source(), len(SOURCE), start, size)
    out, buffer = bytearray(), memoryview(bytearray(piece))
    while len(out) < size:
        out.extend(buffer[: block.readinto(buffer[: min(piece, size - len(out))])])
    return bytes(out), block


def _refused(data, size, start=0):
    with raises(PackageError) as caught:
        _, block = _unpack(data, size, start)
        assert not block.readinto(memoryview(bytearray(1))), "more than the block says"
        raise AssertionError("accepted")
    assert caught.error.code == 402


def _order(order, count, data=b""):
    assert count < 32
    return bytes((count << 2 | order,)) + data


def test_differences_copies_new_bytes_and_jumps_both_ways():
    data = _order(ADD, 3, b"\x00\x01\xff") + _order(INSERT, 2, b"ab") + _order(JUMP, 5 << 1) + _order(COPY, 2)
    data += _order(JUMP, 3 << 1 | 1) + _order(ADD, 1, b"\x00") + _order(COPY, 1)
    want = bytes([SOURCE[10], SOURCE[11] + 1, (SOURCE[12] + 255) & 255]) + b"ab" + SOURCE[18:20] + SOURCE[17:19]
    for piece in (1, 2, 3, 100):
        assert _unpack(data, 9, 10, piece)[0] == want, piece


def test_long_runs_are_made_in_pieces():
    copy, add = b"\xa0\x12", b"\xa1\x12"  # 584 << 2 with the order, seven bits a byte
    assert _unpack(add, 584, 1)[0] == SOURCE[1:585]
    assert _unpack(copy + bytes([1]) * 584, 584, 1)[0] == bytes([(byte + 1) & 255 for byte in SOURCE[1:585]])


def test_the_source_is_read_up_to_its_last_byte_and_not_beyond():
    for two in (_order(ADD, 2, bytes(2)), _order(COPY, 2)):
        assert _unpack(two, 2, 598)[0] == SOURCE[598:]
        for start in (599, 600, 601, 0xFFFFFFFF):
            _refused(two, 2, start)
        _refused(_order(COPY, 1) + _order(JUMP, 2 << 1 | 1) + two, 3, 0)  # back to -1


def test_a_block_that_ends_early_is_refused():
    whole = _order(ADD, 2, bytes(2)) + _order(INSERT, 3, b"abc") + _order(JUMP, 2) + _order(COPY, 1)
    for size in range(len(whole)):
        _refused(whole[:size], 6)


def test_a_count_beyond_the_block_is_refused():
    _refused(_order(ADD, 5, bytes(5)), 4)
    _refused(_order(COPY, 5), 4)
    _refused(_order(INSERT, 5, b"abcde"), 4)


def test_a_number_without_an_end_is_refused():
    _refused(b"\x80" * 40, 4)


def test_bytes_behind_the_last_one_show():
    out, block = _unpack(_order(ADD, 2, bytes(2)) + b"x", 2)
    assert block.readinto(memoryview(bytearray(1))) == 1


def test_orders_that_make_nothing_are_refused_at_once():
    for order in (ADD, COPY, INSERT, JUMP):
        plain = Plain(_order(order, 0) * 100000)
        block = DeltaBlock(plain, Source(), len(SOURCE), 0, 4096)
        with raises(PackageError):
            block.readinto(memoryview(bytearray(256)))
        assert plain.calls < 10, plain.calls
