"""An ESP32 that boots A/B by itself: two slots of its own flash, no first stage of ours. docs/boards/esp32_ota.md has the table.

A package is a whole MicroPython with the agent and the application frozen into it, as an ESP image. A board with another
partition table is a copy of this file with other sizes.
"""

from hal.boot_esp32 import OtaControl
from hal.boot_kept import BootKept
from hal.flash_esp32 import Esp32Flash, esp_partitions, ota_slots, otadata_partition, state_partition
from hal.hardware import Bank, Hardware
from hal.no_counter import NoCounter
from hal.otadata import Otadata
from hal.region import carve, layout_hash
from hal.state_layout import layout_of_state
from hal.status_led import StatusLed
from hal.watchdog import Feeder, fitting_units

NATIVE = True  # the bootloader chooses the slot, and what runs is in it
IMAGE_KIND = "raw"
STATE, STATE_SIZE = "fumo", 131072  # label and size of the data partition for all that has to survive
SLOT_SIZE = 1835008  # of ota_0 and of ota_1
WATCHDOG_MS = 15000
LED, BUTTON = 4, 27  # the button asks for an update
UART, UART_TX, UART_RX = 2, 26, 25
NETWORK = "wifi"
OPTIONS = {"name": "esp32_ota", "small": True}


def layout_of(size):
    """Return what lies where in the partition of the state; its last region is there for its name, which goes into the hash."""
    return layout_of_state("boot", size, "slots of %d" % SLOT_SIZE)


def build(port):
    """Wire the board."""
    partitions, layout = esp_partitions(), layout_of(STATE_SIZE)
    feed = Feeder(port.watchdog, port.clock).feed
    slots = ota_slots(partitions, SLOT_SIZE)
    state = Esp32Flash(state_partition(partitions, STATE, STATE_SIZE), feed)
    regions = carve(state, layout)
    otadata = Otadata(Esp32Flash(otadata_partition(partitions), feed))
    boot = OtaControl(partitions, otadata, slots, BootKept(regions["boot"]), feed, port.log)
    boot.start()
    hardware = Hardware(
        layout_hash(layout),
        regions["journal"],
        tuple([_bank(bank, slots, boot, feed, regions) for bank in range(2)]),
        boot,
        port.watchdog,
        NoCounter(),
        fitting_units(state.erase_units, port.watchdog.timeout_ms),
        boot.check,
    )
    hardware.settings, hardware.factory = regions["settings"], regions["factory"]
    hardware.self_tests, hardware.tick = (boot.fit,), boot.tick
    hardware.button = port.pin_in(BUTTON, pull_up=True)
    hardware.led = StatusLed(port.pin_out(LED), port.clock)
    hardware.uart = port.console(UART, tx=UART_TX, rx=UART_RX)
    return hardware


def _bank(bank, slots, boot, feed, regions):
    def why_not():
        """Say why this slot is left alone now."""
        return boot.why_kept(bank)

    return Bank(Esp32Flash(slots[bank], feed, why_not), regions["header%d" % bank])
