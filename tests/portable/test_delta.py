"""Delta blocks on their own: what they make, and that no block can reach outside, run on, or keep a step busy."""

from agent.delta import DeltaBlock
from agent.errors import PackageError
from tests.portable.check import raises

SOURCE = bytes([i % 251 for i in range(600)])


class Plain:
    """A stored block; counts how often it is asked."""

    def __init__(self, data):
        self.data, self.at, self.calls = data, 0, 0

    def read_into(self, into):
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
        out.extend(buffer[: block.read_into(buffer[: min(piece, size - len(out))])])
    return bytes(out), block


def _refused(data, size, start=0):
    with raises(PackageError) as caught:
        _, block = _unpack(data, size, start)
        assert not block.read_into(memoryview(bytearray(1))), "more than the block says"
        raise AssertionError("accepted")
    assert caught.error.code == 402


def test_differences_new_bytes_and_jumps_both_ways():
    data = b"\x03\x00\x01\xff" + b"\x02ab" + b"\x0a" + b"\x02\x00\x00" + b"\x00" + b"\x07" + b"\x01\x00"
    want = bytes([SOURCE[10], SOURCE[11] + 1, (SOURCE[12] + 255) & 255]) + b"ab" + SOURCE[18:20] + SOURCE[17:18]
    for piece in (1, 2, 3, 100):
        assert _unpack(data, 8, 10, piece)[0] == want, piece


def test_the_source_is_read_up_to_its_last_byte_and_not_beyond():
    assert _unpack(b"\x02\x00\x00", 2, 598)[0] == SOURCE[598:]
    for start in (599, 600, 601, 0xFFFFFFFF):
        _refused(b"\x02\x00\x00", 2, start)
    _refused(b"\x01\x00\x00\x05\x01\x00", 2, 0)  # back to -2


def test_a_block_that_ends_early_is_refused():
    whole = b"\x02\x00\x00\x03abc\x02\x01\x00"
    for size in range(len(whole)):
        _refused(whole[:size], 6)


def test_a_count_beyond_the_block_is_refused():
    _refused(b"\x05" + bytes(5), 4)
    _refused(b"\x00\x05abcde", 4)


def test_a_number_without_an_end_is_refused():
    _refused(b"\x80" * 40, 4)


def test_bytes_behind_the_last_one_show():
    out, block = _unpack(b"\x02\x00\x00x", 2)
    assert block.read_into(memoryview(bytearray(1))) == 1


def test_a_round_that_makes_nothing_is_refused_at_once():
    plain = Plain(bytes(100000))
    block = DeltaBlock(plain, Source(), len(SOURCE), 0, 4096)
    with raises(PackageError):
        block.read_into(memoryview(bytearray(256)))
    assert plain.calls < 10, plain.calls
