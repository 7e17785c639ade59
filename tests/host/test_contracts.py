"""Every implementation has the names and the argument names of its contract, and every flash behaves as one."""

import importlib
import inspect

import pytest

from agent.errors import FlashError
from hal import contracts
from hal.flash_blocks import FlashBlocks
from hal.flash_esp32 import Esp32Flash
from hal.flash_files import FlashFiles
from hal.flash_span import Behind, FlashSpan
from hal.region import Region
from ports.sim.power import Violation
from tests.portable.boards import make_flash
from tests.portable.chips import Bench
from tests.portable.esp32_board import TABLE as ESP_TABLE
from tests.portable.esp32_model import Esp
from tests.portable.rom_partition import Device
from tests.portable.rom_partition import Nor as Cells
from tests.portable.unit_files import Folder

IMPLEMENTATIONS = (
    ("hal.region.Region", "Flash"),
    ("hal.nor_spi.NorSpi", "Flash"),
    ("ports.sim.nor.Nor", "Flash"),
    ("ports.sim.spi_chip.SpiChip", "SpiLink"),
    ("ports.cpython_linux.spi.SpiLink", "SpiLink"),
    ("ports.micropython.spi.SpiLink", "SpiLink"),
    ("ports.cpython_linux.mtd.Mtd", "Flash"),
    ("ports.cpython_linux.block.BlockFlash", "Flash"),
    ("flash_tools.chips.mpy.MpyFlash", "Flash"),
    ("flash_tools.chips.image_file.ImageFile", "Flash"),
    ("ports.sim.clock.Clock", "Clock"),
    ("ports.sim.watchdog.Watchdog", "Watchdog"),
    ("ports.sim.watchdog.Scratch", "CrashCounter"),
    ("hal.first_stage.CrashMarks", "CrashCounter"),
    ("hal.boot_record.BootRecord", "BootControl"),
    ("hal.boot_mcuboot.McubootSlot", "BootControl"),
    ("hal.boot_tryboot.TrybootControl", "BootControl"),
    ("hal.no_counter.NoCounter", "CrashCounter"),
    ("hal.boot_esp32.OtaControl", "BootControl"),
    ("hal.flash_esp32.Esp32Flash", "Flash"),
    ("hal.flash_span.FlashSpan", "Flash"),
    ("hal.flash_span.Behind", "Flash"),
    ("ports.cpython_linux.boot_files.BootFiles", "BootFiles"),
    ("hal.boot_cotarget.CoTarget", "BootControl"),
    ("hal.cotarget_bus.TargetBus", "Flash"),
    ("hal.cotarget_parts.SlotImage", "Flash"),
    ("tests.portable.mcuboot_target.Target", "Uart"),
    ("ports.cpython_linux.clock.Clock", "Clock"),
    ("ports.cpython_linux.uart.Uart", "Uart"),
    ("ports.cpython_linux.i2c.I2cLink", "I2cLink"),
    ("ports.cpython_linux.gpio.OutputPin", "Pin"),
    ("ports.cpython_linux.gpio.InputPin", "Pin"),
    ("ports.cpython_linux.watchdog.Hardware", "Watchdog"),
    ("ports.cpython_linux.watchdog.Systemd", "Watchdog"),
    ("hal.lines.KickedWatchdog", "Watchdog"),
    ("hal.lines.Watchdogs", "Watchdog"),
    ("hal.watchdog_i2c.I2cWatchdog", "Watchdog"),
    ("hal.eeprom_i2c.EepromRegion", "Flash"),
    ("hal.flash_files.FlashFiles", "Flash"),
    ("hal.flash_blocks.FlashBlocks", "Flash"),
    ("hal.eeprom_i2c.EepromCounter", "CrashCounter"),
    ("tests.portable.i2c_chips.EepromChip", "I2cLink"),
    ("tests.portable.i2c_chips.ThermometerChip", "I2cLink"),
    ("tests.portable.i2c_chips.SupervisorChip", "I2cLink"),
    ("agent.journal_copies.Copies", "Journal"),
    ("agent.mo_leaves.Leaves", "ManagementObject"),
    ("agent.mo_stored_edit.Editing", "ManagementObject"),
    ("agent.mo_inbox.Inbox", "ManagementObject"),
    ("tests.dm.objects.Bank", "StreamingObject"),
    ("agent.mo_fumo_orders.Orders", "ManagementObject"),
    ("agent.mo_fumo.Fumo", "StreamingObject"),
    ("agent.options.Headless", "UserInterface"),
    ("ports.sim.net.Network", "Network"),
    ("ports.sim.net.Datagrams", "Datagrams"),
    ("ports.sim.tcp_stream.Stream", "Stream"),
    ("ports.sim.real_clock.RealClock", "Clock"),
    ("ports.cpython_linux.net.Network", "Network"),
    ("ports.cpython_linux.net.Datagrams", "Datagrams"),
    ("ports.cpython_linux.net.Stream", "Stream"),
    ("ports.micropython.serial_net.Network", "Network"),
    ("ports.micropython.serial_stream.Stream", "Stream"),
    ("ports.micropython.serial_net.Datagrams", "Datagrams"),
    ("ports.micropython.net.Network", "Network"),
    ("ports.micropython.net.Datagrams", "Datagrams"),
    ("ports.micropython.net_stream.Stream", "Stream"),
    ("tests.portable.smp_bench.Uart", "Uart"),
    ("tests.portable.scripted_net.Network", "Network"),
    ("tests.portable.scripted_net.Datagrams", "Datagrams"),
    ("tests.portable.scripted_net.Stream", "Stream"),
)


