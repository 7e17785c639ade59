"""SMP over a console: whatever stands between frames, and whatever happens to them, the next whole one is found."""

import binascii

from hal.smp_frame import Receiver, crc16, send

# From the documentation of the Python library `smp`: what `encode(b"Hello, world!")` gives, in lines of 127 and of 8
HELLO = b"\x06\x09AA9IZWxsbywgd29ybGQhet4=\n"
HELLO_SHORT = b"\x06\x09AA9I\n\x04\x14ZWxs\n\x04\x14bywg\n\x04\x14d29y\n\x04\x14bGQh\n\x04\x14et4=\n"


class Sink:
    """Keeps what it is given."""

    def __init__(self, size=1024):
        self.found = []
        self.receiver = Receiver(size, lambda message: self.found.append(bytes(message)))

    def feed(self, data, piece=0):
        for at in range(0, len(data), piece or len(data) or 1):
            self.receiver.feed(memoryview(data)[at : at + (piece or len(data))])
        return self


def frame(message):
    lines = []
    send(lines.append, message)
    return b"".join(lines)


def test_the_check_value_of_the_crc():
    assert crc16(b"123456789") == 0x31C3 and crc16(b"") == 0
    if hasattr(binascii, "crc_hqx"):
        data = bytes(range(256)) * 3
        assert crc16(data) == binascii.crc_hqx(data, 0)


def test_a_known_frame():
    assert frame(b"Hello, world!") == HELLO
    assert Sink().feed(HELLO).found == [b"Hello, world!"]
    assert Sink().feed(HELLO_SHORT).found == [b"Hello, world!"]


def test_pieces_of_every_size():
    data = HELLO_SHORT + b"boot: nothing to start\r\n" + HELLO
    for piece in range(1, len(data) + 1):
        assert Sink().feed(data, piece).found == [b"Hello, world!"] * 2, piece


def test_lines_are_127_bytes_at_most():
    message = bytes(range(256)) * 3
    sent = frame(message)
    lines = sent.split(b"\n")
    assert max([len(line) + 1 for line in lines]) == 127 and lines[0][:2] == b"\x06\x09" and lines[1][:2] == b"\x04\x14"
    assert Sink().feed(sent).found == [message]


def test_a_carriage_return_does_no_harm():
    assert Sink().feed(HELLO_SHORT.replace(b"\n", b"\r\n")).found == [b"Hello, world!"]


def test_sizes_up_to_the_buffer():
    for size in range(8, 61):
        assert Sink(64).feed(frame(bytes(size))).found == [bytes(size)], size
    for size in (0, 1, 7, 61, 62, 100, 1000):
        assert Sink(64).feed(frame(bytes(size)) + frame(b"12345678")).found == [b"12345678"], size


def test_every_cut_is_followed_by_a_good_one():
    for size in range(len(HELLO_SHORT) - 1):  # without its newline it would be whole again
        for noise in (b"", b"\n", b"\x06", b"\x04\x14", b"\x06\x09\n", b"AAAA\n"):
            assert Sink().feed(HELLO_SHORT[:size] + noise + HELLO).found == [b"Hello, world!"], (size, noise)


def test_every_lost_byte_loses_one_frame():
    for at in range(len(HELLO_SHORT)):
        found = Sink().feed(HELLO_SHORT[:at] + HELLO_SHORT[at + 1 :] + HELLO).found
        assert found[-1] == b"Hello, world!" and len(found) <= 2 and found[0] == found[-1], at


def test_every_changed_byte_is_noticed():
    for at in range(len(HELLO)):
        for bit in range(8):
            data = bytearray(HELLO)
            data[at] ^= 1 << bit
            found = Sink().feed(bytes(data) + HELLO_SHORT).found
            assert found and found == [b"Hello, world!"] * len(found), (at, bit)


def test_parts_in_another_order_are_nothing():
    lines = [line + b"\n" for line in HELLO_SHORT.split(b"\n")[:-1]]
    for at in range(1, len(lines)):
        swapped = lines[:at][:-1] + [lines[at], lines[at - 1]] + lines[at + 1 :]
        assert Sink().feed(b"".join(swapped)).found == [], at
        assert Sink().feed(b"".join(lines[:at] + lines[at + 1 :])).found == [], at
    assert Sink().feed(b"".join(lines[1:])).found == []


def test_a_line_without_end_is_no_memory():
    sink = Sink().feed(b"\x06\x09" + b"A" * 5000 + b"\n")
    assert sink.found == [] and sink.feed(HELLO).found == [b"Hello, world!"]


def test_length_and_crc_must_be_there():
    for raw in (b"", b"\0", b"\0\0", b"\0\2\0\0", b"\0\1\0", b"\xff\xff" + bytes(20), b"\0\x0a" + bytes(8) + b"\1\1"):
        line = b"\x06\x09" + binascii.b2a_base64(raw)
        assert Sink().feed(line + HELLO).found == [b"Hello, world!"], raw


def test_more_than_announced_is_not_a_frame():
    line = b"\x06\x09" + binascii.b2a_base64(b"\0\x0a" + bytes(8) + b"\0\0" + b"x")
    assert Sink().feed(line).found == []
    assert Sink().feed(b"\x06\x09" + binascii.b2a_base64(b"\0\x0a" + bytes(10))).found == [bytes(8)]
