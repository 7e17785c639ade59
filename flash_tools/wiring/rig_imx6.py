"""What is connected to what on the emulated board of board/rig_imx6.py: nobody has to wire it, tests and people look it up."""

from flash_tools.wiring.parts import Part, Wire, Wiring

_PINS = {
    "spidev0.0": "SPI, /dev/spidev0.0", "i2c-0": "I²C 0, /dev/i2c-0", "i2c-1": "I²C 1, /dev/i2c-1",
    "ttymxc0": "serial, /dev/ttymxc0", "ttymxc1": "serial, /dev/ttymxc1", "ttymxc2": "serial, /dev/ttymxc2",
    "ttymxc3": "serial, /dev/ttymxc3", "17": "button, gpiochip1:17", "18": "LED, gpiochip1:18", "eth0": "Ethernet, 10.0.2.15",
    "watchdog0": "watchdog, /dev/watchdog0",
}  # fmt: skip
_FLASH = Part(
    "SST25VF016B", "SPI NOR flash, 2 MiB: the file flash.img",
    (Wire("spidev0.0", "SPI", "to part", "everything that has to survive"),),
)  # fmt: skip
_I2C = Part(
    "I²C parts", "three small ones", (
        Wire("i2c-0", "24C32, 0x50", "i2c data", "EEPROM, 4 KiB: the file eeprom.img"),
        Wire("i2c-1", "TMP105, 0x49", "i2c data", "temperature, set from outside"),
        Wire("i2c-1", "DS1338, 0x68", "i2c data", "clock"),
    ),
)  # fmt: skip
_LINES = Part(
    "The bench", "what a person or an instrument would be", (
        Wire("ttymxc0", "control", "serial out", "Python for the board, from the tests"),
        Wire("ttymxc1", "console.log", "serial out", "the kernel's console"),
        Wire("ttymxc2", "agent's line", "serial out", "fumo monitor, fumo recover"),
        Wire("ttymxc3", "second line", "serial out", "for whatever a test connects"),
        Wire("17", "EmulatedBoard.line(1, 17)", "button", "high while pressed, driven from outside"),
        Wire("18", "EmulatedBoard.output(1, 18)", "led", "high: on, seen from outside"),
        Wire("eth0", "network", "select", "the host's 127.0.0.1 is 10.0.2.2"),
        Wire("watchdog0", "reset", "reset", "the emulated hardware watchdog"),
    ),
)  # fmt: skip
WIRING = Wiring("rig_imx6", "The emulated i.MX6 board", "QEMU sabrelite", _PINS, (_FLASH, _I2C, _LINES), header=False)
