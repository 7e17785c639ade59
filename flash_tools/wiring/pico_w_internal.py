"""The wiring of board/pico_w_internal.py and pico_w_romfs.py: nothing but an LED, a button and, if one likes, a serial line."""

from flash_tools.wiring.parts import Wiring
from flash_tools.wiring.pico import BUTTON, CONSOLE, LED, PINS

WIRING = Wiring(
    "pico_w_internal", "Pico W with nothing but its own flash", "Pico W, Pico 2 W", PINS, (LED, BUTTON, CONSOLE),
    header=False, numbered=True,
)  # fmt: skip
