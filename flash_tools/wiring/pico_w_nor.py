"""The wiring of board/pico_w_nor.py: a Pico W or Pico 2 W with a W25Q128 on SPI0."""

from flash_tools.wiring.parts import GROUND, POWER, Part, Wire, Wiring
from flash_tools.wiring.pico import BUTTON, CONSOLE, LED, PINS

_NOR = Part(
    "W25Q128", "SPI NOR flash, 16 MiB, SO-8: SPI0", (
        Wire("22", "1 /CS", "select", "chip select"),
        Wire("21", "2 DO", "from part", "data from the flash"),
        Wire("28", "4 GND", GROUND, "ground"),
        Wire("25", "5 DI", "to part", "data to the flash"),
        Wire("24", "6 CLK", "clock", "clock"),
        Wire("36", "8 VCC", POWER, "3.3 V"),
    ), "100 nF from pin 8 to pin 4; 10 kΩ from pins 1, 3 (/WP) and 7 (/HOLD) to 3.3 V",
)  # fmt: skip
WIRING = Wiring(
    "pico_w_nor", "Pico W with a W25Q128 on SPI0", "Pico W, Pico 2 W", PINS, (_NOR, LED, BUTTON, CONSOLE),
    header=False, numbered=True,
)  # fmt: skip
