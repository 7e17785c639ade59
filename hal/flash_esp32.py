"""A partition of an ESP32's own flash with the Flash contract, over what `esp32.Partition` gives, and where to find which.

Reading and programming work on bytes inside of a block; the form of writeblocks with an offset does not erase, ioctl 6 does.
Every call returns when the chip is done, and nothing else runs meanwhile. With flash encryption slots are written encrypted,
in pieces of 32 bytes, once between erases; the partition of the state has to stay plain.
"""

from agent.compat import const
from agent.errors import FlashError

_SECTOR = const(4096)
_PAGE = const(256)
_ERASE_MS = const(500)  # of the slowest parts on modules
_ERASE = const(6)  # ioctl
_PIECE = const(32)  # what flash encryption works on
_APP, _DATA = const(0), const(1)
_ANY = const(0xFF)
_OTADATA = const(0)  # subtype
_FIRST_SLOT, _LAST_SLOT = const(0x10), const(0x1F)  # subtypes of ota_0 to ota_15


class Esp32Flash:
    """`why_not()`, where it is given, says why nothing may be written now, "" otherwise: asked before each operation."""

    page = _PAGE
    erase_units = ((_SECTOR, _ERASE_MS),)
    blocking = True

    def __init__(self, partition, feed, why_not=None):
        self._partition, self._feed, self._why_not = partition, feed, why_not
        info = partition.info()
        self.size, self.label = info[3] // _SECTOR * _SECTOR, info[4]
        self.program_unit = _PIECE if info[5] else 1

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        self._check(addr, len(into))
        try:
            self._partition.readblocks(addr // _SECTOR, into, addr % _SECTOR)
        except OSError as e:
            self._fail("read", addr, e)

    def program(self, addr, data):
        """Program inside one page."""
        size = len(data)
        self._check(addr, size)
        if not size or addr % _PAGE + size > _PAGE:
            raise FlashError("%d bytes at 0x%x do not fit one page" % (size, addr))
        self._begin()
        try:
            self._partition.writeblocks(addr // _SECTOR, data, addr % _SECTOR)
        except OSError as e:
            self._fail("write", addr, e)

    def erase(self, addr, size):
        """Erase one block."""
        self._check(addr, size)
        if addr % _SECTOR or size != _SECTOR:
            raise FlashError("an ESP32 cannot erase %d bytes at 0x%x at once" % (size, addr))
        self._begin()
        try:
            if self._partition.ioctl(_ERASE, addr // _SECTOR):
                raise OSError(22, "EINVAL")
        except OSError as e:
            self._fail("erase", addr, e)

    def busy(self):
        """Never busy: every call waits for the chip."""
        return False

    def _begin(self):
        reason = self._why_not() if self._why_not else ""
        if reason:
            raise FlashError("nothing is written to %s: %s" % (self.label, reason))
        self._feed()

    def _check(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError(
                "0x%x + %d lies outside the partition %s of %d bytes" % (addr, size, self.label, self.size)
            )

    def _fail(self, verb, addr, error):
        raise FlashError("cannot %s the partition %s at 0x%x: %s" % (verb, self.label, addr, error))


def esp_partitions():
    """Return the class by which MicroPython shows the partition table."""
    from esp32 import Partition

    return Partition


def state_partition(partitions, label, size):
    """Return the data partition of that label; FlashError where it is not what the board file counts on."""
    found = partitions.find(type=_DATA, subtype=_ANY, label=label)
    if not found:
        raise FlashError("the partition table has no %s: flash the one on the board's page" % label)
    if found[0].info()[5]:
        raise FlashError("the partition %s is marked as encrypted, which its small writes do not allow" % label)
    return _sized(found[0], size)


def otadata_partition(partitions):
    """Return the partition in which the bootloader keeps what it starts."""
    found = partitions.find(type=_DATA, subtype=_OTADATA)
    if not found or found[0].info()[3] < 2 * _SECTOR:
        raise FlashError("the partition table has no otadata of two blocks: flash the one on the board's page")
    return found[0]


def ota_slots(partitions, size):
    """Return the two slots for applications, ota_0 and ota_1."""
    apps = partitions.find(type=_APP)
    slots = [part for part in apps if _FIRST_SLOT <= part.info()[1] <= _LAST_SLOT]
    slots.sort(key=_subtype)
    if [_subtype(part) for part in slots] != [_FIRST_SLOT, _FIRST_SLOT + 1]:
        raise FlashError("the partition table has other slots than ota_0 and ota_1: flash the one on the board's page")
    return tuple([_sized(part, size) for part in slots])


def _subtype(partition):
    return partition.info()[1]


def _sized(partition, size):
    info = partition.info()
    if info[3] != size:
        text = "the partition %s has %d bytes, the board file names %d: flash the table on the board's page"
        raise FlashError(text % (info[4], info[3], size))
    return partition
