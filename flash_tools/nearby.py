"""What is within reach of this computer, by the names that --board takes. Nothing is opened: what is there is not disturbed.

A name that stays the same wherever a board is plugged in stands in front: the serial number of its USB port, or the link
that udev made of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flash_tools.doctor.check import Host, read
from flash_tools.doctor.devices import allows
from flash_tools.serial_line import LINK
from flash_tools.sim import sim_files

_BY_ID = "serial/by-id"


@dataclass(frozen=True)
class Nearby:
    """Something that a command can be told to use: `boards` are its names, the one that lasts first."""

    boards: tuple[str, ...]
    what: str
    open_to_you: bool


def look(host: Host | None = None, folder: Path = Path("."), ports=None) -> list[Nearby]:
    """Return what is there; `folder` is where simulated devices are looked for, `ports` stands in for pyserial's list."""
    host = host or Host()
    return [*_serial(host, ports), *_spi(host), *_mtd(host), *_simulated(folder)]


def _serial(host, ports) -> Iterator[Nearby]:
    if ports is None:
        from serial.tools.list_ports import comports as ports
    links = {str(link.resolve()): link for link in sorted((host.dev / _BY_ID).glob("*"))}
    for port in sorted(ports(), key=lambda each: each.device):
        names = ["serial:%s" % links[port.device]] if port.device in links else []
        names.append("serial:%s" % port.device)
        names += ["mpy:id:%s" % port.serial_number] if port.serial_number else []
        what = port.description if port.description not in (None, "n/a") else "serial port"
        yield Nearby(tuple(names), what, _may(host, Path(port.device)))


def _spi(host) -> Iterator[Nearby]:
    for path in sorted(host.dev.glob("spidev*")):
        yield Nearby(("spi:%s" % path,), "SPI bus, chip select %s" % path.name.partition(".")[2], _may(host, path))


def _mtd(host) -> Iterator[Nearby]:
    for path in sorted((host.sys / "class/mtd").glob("mtd*[0-9]")):
        name, size = read(path / "name"), read(path / "size")
        what = "MTD of %s bytes, %s" % (size or "?", read(path / "type") or "of no kind that is told")
        yield Nearby(("mtd:%s" % name,), what, _may(host, host.dev / path.name))


def _simulated(folder) -> Iterator[Nearby]:
    for path in sorted(folder.glob("*/" + sim_files.FLASH)):
        place = path.parent
        if (place / sim_files.PROVISION).exists():
            runs = (place / LINK).is_symlink()
            yield Nearby(
                ("sim:%s" % place,), "simulated device%s" % (", runs with a serial line" if runs else ""), True
            )


def _may(host, path):
    try:
        return allows(path.stat(), host.user, host.groups)
    except OSError:
        return False
