"""The wiring of board/rpi_mcuboot_target.py: a Raspberry Pi beside a microcontroller whose second MCUboot slot is in a SPI NOR."""

from flash_tools.wiring.header import PINS
from flash_tools.wiring.parts import GROUND, POWER, Link, Part, Wire, Wiring

_SERIES = "470 Ω"  # or the four switches of a 74CBTLV3125
_NOR = Part(
    "Target's NOR", "holds MCUboot's second slot: /dev/spidev0.0", (
        Wire("24", "/CS", "select", "chip select", _SERIES),
        Wire("21", "DO", "from part", "data from the flash"),
        Wire("19", "DI", "to part", "data to the flash", _SERIES),
        Wire("23", "CLK", "clock", "clock", _SERIES),
        Wire("25", "GND", GROUND, "ground"),
        Wire("17", "VCC", POWER, "3.3 V, for the whole target"),
    ), "instead of the resistors: a 74CBTLV3125, on while the target is held",
)  # fmt: skip
_TARGET = Part(
    "Target", "the microcontroller", (
        Wire("18", "/RESET", "reset", "low holds the target", "1 kΩ"),
        Wire("8", "RX", "serial out", "to the target: SMP at 115,200 baud"),
        Wire("10", "TX", "serial in", "from the target"),
        Wire("22", "any output", "line", "high: confirmed; only without a serial line"),
        Wire("20", "GND", GROUND, "ground"),
    ), "10 kΩ from /RESET to 3.3 V",
)  # fmt: skip
WIRING = Wiring(
    "rpi_mcuboot_target", "Raspberry Pi beside a microcontroller with MCUboot", "Raspberry Pi", PINS, (_NOR, _TARGET),
    links=(Link(0, "the target's own SPI"),),
)  # fmt: skip
