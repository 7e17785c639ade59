"""An MCUboot slot beside us, a co-processor's for one: its trailer asks MCUboot to try what the slot holds, or to keep it.

The trailer is the end of the slot: magic in its last 16 bytes, below it image_ok, copy_done and swap_info, each in a unit of its
own, then swap_size and the status of a swap. Flags are 01 when set and erased when not. `set_test` and `set_permanent` leave
the bytes that `imgtool sign --pad` and `--pad --confirm` make. The magic is written last and alone decides, so a cut leaves no
request or the whole one. A torn magic is none to MCUboot, which does not clear it either: `tidy` does, at every start.

Trailer and image never share a sector: an image may have `room` bytes, and the trailer is erased before its first byte is written.
"""

from agent.compat import const
from agent.errors import FlashError

NONE = const(0)  # MCUboot boots what it has
TEST = const(1)  # it swaps once, and back unless the image confirms itself
PERMANENT = const(2)  # it swaps for good
TORN = const(3)  # neither: MCUboot ignores the slot and will not clear it
_SLOT = const(1)  # the number of this slot as a bank; 0 is what the co-processor runs
_SET = const(1)
_MAGIC_SIZE = const(16)
_TRIES = const(3)
_MAGIC = b"\x77\xc2\x95\xf3\x60\xd2\xef\x7f\x35\x52\x50\x0f\x2c\xb6\x79\x80"  # alignment 8
_MAGIC_END = b"\x2d\xe1\x5d\x29\x41\x0b\x8d\x77\x67\x9c\x11\x0f\x1f\x8a"  # behind the alignment, where that is larger


class McubootSlot:
    """BootControl as far as a slot can tell: bank 0 is what the co-processor runs, bank 1 is this slot.

    What runs there, whether it fell back, and which attempt a trial was cannot be known from here: `running` and `confirmed`
    are always 0, `fell_back` is False, attempts are not kept. The co-processor confirms its own image, and alone can say that.

    `align` is what the bootloader was built with (imgtool's --align), `sectors` its BOOT_MAX_IMG_SECTORS.
    """

    def __init__(self, slot, align=8, sectors=128):
        self._slot = slot
        self._sector = slot.erase_units[0][0]
        self._unit = unit = max(align, 8)
        self._buffer = bytearray(_MAGIC_SIZE)
        self._piece = bytearray(slot.page)
        if align not in (1, 2, 4, 8, 16, 32) or unit % slot.program_unit or slot.size % self._sector:
            raise FlashError("MCUboot's alignment %d does not suit the flash of the slot" % align)
        self._magic = _MAGIC if unit == 8 else bytes((unit, 0)) + _MAGIC_END
        self._head = max(unit, _MAGIC_SIZE)  # the magic with the erased bytes that its write unit begins with
        self._ok_at = slot.size - self._head - unit
        size = sectors * 3 * align + unit * 4 + self._head
        self.room = (slot.size - size) // self._sector * self._sector  # bytes that an image may have
        if self.room <= 0:
            raise FlashError("a slot of %d bytes has no room beside its trailer of %d" % (slot.size, size))

    def state(self):
        """Return NONE, TEST, PERMANENT or TORN, as MCUboot reads the trailer."""
        self._slot.read(self._slot.size - _MAGIC_SIZE, self._buffer)
        good = self._buffer == self._magic
        if not good and self._buffer != b"\xff" * _MAGIC_SIZE:
            return TORN
        self._slot.read(self._ok_at, self._buffer)
        flag = self._buffer[0]
        if not good:
            return NONE if flag == 0xFF else TORN
        return TEST if flag == 0xFF else PERMANENT if flag == _SET else TORN

    def set_test(self):
        """Have MCUboot try the image at its next boot."""
        self._mark(TEST)

    def set_permanent(self):
        """Have MCUboot take the image at its next boot, with no way back."""
        self._mark(PERMANENT)

    def clear(self):
        """Take the request back: before an image is written, and whenever the trailer is torn."""
        for addr in range(self._slot.size - self._sector, self.room - 1, -self._sector):
            self._slot.erase(addr, self._sector)
        if not self._blank(self.room, self._slot.size):
            raise FlashError("the trailer of the slot cannot be erased: replace the flash")

    def tidy(self):
        """Clear a trailer that a power cut has torn; tell whether it was."""
        if self.state() != TORN:
            return False
        self.clear()
        return True

    # -- BootControl --------------------------------------------------------------------------------------------------

    def running(self):
        """Return 0: the co-processor never runs the slot in place."""
        return 0

    def confirmed(self):
        """Return 0: what the co-processor runs is never written from here."""
        return 0

    def ran_before(self):
        """Return -1: nothing tells."""
        return -1

    def fell_back(self):
        """Return False: only the co-processor knows."""
        return False

    def tried(self, bank, attempt):
        """Tell whether the request is gone, as it is once MCUboot took it up; where none was made it is gone, too."""
        return bank == _SLOT and self.state() == NONE

    def set_trial(self, bank, attempt):
        """Make the co-processor's next boot a trial of the slot; the attempt is not kept."""
        if bank != _SLOT:
            raise FlashError("only the slot can be tried, it is bank %d" % _SLOT)
        self._mark(TEST)

    def confirm(self):
        """Stay with what the co-processor runs: a request that it has not taken up yet is taken back."""
        if self.state() != NONE:
            self.clear()

    # -- bytes --------------------------------------------------------------------------------------------------------

    def _mark(self, wanted):
        """The sectors are erased however blank they look: what a cut has disturbed may read as blank today only."""
        for _ in range(_TRIES):
            try:
                self.clear()
                if wanted == PERMANENT:
                    self._program(self._ok_at, bytes((_SET,)) + b"\xff" * (self._unit - 1))
                self._program(self._slot.size - self._head, b"\xff" * (self._head - _MAGIC_SIZE) + self._magic)
                if self.state() == wanted and self._others_blank():
                    return
            except FlashError:
                continue
        self.clear()
        raise FlashError("the trailer of the slot cannot be written: replace the flash")

    def _program(self, addr, data):
        """Program, and refuse to go on where it does not read back: image_ok must stand before the magic does."""
        self._slot.program(addr, data)
        piece = memoryview(self._piece)[: len(data)]
        self._slot.read(addr, piece)
        if piece != data:
            raise FlashError("the trailer of the slot does not read back")

    def _others_blank(self):
        head = self._slot.size - self._head
        return self._blank(self.room, self._ok_at) and self._blank(self._ok_at + 1, head)

    def _blank(self, start, end):
        while start < end:
            piece = memoryview(self._piece)[: min(len(self._piece), end - start)]
            self._slot.read(start, piece)
            if piece != b"\xff" * len(piece):
                return False
            start += len(piece)
        return True
