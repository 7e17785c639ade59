"""The pins of an ESP32-DevKitC by the names that are printed on it, and what every board on one has: LED, button, serial line."""

from flash_tools.wiring.parts import GROUND, Part, Wire

PINS = {
    "3V3": "3V3", "5V": "5V", "GND": "GND", "4": "IO4", "5": "IO5 · VSPI CS0", "13": "IO13", "14": "IO14", "16": "IO16",
    "17": "IO17", "18": "IO18 · VSPI CLK", "19": "IO19 · VSPI Q", "21": "IO21", "22": "IO22", "23": "IO23 · VSPI D", "25": "IO25",
    "26": "IO26", "27": "IO27", "32": "IO32", "33": "IO33",
}  # fmt: skip
LED = Part(
    "Status LED", "blinks what the agent does", (
        Wire("4", "anode", "led", "on when high", "330 Ω"),
        Wire("GND", "cathode", GROUND, "ground"),
    ),
)  # fmt: skip
CONSOLE = Part(
    "Serial adapter", "3.3 V, 115200 baud, optional", (
        Wire("26", "RX", "serial out", "from the ESP32"),
        Wire("25", "TX", "serial in", "to the ESP32"),
        Wire("GND", "GND", GROUND, "ground"),
    ),
)  # fmt: skip


def button(use: str) -> Part:
    """Return the button, which asks for something else on each board."""
    wires = (
        Wire("27", "one side", "button", "low while pressed"),
        Wire("GND", "other side", GROUND, "ground"),
    )
    return Part("Button", use, wires, "Pulled up inside the ESP32")
