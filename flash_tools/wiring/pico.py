"""The 40 pins of a Pico, a Pico W or a Pico 2 W, and what every board on one of them has: a status LED, a button, a serial line."""

from flash_tools.wiring.parts import GROUND, Part, Wire

_LEFT = (
    "GP0/UART0 TX,GP1/UART0 RX,GND,GP2,GP3,GP4,GP5,GND,GP6,GP7,GP8,GP9,GND,GP10,GP11,GP12,GP13,GND,GP14,GP15,"
    "GP16/SPI0 RX,GP17/SPI0 CSn,GND,GP18/SPI0 SCK,GP19/SPI0 TX,GP20,GP21,GND,GP22,RUN,GP26,GP27,AGND,GP28,ADC_VREF,3V3,"
    "3V3_EN,GND,VSYS,VBUS"
).split(",")
PINS = {str(number): name for number, name in enumerate(_LEFT, 1)}


def pin(gpio: int) -> str:
    """Return the pin of a GPIO's number."""
    return next(number for number, name in PINS.items() if name.split("/")[0] == "GP%d" % gpio)


LED = Part(
    "Status LED", "blinks what the agent does", (
        Wire("19", "anode", "led", "on when high", "330 Ω"),
        Wire("18", "cathode", GROUND, "ground"),
    ),
)  # fmt: skip
BUTTON = Part(
    "Button", "held at the start: serial recovery", (
        Wire("20", "one side", "button", "low while pressed"),
        Wire("23", "other side", GROUND, "ground"),
    ), "Pulled up inside the Pico",
)  # fmt: skip
CONSOLE = Part(
    "Serial adapter", "3.3 V, 115200 baud, optional", (
        Wire("1", "RX", "serial out", "from the Pico"),
        Wire("2", "TX", "serial in", "to the Pico"),
        Wire("3", "GND", GROUND, "ground"),
    ),
)  # fmt: skip
