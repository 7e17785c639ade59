"""An emulated microcontroller: MicroPython on a Cortex-M3 in QEMU, with a NOR chip, a watchdog and a hard heap."""
