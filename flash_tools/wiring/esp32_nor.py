"""The wiring of board/esp32_nor.py: an ESP32 with a W25Q128 on its VSPI."""

from flash_tools.wiring.esp32 import CONSOLE, LED, PINS, button
from flash_tools.wiring.parts import GROUND, POWER, Part, Wire, Wiring

_NOR = Part(
    "W25Q128", "SPI NOR flash, 16 MiB, SO-8: VSPI", (
        Wire("5", "1 /CS", "select", "chip select"),
        Wire("19", "2 DO", "from part", "data from the flash"),
        Wire("GND", "4 GND", GROUND, "ground"),
        Wire("23", "5 DI", "to part", "data to the flash"),
        Wire("18", "6 CLK", "clock", "clock"),
        Wire("3V3", "8 VCC", POWER, "3.3 V"),
    ), "100 nF from pin 8 to pin 4; 10 kΩ from pins 1, 3 (/WP) and 7 (/HOLD) to 3.3 V",
)  # fmt: skip
WIRING = Wiring(
    "esp32_nor", "ESP32 with a W25Q128 on VSPI", "ESP32-DevKitC", PINS,
    (_NOR, LED, button("held at the start: serial recovery"), CONSOLE), header=False,
)  # fmt: skip
