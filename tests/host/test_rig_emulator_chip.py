"""The emulated board's chip when the power goes: torn pages, half-erased sectors, and the server that cuts inside an operation."""

import random
import socket
import struct
import threading

import pytest

from flash_tools.errors import UsageError
from flash_tools.rig.emulator import damage
from flash_tools.rig.emulator.chip_server import ChipServer, damaged

SIZE = 64 * 1024
PAGE = bytes(range(256))
ERASED = b"\xff" * 4096


@pytest.mark.parametrize("seed", range(40))
def test_a_torn_page_is_a_beginning_of_the_new_one_and_one_byte_between_the_two(seed):
    before = bytes([0xFF] * 200 + [0x0F] * 56)
    after = bytes(old & new for old, new in zip(before, PAGE, strict=True))
    torn = damage.torn_page(before, after, random.Random(seed))
    differ = [at for at in range(256) if torn[at] != after[at]]
    first = differ[0] if differ else 255
    assert torn[:first] == after[:first] and torn[first + 1 :] == before[first + 1 :]
    assert torn[first] & after[first] == after[first] and torn[first] | before[first] == before[first]


def test_pages_are_torn_at_many_places_and_the_same_for_the_same_seed():
    torn = [damage.torn_page(b"\xff" * 256, bytes(256), random.Random(seed)) for seed in range(200)]
    assert (
        len(set(torn)) > 100 and any(page.count(0) < 16 for page in torn) and any(page.count(0) > 240 for page in torn)
    )
    assert torn[7] == damage.torn_page(b"\xff" * 256, bytes(256), random.Random(7))


def test_nothing_is_torn_where_nothing_changes_and_bits_are_never_set():
    assert damage.torn_page(PAGE, PAGE, random.Random(1)) == PAGE
    with pytest.raises(UsageError, match="clears bits only"):
        damage.torn_page(bytes(4), b"\1\0\0\0", random.Random(1))


@pytest.mark.parametrize("seed", range(20))
def test_a_half_erased_sector_only_gains_bits(seed):
    before = (PAGE * 16)[::-1]
    after = damage.half_erased(before, random.Random(seed))
    assert len(after) == 4096 and all(new & old == old for old, new in zip(before, after, strict=True))


def test_half_erased_sectors_are_really_between_the_two():
    made = [damage.half_erased(bytes(4096), random.Random(seed)) for seed in range(20)]
    assert sum(bytes(4096) != each != ERASED for each in made) >= 18
    assert any(0 < byte < 0xFF for byte in made[3])


def test_a_file_is_torn_in_one_page_or_erased_in_one_sector(tmp_path):
    image = tmp_path / "flash.img"
    image.write_bytes(b"\xff" * SIZE)
    stands = damage.tear(image, 0x1010, bytes(100), seed=5)
    data = image.read_bytes()
    assert data[0x1010 : 0x1010 + 100] == stands and data.count(0xFF) >= SIZE - 100 and stands != b"\xff" * 100
    image.write_bytes(bytes(SIZE))
    assert damage.half_erase(image, 0x2345, seed=1) == image.read_bytes()[0x2000:0x3000] != bytes(4096)
    assert image.read_bytes()[:0x2000] == bytes(0x2000) and len(image.read_bytes()) == SIZE
    with pytest.raises(UsageError, match="do not fit one page"):
        damage.tear(image, 0x10F0, bytes(17), seed=1)
    with pytest.raises(UsageError, match="ends before"):
        damage.half_erase(image, SIZE, seed=1)


# -- the server of the chip --------------------------------------------------------------------------------------------


