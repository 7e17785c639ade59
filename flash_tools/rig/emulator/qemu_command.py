"""The command line of QEMU for one emulated board: a pure function of what the board is to have."""

from dataclasses import dataclass, field
from pathlib import Path

FLASH, EEPROM, CONSOLE, INITRD, TREE, ERRORS = (
    "flash.img",
    "eeprom.img",
    "console.log",
    "initrd.cpio",
    "board.dtb",
    "qemu.log",
)
FLASH_SIZE, EEPROM_SIZE = 2 << 20, 4096
EEPROM_ADDRESS, TEMPERATURE_ADDRESS, CLOCK_ADDRESS = 0x50, 0x49, 0x68
CHANNELS = ("control", "serial", "second", "qmp", "qtest", "chip")
_KERNEL = (
    "console=ttymxc1,115200 rdinit=/usr/lib/rig/init loglevel=4 quiet"
    " cryptomgr.notests random.trust_bootloader=on"  # the kernel's self-tests and its search for entropy take seconds
)


@dataclass
class Equipment:
    """What may differ between two boards."""

    kernel: Path
    memory_mib: int = 256
    watchdog_s: int = 8
    panic_s: int = -1  # a kernel that gives up resets the board at once; 0: it stands still until the watchdog bites
    spi: str = "spidev"
    sd: Path | None = None
    exact_cuts: bool = False
    forward: tuple[tuple[str, int, int], ...] = ()
    kernel_words: str = ""
    extra: tuple[str, ...] = field(default=())


def arguments(equipment: Equipment, channels: dict[str, int]) -> list[str]:
    """Return the words after `qemu-system-arm`; `channels` are open sockets by their name, files are in the folder."""
    words = "%s panic=%d rig.watchdog=%d rig.spi=%s" % (_KERNEL, equipment.panic_s, equipment.watchdog_s, equipment.spi)
    words += " rig.sd=1" if equipment.sd else ""
    return [
        *("-M", "sabrelite", "-smp", "1", "-m", str(equipment.memory_mib), "-display", "none", "-monitor", "none"),
        *("-kernel", str(equipment.kernel), "-dtb", TREE, "-initrd", INITRD),
        *("-append", (words + " " + equipment.kernel_words).strip()),
        *_serial_lines(channels),
        *("-chardev", _open_socket("qmp", channels), "-mon", "chardev=qmp,mode=control"),
        *("-qmp", "unix:qmp,server=on,wait=off"),
        *("-chardev", _open_socket("qtest", channels), "-qtest", "chardev:qtest", "-qtest-log", "none"),
        *("-drive", "if=mtd," + (_served("chip", channels) if equipment.exact_cuts else "file=%s,format=raw" % FLASH)),
        *_i2c(),
        *_sd(equipment.sd),
        *("-nic", ",".join(["user", *map(_forward, equipment.forward)])),
        *equipment.extra,
    ]


def _serial_lines(channels):
    """The first is the control channel, the second the kernel's console, the others are free for the agent and a neighbour."""
    return [
        *("-chardev", _open_socket("control", channels), "-serial", "chardev:control"),
        *("-chardev", "file,id=console,path=%s,append=on" % CONSOLE, "-serial", "chardev:console"),
        *("-chardev", _open_socket("serial", channels), "-serial", "chardev:serial"),
        *("-chardev", _open_socket("second", channels), "-serial", "chardev:second"),
    ]


def _i2c():
    return [
        *("-drive", "if=none,id=eeprom,file=%s,format=raw" % EEPROM),
        "-device",
        "at24c-eeprom,bus=i2c-bus.0,address=0x%x,rom-size=%d,drive=eeprom" % (EEPROM_ADDRESS, EEPROM_SIZE),
        *("-device", "tmp105,id=temperature,bus=i2c-bus.1,address=0x%x" % TEMPERATURE_ADDRESS),
        *("-device", "ds1338,bus=i2c-bus.1,address=0x%x" % CLOCK_ADDRESS),
    ]


def _sd(file):
    if file is None:
        return []
    return ["-drive", "if=none,id=sd,file=%s,format=raw" % file, "-device", "sd-card,drive=sd"]


def _open_socket(name, channels):
    return "socket,id=%s,fd=%d" % (name, channels[name])


def _served(name, channels):
    """The chip's cells are kept by chip_server.py; `reconnect-delay=0`: without it, there is no power either."""
    return "driver=nbd,server.type=fd,server.str=%d,reconnect-delay=0" % channels[name]


def _forward(rule):
    return "hostfwd=%s:127.0.0.1:%d-:%d" % rule
