"""A flash that the Linux kernel has as MTD: `mtd:NAME`, the name of /proc/mtd and of the device tree."""

import fcntl
from contextlib import contextmanager

from flash_tools.errors import BusyError
from ports.cpython_linux.mtd import DEV_ROOT, SYS_ROOT, Mtd

ROOTS = {"sys_root": SYS_ROOT, "dev_root": DEV_ROOT}
IOCTL = fcntl.ioctl
_BUSY = "the MTD %s is in use by another command: end that first"


class MtdFlash(Mtd):
    """An MTD with what the kernel's driver knows of the chip."""

    @property
    def jedec_id(self) -> bytes | None:
        """Return the chip's id."""
        text = self.fact("jedec_id")
        try:
            return bytes.fromhex(text.decode().strip()) if text else None
        except ValueError:
            return None

    @property
    def part_name(self) -> str | None:
        """Return what the driver calls the chip."""
        text = self.fact("partname")
        return text.decode("utf-8", "replace").strip() if text else None

    def tables(self) -> bytes | None:
        """Return the chip's SFDP tables."""
        return self.fact("sfdp")


@contextmanager
def open_mtd(name: str, write: bool = False):
    """Give the MtdFlash of that name; with `write` no other command may have it."""
    flash = MtdFlash(name, write, ioctl=IOCTL, **ROOTS)
    try:
        fcntl.flock(flash.fileno(), (fcntl.LOCK_EX if write else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        flash.close()
        raise BusyError(_BUSY % name) from None
    try:
        yield flash
    finally:
        flash.close()
