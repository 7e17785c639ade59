"""The 40 pins of a Raspberry Pi's header: what each one is."""

_ORDER = (
    "3V3 5V GPIO2/SDA1 5V GPIO3/SCL1 GND GPIO4 GPIO14/TXD GND GPIO15/RXD GPIO17 GPIO18 GPIO27 GND GPIO22 GPIO23 3V3 GPIO24 "
    "GPIO10/MOSI GND GPIO9/MISO GPIO25 GPIO11/SCLK GPIO8/CE0 GND GPIO7/CE1 GPIO0/ID_SD GPIO1/ID_SC GPIO5 GND GPIO6 GPIO12 GPIO13 "
    "GND GPIO19 GPIO16 GPIO26 GPIO20 GND GPIO21"
).split()
PINS = {str(number): name for number, name in enumerate(_ORDER, 1)}


def pin(gpio: int) -> str:
    """Return the pin of a GPIO's number."""
    return next(number for number, name in PINS.items() if name.split("/")[0] == "GPIO%d" % gpio)
