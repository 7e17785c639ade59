"""The `_boot.py` of an ESP32's firmware for the field: mounts what an application may keep files in, and formats nothing.

MicroPython's own formats as soon as one mount fails. The firmware is frozen and needs no file; where there is no file system,
or none that can be mounted, the board starts without.
"""

import vfs
from esp32 import Partition


def mount(at="/"):
    """Mount the partition `vfs`; tell whether it could be done."""
    try:
        found = Partition.find(Partition.TYPE_DATA, label="vfs")
        if found:
            vfs.mount(found[0], at)
        return bool(found)
    except OSError as e:
        print("the internal file system does not mount: %s" % e)
        return False


mount()