class Client:
    """What QEMU says to a network block device, in the same order."""

    def __init__(self, channel):
        self.channel, self.stream, self.handle = channel, channel.makefile("rb"), 0
        channel.settimeout(10)
        assert self.stream.read(8) == b"NBDMAGIC" and self.stream.read(8) == b"IHAVEOPT"
        (flags,) = struct.unpack(">H", self.stream.read(2))
        channel.sendall(struct.pack(">I", flags))
        assert self.option(8) == [(0x80000001, b"")], "structured replies are refused, as an option that is not known"
        (export, sizes, end) = self.option(7, struct.pack(">IH", 0, 0))
        assert export[0] == sizes[0] == 3 and end == (1, b"")
        self.size = struct.unpack(">HQH", export[1])[1]
        self.smallest = struct.unpack(">HIII", sizes[1])[1]

    def option(self, number, data=b""):
        self.channel.sendall(b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data)
        answers = []
        while not answers or answers[-1][0] == 3:
            magic, option, kind, size = struct.unpack(">QIII", self.stream.read(20))
            assert magic == 0x3E889045565A9 and option == number
            answers.append((kind, self.stream.read(size)))
        return answers

    def send(self, kind, offset, size, data=b""):
        self.handle += 1
        self.channel.sendall(struct.pack(">IHHQQI", 0x25609513, 0, kind, self.handle, offset, size) + data)

    def ask(self, kind, offset, size, data=b""):
        self.send(kind, offset, size, data)
        magic, error, handle = struct.unpack(">IIQ", self.stream.read(16))
        assert magic == 0x67446698 and handle == self.handle
        return self.stream.read(size) if kind == 0 else error

    def write(self, offset, data):
        assert self.ask(1, offset, len(data), data) == 0

    def close(self):
        self.stream.close()
        self.channel.close()


@pytest.fixture
def chip(tmp_path):
    """Give (server, client, image file, event of the power going)."""
    image, gone = tmp_path / "flash.img", threading.Event()
    image.write_bytes(b"\xff" * SIZE)
    ours, theirs = socket.socketpair()
    server = ChipServer(image, ours, gone.set)
    client = Client(theirs)
    yield server, client, image, gone
    client.close()
    server.finish()


def test_what_is_written_is_in_the_file_and_counted(chip):
    server, client, image, _ = chip
    assert client.size == SIZE and client.smallest == 1
    client.write(256, PAGE)
    client.write(4096, bytes(4096))
    client.write(4096, ERASED)
    assert client.ask(3, 0, 0) == 0 and server.operations == 3
    assert image.read_bytes()[256:512] == PAGE == client.ask(0, 256, 256)
    assert client.ask(4, 0, 4096) == 22, "QEMU asks for nothing else of a chip"


def test_the_cut_tears_that_operation_and_nothing_comes_after(chip):
    server, client, image, gone = chip
    client.write(0, PAGE)
    server.cut_after(2, seed=4)
    client.write(256, PAGE)
    assert not gone.is_set()
    client.send(1, 512, 256, PAGE)
    client.send(1, 768, 256, PAGE)
    assert gone.wait(10)
    client.close()
    server._thread.join(10)
    data = image.read_bytes()
    assert server.torn == (512, "program") and server.operations == 3
    assert (
        data[:512] == PAGE * 2
        and data[512:768] == damaged(b"\xff" * 256, PAGE, 4)
        and data[768:] == b"\xff" * (SIZE - 768)
    )


def test_an_erase_is_cut_as_an_erase(chip):
    server, client, image, gone = chip
    client.write(8192, bytes(4096))
    server.cut_after(1, seed=9)
    client.send(1, 8192, 4096, ERASED)
    assert gone.wait(10)
    client.close()
    server._thread.join(10)
    assert server.torn == (8192, "erase")
    assert (
        image.read_bytes()[8192:12288] == damage.half_erased(bytes(4096), random.Random(9)) not in (ERASED, bytes(4096))
    )


def test_what_qemu_sent_before_its_end_is_carried_out(chip):
    server, client, image, _ = chip
    for number in range(64):
        client.send(1, number * 256, 256, PAGE)
    client.close()
    server._thread.join(10)
    assert image.read_bytes()[: 64 * 256] == PAGE * 64
