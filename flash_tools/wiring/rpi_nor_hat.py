"""The wiring of board/rpi_nor_hat.py: a Raspberry Pi with a W25Q128 on SPI0, and what a board likes to have beside it."""

from flash_tools.wiring.header import PINS
from flash_tools.wiring.parts import GROUND, POWER, Part, Wire, Wiring

_NOR = Part(
    "W25Q128", "SPI NOR flash, 16 MiB, SO-8: /dev/spidev0.0", (
        Wire("24", "1 /CS", "select", "chip select"),
        Wire("21", "2 DO", "from part", "data from the flash"),
        Wire("15", "3 /WP", "protect", "write protection, high: writing allowed"),
        Wire("25", "4 GND", GROUND, "ground"),
        Wire("19", "5 DI", "to part", "data to the flash"),
        Wire("23", "6 CLK", "clock", "clock"),
        Wire("16", "7 /HOLD", "hold", "hold, high: not held"),
        Wire("17", "8 VCC", POWER, "3.3 V"),
    ), "100 nF from pin 8 to pin 4; 10 kΩ from pins 1, 3 and 7 to 3.3 V",
)  # fmt: skip
_EEPROM = Part(
    "24C32", "EEPROM, 4 KiB, optional: I²C 1, address 0x50", (
        Wire("3", "5 SDA", "i2c data", "data"),
        Wire("5", "6 SCL", "i2c clock", "clock"),
        Wire("9", "1–4, 7", GROUND, "ground, address 0, writing allowed"),
        Wire("1", "8 VCC", POWER, "3.3 V"),
    ), "100 nF from pin 8 to pin 4; the Pi has the pull-ups of both lines",
)  # fmt: skip
_LED = Part(
    "Status LED", "blinks what the agent does", (
        Wire("11", "anode", "led", "on when high", "330 Ω"),
        Wire("14", "cathode", GROUND, "ground"),
    ),
)  # fmt: skip
_BUTTON = Part(
    "Update button", "closes to ground", (
        Wire("13", "one side", "button", "low while pressed, pulled up inside the Pi"),
        Wire("20", "other side", GROUND, "ground"),
    ),
)  # fmt: skip
WIRING = Wiring(
    "rpi_nor_hat", "Raspberry Pi with a W25Q128 on SPI0", "Raspberry Pi", PINS, (_NOR, _EEPROM, _LED, _BUTTON)
)
