"""The emulated i.MX6 board of the rig: docs/boards/rig_imx6.md says what it models and what it does not."""

from hal.eeprom_i2c import Eeprom, EepromCounter
from hal.nor_spi import NorSpi
from hal.single_chip import assemble, layout_of
from hal.status_led import StatusLed
from hal.temperature import Gate
from hal.watchdog import Feeder

SPI, SPI_HZ = "/dev/spidev0.0", 20000000
CHIP = "sst25vf016b-qemu"
FLASH_SIZE = 2097152
LAYOUT = layout_of(FLASH_SIZE)
WATCHDOG_MS = 8000  # what the driver is loaded with: the emulator does not obey a time-out that is set later
UART = "/dev/ttymxc2"
BUTTON, LED = "gpiochip1:17", "gpiochip1:18"
EEPROM = (0, 0x50)  # 24C32
TEMPERATURE = (1, 0x49)  # TMP105
LOW_C, HIGH_C = -20, 85  # in which the flash may be written
OPTIONS = {"name": "rig_imx6"}


def build(port):
    """Wire the board."""
    feeder = Feeder(port.watchdog, port.clock)
    flash = NorSpi(port.spi(SPI, SPI_HZ), port.clock, feeder.feed, part=CHIP)
    eeprom = Eeprom(port.i2c(*EEPROM, 2), port.clock)
    hardware = assemble(port, flash, LAYOUT, EepromCounter(eeprom, 0, port.cause))
    hardware.uart = port.console(UART)
    hardware.may_write = Gate(port.i2c(*TEMPERATURE), LOW_C, HIGH_C, port.clock, port.log).ask
    hardware.button = port.pin_in(BUTTON, pull_up=False)  # the emulated line idles low
    hardware.led = StatusLed(port.pin_out(LED), port.clock)
    return hardware
