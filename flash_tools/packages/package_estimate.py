"""What an update will cost a device, told before anything is written: seconds of flash, bytes on the air.

The time is erasing with the largest units, programming whole pages and reading back once, on a bus of 24 MHz; finding the package's
bytes, checking the signature and booting come on top. Typical and worst are the chip's own numbers.
"""

from dataclasses import dataclass

from hal import nor_sfdp

_HZ = 24_000_000
_PAGE = 256
_PAGE_BITS = (_PAGE + 7) * 8  # write enable, command, address, data, a look at the status
_SECTOR = 4096
PROTOCOL_BYTES = 5840  # of a whole update besides the package, above TLS, in WBXML: air_bytes_overhead of `make bench`


@dataclass(frozen=True)
class Speed:
    """What a chip needs: `erases` are (size, typical ms, worst ms) smallest first, `page_us` (typical, worst)."""

    name: str
    erases: tuple[tuple[int, int, int], ...]
    page_us: tuple[int, int]


W25Q128 = Speed("W25Q128", ((4096, 64, 896), (32768, 128, 1792), (65536, 160, 2240)), (704, 4224))


@dataclass(frozen=True)
class Estimate:
    """The numbers of one package."""

    image_bytes: int
    package_bytes: int
    chip: str
    flash_typical_s: float
    flash_worst_s: float
    air_bytes: int
    full_package_bytes: int | None = None  # of a delta: what the whole image would have taken

    @property
    def percent(self) -> int:
        """Return how large the package is for its image."""
        return round(100 * self.package_bytes / self.image_bytes)

    def lines(self) -> list[str]:
        """Return it for people."""
        lines = [
            f"{self.image_bytes} bytes of image in {self.package_bytes} bytes of package ({self.percent} %)",
            f"about {self.flash_typical_s:.1f} s of flash time on a {self.chip}, {self.flash_worst_s:.0f} s at worst",
            f"about {self.air_bytes} bytes on the air: the package and {PROTOCOL_BYTES} of protocol, TLS not counted",
        ]
        if self.full_package_bytes is not None:
            lines.append(f"the full package would have about {self.full_package_bytes} bytes")
        return lines


def estimate(image_size: int, package_size: int, speed: Speed | None = None, full_size: int | None = None) -> Estimate:
    """Return the estimate for a chip, a W25Q128 where none is known."""
    speed = speed or W25Q128
    typical, worst = (flash_seconds(image_size, speed, at) for at in (0, 1))
    air = package_size + PROTOCOL_BYTES
    return Estimate(image_size, package_size, speed.name, round(typical, 2), round(worst, 2), air, full_size)


def flash_seconds(size: int, speed: Speed, worst: int = 0) -> float:
    """Return the seconds for an image of that size and the sector of its header; `worst` is 0 or 1."""
    erase_ms, left = speed.erases[0][1 + worst], -(-size // _SECTOR) * _SECTOR
    for unit in reversed(speed.erases):
        count, left = divmod(left, unit[0])
        erase_ms += count * unit[1 + worst]
    erase_ms += speed.erases[0][1 + worst] if left else 0
    pages = -(-size // _PAGE) + 4
    page_s = speed.page_us[worst] / 1e6 + _PAGE_BITS / _HZ
    return erase_ms / 1000 + pages * page_s + size * 8 / _HZ


def of_sfdp(table: bytes, name: str | None = None) -> Speed | None:
    """Return the numbers of a chip's own table, None where it publishes none."""

    def read(addr, into):
        into[:] = (table[addr : addr + len(into)] + b"\xff" * len(into))[: len(into)]

    found = nor_sfdp.parse(read)
    erases = tuple((size, typ, most) for size, _, typ, most in found.erases if typ and most) if found else ()
    return Speed(name or "chip with this SFDP table", erases, found.page_us) if erases and found.page_us else None