def _methods(cls):
    return {name: list(inspect.signature(f).parameters) for name, f in vars(cls).items() if inspect.isfunction(f)}


@pytest.mark.parametrize(("path", "contract"), IMPLEMENTATIONS)
def test_names_and_arguments(path, contract):
    module, name = path.rsplit(".", 1)
    cls = getattr(importlib.import_module(module), name)
    for method, arguments in _methods(getattr(contracts, contract)).items():
        found = list(inspect.signature(getattr(cls, method)).parameters)
        assert found == arguments, method


def test_the_check_can_fail():
    assert _methods(contracts.Flash)["read"] != list(inspect.signature(Region.erase).parameters)


FLASHES = {
    "sim": make_flash,
    "region": lambda: Region(make_flash(), 65536, 131072),
    "span": lambda: FlashSpan([Region(make_flash(), start, 65536) for start in (0, 131072)]),
    "behind": lambda: Behind(make_flash(), lambda: None),
    "files": lambda: FlashFiles(Folder({}), 65536, lambda: None),
    "blocks": lambda: FlashBlocks(Device(Cells(65536)), lambda: None),
    "esp32": lambda: Esp32Flash(Esp(make_flash(blocking=True), ESP_TABLE).Partition("fumo"), lambda: None),
    "spi": lambda: Bench("W25Q128").nor,
    "spi, four-byte addresses": lambda: Bench("IS25WP256").nor,
    "spi, auto-increment": lambda: Bench("SST25VF016B").nor,
}


@pytest.mark.parametrize("name", FLASHES)
def test_flash_behaviour(name):
    flash = FLASHES[name]()
    data = bytearray(256)
    flash.erase(4096, 4096)
    flash.read(4096, data)
    assert data == b"\xff" * 256
    flash.program(4096 + 16, b"\xf0" * 32)
    flash.program(4096 + 16, b"\x30" * 32)
    flash.read(4096, data)
    assert data == b"\xff" * 16 + b"\x30" * 32 + b"\xff" * 208
    while flash.busy():
        pass
    sizes = [size for size, _ in flash.erase_units]
    assert sizes == sorted(sizes) and flash.size % sizes[0] == 0
    for wrong in (
        lambda: flash.read(flash.size, bytearray(1)),
        lambda: flash.program(250, bytes(16)),
        lambda: flash.erase(100, 4096),
        lambda: flash.erase(flash.size, 4096),
        lambda: flash.read(-1, bytearray(1)),
    ):
        with pytest.raises((FlashError, Violation)):
            wrong()
