"""Frozen into the emulated microcontroller: mount the ROM that holds the first stage, and start it."""

import sys

import uctypes
import vfs

vfs.mount(vfs.VfsRom(uctypes.bytearray_at(0x21800000, 0x400000)), "/rom")
sys.path[:] = ["/rom"]
import launch  # noqa: E402, F401  the ROM has it
