"""The Flash contract over a Linux MTD, found by its name: numbers change with the kernel and the order of drivers.

`sys_root`, `dev_root` and `ioctl` are arguments so that tests can put a folder and a function in their place.
"""

import errno
import fcntl
import os
import struct

from agent.errors import FlashError

SYS_ROOT, DEV_ROOT = "/sys/class/mtd", "/dev"
MEMGETINFO = 0x80204D01
MEMERASE = 0x40084D02
MEMUNLOCK = 0x40084D06
MEMERASE64 = 0x40104D14
_INFO = "<B3xIIIIIQ"  # type, flags, size, erase size, write size, spare size, padding
_KINDS = ("nor", "ram")
_WRITEABLE = 0x400
_ERASE_MS = {4096: 900, 32768: 2000, 65536: 3000}  # no MTD tells; the kernel has time-outs of its own
_LONGEST_MS = 6000
_NO_WAY = (errno.EOPNOTSUPP, errno.ENOTTY, 524)  # 524 is the kernel's ENOTSUPP, which has no name


class Mtd:
    """One MTD, or a partition of one; the kernel waits for the chip, so every call does."""

    page, blocking = 256, True

    def __init__(self, name, write=False, sys_root=SYS_ROOT, dev_root=DEV_ROOT, ioctl=fcntl.ioctl):
        self._folder = find(name, sys_root)
        self.name, self.path = name, os.path.join(dev_root, os.path.basename(self._folder))
        self._ioctl = ioctl
        self.size = self._number("size")
        sector = self._number("erasesize")
        self.program_unit = max(self._number("writesize"), 1)
        self._check(sector, write)
        self.erase_units = ((sector, _ERASE_MS.get(sector, _LONGEST_MS)),)
        self._fd = self._open(write)
        try:
            self._check_info(sector)
            if write:
                self._unlock()
        except BaseException:
            self.close()
            raise

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        self._inside(addr, len(into))
        try:
            count = os.preadv(self._fd, [into], addr)
        except OSError as e:
            raise self._error("read", addr, e) from e
        if count != len(into):
            raise FlashError("%s gave %d bytes of %d at 0x%x" % (self.path, count, len(into), addr))

    def program(self, addr, data):
        """Program within one page."""
        self._inside(addr, len(data))
        if not len(data) or addr % self.page + len(data) > self.page:
            raise FlashError("%d bytes at 0x%x do not lie within one page" % (len(data), addr))
        try:
            count = os.pwrite(self._fd, data, addr)
        except OSError as e:
            raise self._error("write", addr, e) from e
        if count != len(data):
            raise FlashError("%s took %d bytes of %d at 0x%x" % (self.path, count, len(data), addr))

    def erase(self, addr, size):
        """Erase one unit."""
        self._inside(addr, size)
        if size != self.erase_units[0][0] or addr % size:
            raise FlashError("the chip cannot erase %d bytes at 0x%x at once" % (size, addr))
        try:
            self._erase(addr, size)
        except OSError as e:
            raise self._error("erase", addr, e) from e

    def busy(self):
        """The kernel has waited already."""
        return False

    def fileno(self):
        """Return what a lock can be put on."""
        return self._fd

    def close(self):
        """Let go of it; calling it twice is allowed."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def fact(self, name):
        """Return what the SPI NOR driver knows of the chip (jedec_id, partname, sfdp), None where it tells nothing."""
        try:
            with open(os.path.join(self._folder, "device", "spi-nor", name), "rb") as file:
                return file.read()
        except OSError:
            return None

    # -- inside -------------------------------------------------------------------------------------------------------

    def _number(self, name):
        text = read_text(os.path.join(self._folder, name))
        try:
            return int(text, 0)
        except (TypeError, ValueError):
            raise FlashError("the kernel does not tell the %s of the MTD %s" % (name, self.name)) from None

    def _check(self, sector, write):
        kind = read_text(os.path.join(self._folder, "type"))
        if kind not in _KINDS:
            raise FlashError("the MTD %s is a %s, this is for NOR flash only" % (self.name, kind))
        if sector < 256 or sector & (sector - 1) or self.size % sector:
            raise FlashError("the MTD %s erases %d bytes at once, which cannot be used" % (self.name, sector))
        if write and not self._number("flags") & _WRITEABLE:
            raise FlashError("the MTD %s is read-only: the kernel's table of partitions says so" % self.name)

    def _open(self, write):
        try:
            return os.open(self.path, (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC)
        except OSError as e:
            raise self._error("open", 0, e) from e

    def _check_info(self, sector):
        """Compare with what the device itself says: sysfs may have changed between two looks."""
        info = bytearray(struct.calcsize(_INFO))
        try:
            self._ioctl(self._fd, MEMGETINFO, info, True)
        except OSError as e:
            raise FlashError("%s is no MTD: %s" % (self.path, e.strerror)) from e
        _, _, size, erase_size, *_ = struct.unpack(_INFO, info)
        if (size, erase_size) != (self.size & 0xFFFFFFFF, sector):
            raise FlashError("%s is not the MTD %s any more: try again" % (self.path, self.name))

    def _unlock(self):
        """Lift the protection that some chips have after power-on; those that have none do not know the call."""
        try:
            self._ioctl(self._fd, MEMUNLOCK, struct.pack("=II", 0, self.size & 0xFFFFFFFF))
        except OSError as e:
            if e.errno not in _NO_WAY:
                raise FlashError("%s stays write-protected (%s): check its write-protect pin" % (self.path, e)) from e

    def _erase(self, addr, size):
        try:
            self._ioctl(self._fd, MEMERASE64, struct.pack("=QQ", addr, size))
        except OSError as e:
            if e.errno != errno.ENOTTY:
                raise
            self._ioctl(self._fd, MEMERASE, struct.pack("=II", addr, size))

    def _inside(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError("0x%x + %d lies outside the flash of %d bytes" % (addr, size, self.size))

    def _error(self, verb, addr, error):
        if error.errno == errno.ENOENT:
            return FlashError("%s is not there: has udev made it?" % self.path)
        if error.errno in (errno.EACCES, errno.EPERM) and verb == "open":
            return FlashError(
                "%s may not be opened: run it as root, or let udev give your group the device" % self.path
            )
        if error.errno == errno.EBUSY:
            return FlashError("%s is in use: a file system or another program has it" % self.path)
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            return FlashError("%s is write-protected: check its write-protect pin and the kernel" % self.path)
        return FlashError("cannot %s %s at 0x%x: %s" % (verb, self.path, addr, error.strerror))


def names(sys_root=SYS_ROOT):
    """Return {folder in sysfs: name} of all MTDs, the read-only twins left out."""
    try:
        found = sorted(each for each in os.listdir(sys_root) if each[:3] == "mtd" and each[3:].isdigit())
    except OSError:
        return {}
    folders = [os.path.join(sys_root, each) for each in found]
    return {folder: read_text(os.path.join(folder, "name")) for folder in folders}


def find(name, sys_root=SYS_ROOT):
    """Return the folder in sysfs of the one MTD of that name."""
    known = names(sys_root)
    found = [folder for folder, each in known.items() if each == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise FlashError("%d MTDs are called %s: give them names of their own in the device tree" % (len(found), name))
    text = "no MTD is called %s: this machine has %s"
    raise FlashError(text % (name, ", ".join(sorted(filter(None, known.values()))) or "none")) from FileNotFoundError(
        errno.ENOENT, name
    )


def read_text(path):
    """Return the line in a file of sysfs, None where it is not there."""
    try:
        with open(path) as file:
            return file.read().strip()
    except (OSError, ValueError):
        return None
