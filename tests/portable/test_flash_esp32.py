"""A partition of an ESP32 as a flash: what reaches MicroPython's calls, what is refused, and what its errors become."""

from agent.errors import FlashError
from hal.flash_esp32 import Esp32Flash
from tests.portable.boards import make_flash
from tests.portable.check import raises
from tests.portable.esp32_board import STATE, TABLE
from tests.portable.esp32_model import Esp


class Recorder:
    """A partition that remembers what was called; `error` is raised by every call, `code` is what ioctl says."""

    def __init__(self, size=0x4800, secret=False):
        self.calls, self.error, self.code, self.row = [], None, 0, (1, 6, 0x20000, size, "fumo", secret)

    def info(self):
        """Return what MicroPython does."""
        return self.row

    def readblocks(self, *given):
        """Take note."""
        self._note("read", given)

    def writeblocks(self, *given):
        """Take note."""
        self._note("write", given)

    def ioctl(self, *given):
        """Take note."""
        self._note("ioctl", given)
        return self.code

    def _note(self, what, given):
        self.calls.append((what,) + given)
        if self.error:
            raise self.error


def _flash(why_not=None, **more):
    feeds, part = [], Recorder(**more)
    return part, Esp32Flash(part, lambda: feeds.append(1), why_not), feeds


def test_what_reaches_the_partition():
    part, flash, feeds = _flash()
    into = bytearray(5)
    flash.read(4096 + 7, into)
    flash.program(8192 + 256, b"abc")
    flash.erase(12288, 4096)
    assert part.calls == [("read", 1, into, 7), ("write", 2, b"abc", 256), ("ioctl", 6, 3)]
    assert len(feeds) == 2 and flash.blocking and not flash.busy()
    assert (
        flash.size == 0x4000 and flash.program_unit == 1 and flash.page == 256
    )  # what is behind the last block is left out


def test_an_encrypted_slot_takes_larger_pieces():
    assert _flash(secret=True)[1].program_unit == 32


def test_what_is_refused_never_reaches_it():
    part, flash, feeds = _flash()
    for wrong in (
        lambda: flash.read(0x3FFF, bytearray(2)),
        lambda: flash.read(-1, bytearray(1)),
        lambda: flash.program(255, b"ab"),
        lambda: flash.program(0, b""),
        lambda: flash.program(0x4000, b"a"),
        lambda: flash.program(0, bytes(257)),
        lambda: flash.erase(256, 4096),
        lambda: flash.erase(0, 65536),
        lambda: flash.erase(0x4000, 4096),
    ):
        with raises(FlashError):
            wrong()
    assert not part.calls and not feeds


def test_a_bank_that_is_kept_is_not_written():
    reasons = ["bank 0 is the one that runs"]
    part, flash, _ = _flash(lambda: reasons[0])
    for write in (lambda: flash.program(0, b"x"), lambda: flash.erase(0, 4096)):
        with raises(FlashError) as refused:
            write()
        assert str(refused.error) == "nothing is written to fumo: bank 0 is the one that runs"
    flash.read(0, bytearray(1))
    reasons[0] = ""
    flash.program(0, b"x")
    assert [call[0] for call in part.calls] == ["read", "write"]


def test_errors_of_the_chip():
    part, flash, _ = _flash()
    part.error = OSError(-0x6001, "ESP_ERR_FLASH_OP_FAIL")
    for action in (lambda: flash.read(0, bytearray(1)), lambda: flash.program(0, b"x"), lambda: flash.erase(0, 4096)):
        with raises(FlashError) as refused:
            action()
        assert "fumo at 0x0" in str(refused.error) and "FLASH_OP_FAIL" in str(refused.error)
    part.error, part.code = None, -22
    with raises(FlashError):
        flash.erase(0, 4096)


def test_the_form_with_an_offset_does_not_erase():
    esp = Esp(make_flash(), TABLE)
    flash = Esp32Flash(esp.Partition("fumo"), lambda: None)
    flash.erase(4096, 4096)
    flash.program(4096, b"abc")
    flash.program(4096 + 256, b"\x00" * 256)
    found = bytearray(8)
    flash.read(4096, found)
    assert found == b"abc\xff\xff\xff\xff\xff" and flash.size == STATE
    flash.read(4096 + 508, found)
    assert found == b"\x00" * 4 + b"\xff" * 4
