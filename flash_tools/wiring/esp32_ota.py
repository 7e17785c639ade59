"""The wiring of board/esp32_ota.py: an ESP32 by itself; all three parts may be left out."""

from flash_tools.wiring.esp32 import CONSOLE, LED, PINS, button
from flash_tools.wiring.parts import Wiring

WIRING = Wiring(
    "esp32_ota", "ESP32 that boots A/B by itself", "ESP32-DevKitC", PINS, (LED, button("asks for an update"), CONSOLE),
    header=False,
)  # fmt: skip
