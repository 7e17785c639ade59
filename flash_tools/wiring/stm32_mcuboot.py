"""The wiring of board/stm32_mcuboot.py: a NUCLEO-F767ZI beside a microcontroller whose second MCUboot slot is in a SPI NOR."""

from flash_tools.wiring.parts import GROUND, POWER, Link, Part, Wire, Wiring

PINS = {
    "3V3": "3V3", "GND": "GND", "D0": "D0 · UART6 RX · PG9", "D1": "D1 · UART6 TX · PG14", "D2": "D2 · PF15", "D4": "D4 · PF14",
    "D6": "D6 · PE9", "D7": "D7 · PF13", "D8": "D8 · PF12", "D9": "D9 · PD15", "D22": "D22 · SPI3 MOSI · PB5",
    "D23": "D23 · SPI3 SCK · PB3", "D24": "D24 · PA4", "D25": "D25 · SPI3 MISO · PB4",
}  # fmt: skip
_SERIES = "470 Ω"  # or the switches of a 74CBTLV3125
_NOR = Part(
    "Target's NOR", "W25Q128, has MCUboot's second slot", (
        Wire("D24", "1 /CS", "select", "chip select", _SERIES),
        Wire("D25", "2 DO", "from part", "data from the flash"),
        Wire("GND", "4 GND", GROUND, "ground"),
        Wire("D22", "5 DI", "to part", "data to the flash", _SERIES),
        Wire("D23", "6 CLK", "clock", "clock", _SERIES),
        Wire("3V3", "8 VCC", POWER, "3.3 V, for the whole target"),
    ), "100 nF from pin 8 to pin 4; 10 kΩ from pins 1, 3 and 7 to 3.3 V",
)  # fmt: skip
_TARGET = Part(
    "Target", "the microcontroller", (
        Wire("D9", "/RESET", "reset", "low holds the target", "1 kΩ"),
        Wire("D1", "RX", "serial out", "to the target: SMP, 115200 baud"),
        Wire("D0", "TX", "serial in", "from the target"),
        Wire("D6", "any output", "line", "high: confirmed; only without serial"),
        Wire("GND", "GND", GROUND, "ground"),
    ), "10 kΩ from /RESET to 3.3 V",
)  # fmt: skip
_STATE = Part(
    "W25Q16", "the agent's state, 2 MiB, SO-8", (
        Wire("D8", "1 /CS", "select", "chip select"),
        Wire("D4", "2 DO", "from part", "data from the state"),
        Wire("GND", "4 GND", GROUND, "ground"),
        Wire("D2", "5 DI", "to part", "data to the state"),
        Wire("D7", "6 CLK", "clock", "clock"),
        Wire("3V3", "8 VCC", POWER, "3.3 V"),
    ), "100 nF from pin 8 to pin 4; 10 kΩ from pins 1, 3 and 7 to 3.3 V",
)  # fmt: skip
WIRING = Wiring(
    "stm32_mcuboot", "NUCLEO-F767ZI beside a microcontroller with MCUboot", "NUCLEO-F767ZI", PINS, (_NOR, _TARGET, _STATE),
    header=False, links=(Link(0, "the target's own SPI"),),
)  # fmt: skip
