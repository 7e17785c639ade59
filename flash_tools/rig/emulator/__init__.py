"""An emulated Linux board: an i.MX6 in QEMU with a NOR chip, made from Debian's packages. `build()` once, then `EmulatedBoard`."""
