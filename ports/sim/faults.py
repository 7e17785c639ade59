"""What physics does to the cells of the simulated flash: the one planned power cut with its effect, and the slow faults.

A cut happens at one operation, with one effect. Weak cells read as written on the boot after the cut and lose it on the next one.
"""

from agent.errors import FlashError
from ports.sim.power import PowerCut, Reset

PROGRAM_EFFECTS = ("none", "prefix", "bits", "mostbits", "done", "weak", "disturb", "reset")
ERASE_EFFECTS = ("none", "old", "half", "unstable", "done", "weak", "reset")
_WATCHDOG = 3  # agent.reset.WATCHDOG: what the boot after a "reset" reads
_BOOTS_WEAK = 2


class Faults:
    """The state of everything that is wrong with one chip."""

    def __init__(self, nor):
        self._nor = nor
        self.cut_at = 0  # number of the operation to cut at, 0 for none
        self.effect = "none"
        self.seed = 1
        self.weak = {}  # page -> (cells after the decay, power-ons left)
        self.unstable = {}  # pages that read differently each time
        self.bad = {}  # sector -> "erase" or "program": that silently does nothing
        self.rot = 0  # reads with flipped bits still to come
        self.read_errors = 0  # reads that fail still to come
        self.stuck = False  # busy for ever
        self.wrap = 0  # the chip answers beyond this address as if from 0
        self.cuts = 0

    @property
    def active(self):
        """Tell whether a read can differ from the cells."""
        return self.unstable or self.rot or self.read_errors or self.wrap

    def plan(self, cut_at, effect, seed):
        """Cut the power at operation number `cut_at` of the chip's counter."""
        self.cut_at, self.effect, self.seed = cut_at, effect, seed

    def snapshot(self):
        """Return what of it survives a power cut."""
        return (dict(self.weak), dict(self.unstable), dict(self.bad), self.seed)

    def restore(self, saved):
        """Go back to a snapshot."""
        self.weak, self.unstable, self.bad = dict(saved[0]), dict(saved[1]), dict(saved[2])
        self.seed = saved[3]

    def power_on(self):
        """Let weak cells lose what they seemed to hold once their time has come."""
        for page in sorted(self.weak):
            cells, left = self.weak[page]
            if left > 1:
                self.weak[page] = (cells, left - 1)
            else:
                self._nor.pages[page] = cells
                del self.weak[page]

    def random(self, below):
        """Return the next number of a small generator that is the same on both interpreters."""
        self.seed = (self.seed * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.seed >> 8) % below

    def read(self, addr, into):
        """Read through whatever is wrong with the chip."""
        if self.read_errors:
            self.read_errors -= 1
            raise FlashError("the flash does not answer at 0x%x" % addr)
        self._nor.copy(self._wrapped(addr), into)
        first, last = addr // self._nor.page, (addr + len(into) - 1) // self._nor.page
        shaky = self.rot or any(page in self.unstable for page in range(first, last + 1))
        if shaky and self.random(2):
            into[self.random(len(into))] ^= 1 << self.random(8)
            self.rot -= 1 if self.rot else 0

    def program(self, addr, data):
        """Program, or lose power in the middle of it."""
        addr = self._wrapped(addr)
        page, offset = divmod(addr, self._nor.page)
        if self.bad.get(addr // self._nor.sector) == "program":
            return
        if self._nor.ops == self.cut_at:
            self._cut_program(page, offset, data)
        self._and(page, offset, data)

    def erase(self, addr, size):
        """Erase, or lose power in the middle of it."""
        addr = self._wrapped(addr)
        if self.bad.get(addr // self._nor.sector) == "erase":
            return
        if self._nor.ops == self.cut_at:
            self._cut_erase(addr, size)
        self._blank(addr, size)

    def _wrapped(self, addr):
        return addr % self.wrap if self.wrap else addr

    def _end(self):
        self.cut_at = 0
        self.cuts += 1
        if self.effect == "reset":
            raise Reset(_WATCHDOG)
        raise PowerCut()

    def _and(self, page, offset, data):
        nor = self._nor
        old = nor.pages.get(page)
        if old is None and len(data) == nor.page:
            nor.pages[page] = data
        else:
            old = old or b"\xff" * nor.page
            new = _and_bytes(old[offset : offset + len(data)], data)
            nor.strict(page, new, data)
            nor.pages[page] = old[:offset] + new + old[offset + len(data) :]
        if page in self.weak:
            cells, left = self.weak[page]
            end = offset + len(data)
            self.weak[page] = (cells[:offset] + _and_bytes(cells[offset:end], data) + cells[end:], left)

    def _blank(self, addr, size):
        for page in range(addr // self._nor.page, (addr + size) // self._nor.page):
            for cells in (self._nor.pages, self.weak, self.unstable):
                if page in cells:
                    del cells[page]

    def _cut_program(self, page, offset, data):
        effect = self.effect
        if effect == "prefix":
            self._and(page, offset, data[: 1 + self.random(len(data))])
        elif effect == "bits" or effect == "mostbits":
            self._and(page, offset, self._spare(data, effect == "mostbits"))
        elif effect != "none":
            before = self._nor.pages.get(page) or b"\xff" * self._nor.page
            self._and(page, offset, data)
            if effect == "weak":
                lost = self._spare(data, False)
                end = offset + len(data)
                cells = before[:offset] + _and_bytes(before[offset:end], lost) + before[end:]
                self.weak[page] = (cells, _BOOTS_WEAK)
            elif effect == "disturb":
                self._disturb(page)
        self._end()

    def _spare(self, data, most):
        """Return `data` with bits that stayed erased: about half of them, or exactly one."""
        spared = bytearray(data)
        if most:
            return bytes(self._spare_one(spared))
        for i in range(len(spared)):
            spared[i] |= self.random(256)
        return bytes(spared if spared != data else self._spare_one(spared))

    def _spare_one(self, data):
        start = self.random(len(data))
        for i in range(len(data)):
            at = (start + i) % len(data)
            for bit in range(8):
                if not data[at] & (1 << bit):
                    data[at] |= 1 << bit
                    return data
        return data

    def _disturb(self, page):
        pages = self._nor.sector // self._nor.page
        first = page - page % pages
        for _ in range(3):
            other = first + self.random(pages)
            cells = bytearray(self._nor.pages.get(other) or b"\xff" * self._nor.page)
            if other != page:
                cells[self.random(len(cells))] ^= 1 << self.random(8)
                self._nor.pages[other] = bytes(cells)

    def _cut_erase(self, addr, size):
        effect = self.effect
        if effect == "half":
            self._raise_some(addr, size, False)
        elif effect == "old" or effect == "weak":
            self._raise_some(addr, size, True)
        elif effect != "none":
            self._blank(addr, size)
        if effect == "unstable":
            for page in range(addr // self._nor.page, (addr + size) // self._nor.page):
                self.unstable[page] = 1
        self._end()

    def _raise_some(self, addr, size, later):
        """Leave a mixture of old and erased cells, at once or after the next boot."""
        decayed = {}
        for page in range(addr // self._nor.page, (addr + size) // self._nor.page):
            old = self._nor.pages.get(page)
            if old:
                decayed[page] = self._spare(old, False)
        if later and self.effect == "weak":
            self._blank(addr, size)
        for page in decayed:
            if later:
                self.weak[page] = (decayed[page], _BOOTS_WEAK)
            else:
                self._nor.pages[page] = decayed[page]


def _and_bytes(a, b):
    number = int.from_bytes(a, "big") & int.from_bytes(b, "big")
    return number.to_bytes(len(a), "big")
