"""The bank writer: what is there already stays, what is written is read back, and a page costs no memory."""

import gc

from agent.bank_writer import CHUNK, BankWriter
from agent.errors import FlashError
from hal.region import Region
from tests.portable.boards import make_flash
from tests.portable.check import Skip, raises

SIZE = 70000


def _image(seed):
    return bytes([(i * 7 + i // 256 + seed) & 0xFF for i in range(SIZE)])


def _write(flash, image, at=0, dirty_from=0xFFFFFFFF):
    notes = []
    region = Region(flash, 65536, 196608)
    writer = BankWriter(region, region.erase_units, lambda start, end: notes.append((start, end)))
    writer.begin(len(image), at, dirty_from)
    while writer.position < len(image) or writer.busy:
        if writer.busy:
            writer.step()
        else:
            room = writer.room()
            start = writer.position
            room[:] = image[start : start + len(room)]
            writer.take(len(room))
    return writer, notes


def _found(flash, size=SIZE):
    data = bytearray(size)
    flash.copy(65536, data)
    return bytes(data)


def test_an_image_is_written_and_its_digest_is_of_the_flash():
    import hashlib

    flash, image = make_flash(), _image(1)
    writer, notes = _write(flash, image)
    assert _found(flash) == image
    assert writer.digest() == hashlib.sha256(image).digest()
    assert notes[0] == (0, 65536) and max(flash.wear.values()) == 1


def test_the_same_image_again_erases_and_writes_nothing():
    flash, image = make_flash(), _image(1)
    _write(flash, image)
    operations = flash.ops
    writer, notes = _write(flash, image)
    assert flash.ops == operations and not notes and writer.digest()


def test_only_from_the_first_difference_on_a_unit_is_erased():
    flash, image = make_flash(), bytearray(_image(1))
    _write(flash, bytes(image))
    flash.wear.clear()
    image[20 * 1024] ^= 1
    _, notes = _write(flash, bytes(image))
    assert notes == [(20480, 65536)] and _found(flash) == image
    assert sorted(flash.wear) == list(range(16 + 5, 32))


def test_what_is_suspect_is_erased_however_it_reads():
    flash, image = make_flash(), _image(1)
    _write(flash, image)
    flash.wear.clear()
    _, notes = _write(flash, image, 8192, 8192)
    assert notes and min(flash.wear) == 18 and _found(flash) == image


def test_a_sector_that_does_not_hold_is_reported():
    flash = make_flash()
    flash.faults.bad = {17: "program"}
    with raises(FlashError):
        _write(flash, _image(1))


def test_a_chip_that_erases_too_much_at_once_is_refused():
    region = Region(make_flash(), 0, 65536)
    with raises(FlashError):
        BankWriter(region, ((65536, 2000),), None)


class _Cells:
    """A flash that allocates nothing itself."""

    size = 65536
    page = 256
    program_unit = 1
    blocking = False
    erase_units = ((4096, 100),)

    def __init__(self):
        self.cells = bytearray(b"\xff" * 65536)

    def read(self, addr, into):
        for i in range(len(into)):
            into[i] = self.cells[addr + i]

    def program(self, addr, data):
        for i in range(len(data)):
            self.cells[addr + i] &= data[i]

    def erase(self, addr, size):
        for i in range(addr, addr + size):
            self.cells[i] = 0xFF

    def busy(self):
        return False


def test_the_page_loop_allocates_nothing():
    try:
        import micropython

        lock, unlock = micropython.heap_lock, micropython.heap_unlock
    except (ImportError, AttributeError):
        raise Skip("only MicroPython can lock its heap")
    writer = BankWriter(Region(_Cells(), 0, 65536), _Cells.erase_units, lambda start, end: None)
    writer.begin(2 * CHUNK, 0, 0)
    writer.room()[:] = bytes(range(256)) * 16
    writer.take(CHUNK)
    writer.step()  # compare
    writer.step()  # erase
    gc.collect()
    lock()
    try:
        for _ in range(16 // writer.at_once):
            writer.step()
    finally:
        unlock()
    writer.step()
    writer.step()
    assert not writer.busy and writer.position == CHUNK
