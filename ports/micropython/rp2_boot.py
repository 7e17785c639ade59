"""The `_boot.py` of a Pico's firmware for the field: mounts the internal file system, and never formats one that holds anything.

MicroPython's own formats as soon as one mount fails, and with that takes both banks. Here a flash that does not mount is left as
it is, for the first stage to say so; only one that was never written is formatted.
"""

import rp2
import vfs

_PROGRAM = 256  # what the flash programs at once
_BLOCK = 4096


def _blank(flash):
    """Tell whether the blocks that a file system begins with hold nothing."""
    page = bytearray(_PROGRAM)
    for block in range(2):
        for offset in range(0, _BLOCK, _PROGRAM):
            flash.readblocks(block, page, offset)
            if page != b"\xff" * _PROGRAM:
                return False
    return True


def mount(flash, at="/"):
    """Mount what is on the flash; tell whether it could be done."""
    try:
        if _blank(flash):
            vfs.VfsLfs2.mkfs(flash, progsize=_PROGRAM)
        vfs.mount(vfs.VfsLfs2(flash, progsize=_PROGRAM), at)
    except OSError as e:
        print("the internal file system does not mount: %s" % e)
        return False
    return True


mount(rp2.Flash())
