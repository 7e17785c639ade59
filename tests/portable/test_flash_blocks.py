"""A flash over MicroPython's block protocol, and what firmware has for ROMFS as one."""

import sys

from agent.errors import FlashError
from agent.journal import Journal
from hal.boot_record import BootRecord
from hal.flash_blocks import FlashBlocks
from hal.region import Region
from tests.portable.check import raises
from tests.portable.rom_partition import Device, Nor, Port

SIZE = 16 * 4096


class _Feed:
    count = 0

    def __call__(self):
        self.count += 1


def _made(mapped=False):
    nor, feed = Nor(SIZE), _Feed()
    device = Device(nor)
    return FlashBlocks(device, feed, memoryview(nor.cells) if mapped else None), device, nor, feed


def test_it_is_a_nor_flash_with_and_without_the_memory():
    for mapped in (False, True):
        flash, _, nor, feed = _made(mapped)
        assert flash.size == SIZE and flash.erase_units == ((4096, 400),) and not flash.busy()
        flash.program(4096 + 256 + 7, b"\xf0\x3c")
        flash.program(4096 + 256 + 7, b"\x3c\xff")
        found = bytearray(300)
        flash.read(4096 + 200, found)
        assert found[63:65] == b"\x30\x3c" and found.count(b"\xff") == 298
        flash.erase(4096, 4096)
        flash.read(4090, found)
        assert found == b"\xff" * 300 and nor.erases == 1 and nor.writes == 2
        assert feed.count >= 3


def test_what_lies_outside_or_across_is_refused():
    flash = _made()[0]
    for wrong in (
        lambda: flash.read(SIZE - 1, bytearray(2)),
        lambda: flash.program(SIZE, b"x"),
        lambda: flash.program(250, bytes(16)),
        lambda: flash.program(-1, b"x"),
        lambda: flash.program(0, b""),
        lambda: flash.erase(100, 4096),
        lambda: flash.erase(0, 8192),
        lambda: flash.erase(SIZE, 4096),
    ):
        with raises(FlashError):
            wrong()


def test_what_the_port_refuses_is_a_flash_error():
    for wrong in (-5, 22, OSError(5, "EIO")):
        flash, device, _, _ = _made()
        device.wrong = wrong
        for call in (
            lambda flash=flash: flash.read(0, bytearray(4)),
            lambda flash=flash: flash.program(0, b"x"),
            lambda flash=flash: flash.erase(0, 4096),
        ):
            with raises(FlashError):
                call()


def test_memory_of_another_size_is_refused():
    nor = Nor(SIZE)
    with raises(FlashError) as refused:
        FlashBlocks(Device(nor), _Feed(), memoryview(nor.cells)[:-1])
    assert "65536 bytes, 65535 of them" in str(refused.error)


def test_journal_and_boot_record_live_on_it():
    flash = _made(True)[0]
    Journal(Region(flash, 3 * 4096, 3 * 4096)).put([(1, b"one")])
    boot = BootRecord(Region(flash, 0, 3 * 4096))
    boot.set_trial(1, 3)
    into = bytearray(8)
    assert Journal(Region(flash, 3 * 4096, 3 * 4096)).get(1, into) == 3 and into[:3] == b"one"
    assert BootRecord(Region(flash, 0, 3 * 4096)).trial_waits


class _Vfs:
    """Stands in for the module while rom_banks is used."""

    def __init__(self, port):
        self._port = port

    def __enter__(self):
        self._kept = [(name, sys.modules.pop(name, None)) for name in ("vfs", "ports.micropython.rom_banks")]
        sys.modules["vfs"] = self._port
        from ports.micropython.rom_banks import partition

        return partition

    def __exit__(self, *_):
        for name, module in self._kept:
            sys.modules.pop(name, None)
            if module:
                sys.modules[name] = module


def _refusal(port, number=0, use=False):
    with _Vfs(port) as partition, raises(FlashError) as refused:
        device, mapped = partition(number)
        if use:
            FlashBlocks(device, _Feed(), mapped).erase(0, 4096)
    return str(refused.error)


def test_memory_that_operations_write_is_a_flash():
    for completes in (True, False):
        port = Port([Nor(SIZE), Nor(2 * SIZE)], completes=completes)
        with _Vfs(port) as partition:
            device, mapped = partition(1)
            flash = FlashBlocks(device, _Feed(), mapped)
            assert flash.size == 2 * SIZE
            flash.program(0, b"before")
            flash.erase(4096, 4096)
            flash.program(4096 + 5, b"abc")
            flash.program(4096 + 8, b"def")
            found = bytearray(8)
            flash.read(4096 + 4, found)
            assert found == b"\xffabcdef\xff"
            assert bytes(mapped[4096 + 5 : 4096 + 8]) == b"abc"  # it is the same memory
            assert bytes(mapped[:6]) == b"before"
        assert not port.nors[0].erases and port.calls.count(5) == 4


def test_what_cannot_hold_two_banks_is_refused_with_the_reason():
    assert "without ROMFS" in _refusal(object())
    assert "no ROMFS partition 0: this firmware has 0" in _refusal(Port([]))
    assert "no ROMFS partition 2: this firmware has 1" in _refusal(Port([Nor(SIZE)]), 2)
    assert "only as a whole" in _refusal(Port([Nor(SIZE)], least=None))
    assert "131072 bytes at once, at most 4096" in _refusal(Port([Nor(SIZE)], least=131072))
    assert "16 bytes at once, and none twice" in _refusal(Port([Nor(SIZE)], unit=16), use=True)


def test_a_port_that_fails_is_a_flash_error():
    port = Port([Nor(SIZE)])
    with _Vfs(port) as partition:
        device, mapped = partition(0)
        flash = FlashBlocks(device, _Feed(), mapped)
        port.refuse = True
        for call in (lambda: flash.erase(0, 4096), lambda: flash.program(0, b"x")):
            with raises(FlashError) as refused:
                call()
            assert "error -22" in str(refused.error)


def test_firmware_whose_partition_count_fails_is_refused():
    class Old:
        @staticmethod
        def rom_ioctl(op, *arguments):
            return -22

    assert "this firmware has 0" in _refusal(Old())
