"""Several flashes as one: a bank that is a boot partition and, behind it, a root partition.

A program or an erase stays inside one part. `why_not()`, where it is given, says why nothing may be written now, "" otherwise:
asked before each operation, it keeps whoever is wrong about the bank from the one that runs.
"""

from agent.errors import FlashError


class FlashSpan:
    """The Flash contract over `parts`, one behind the other."""

    def __init__(self, parts, why_not=None):
        self._parts, self._why_not = tuple(parts), why_not
        self._written = False  # since the last sync
        starts, self.size = [], 0
        for part in parts:
            starts.append(self.size)
            self.size += part.size
        self._starts = tuple(starts)
        ends = self._starts[1:] + (self.size,)
        self.page = min([part.page for part in parts])
        self.program_unit = max([part.program_unit for part in parts])
        self.blocking = True in [part.blocking for part in parts]
        self.erase_units = tuple(_common_units(parts, self._starts))
        if not self.erase_units or [end for end in ends if end % self.erase_units[0][0] or end % self.page]:
            raise FlashError("the parts of a bank are to be multiples of what each of them erases at once")

    def read(self, addr, into):
        """Fill `into` from `addr` on, out of as many parts as it takes."""
        view, done = memoryview(into), 0
        self._check(addr, len(into))
        while done < len(into):
            part, start = self._part(addr + done)
            count = min(len(into) - done, part.size - start)
            part.read(start, view[done : done + count])
            done += count

    def program(self, addr, data):
        """Start to program inside one page."""
        part, start = self._to_write(addr, len(data))
        part.program(start, data)

    def erase(self, addr, size):
        """Start to erase one unit."""
        if addr % size or size not in [unit for unit, _ in self.erase_units]:
            raise FlashError("the bank cannot erase %d bytes at 0x%x at once" % (size, addr))
        part, start = self._to_write(addr, size)
        part.erase(start, size)

    def busy(self):
        """Tell whether one of them still works."""
        return True in [part.busy() for part in self._parts]

    def sync(self, addr=0, size=0):
        """Return once all that was written is on the medium; what is read of that range afterwards comes from there."""
        for part, start in zip(self._parts, self._starts):
            first, end = max(addr, start), min(addr + size, start + part.size)
            part.sync(first - start if first < end else 0, max(0, end - first))
        self._written = False

    def settle(self):
        """Sync where something was written since the last time: to be called often."""
        if self._written:
            self.sync()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _to_write(self, addr, size):
        reason = self._why_not() if self._why_not else ""
        if reason:
            raise FlashError("nothing is written: " + reason)
        self._check(addr, size)
        part, start = self._part(addr)
        if start + size > part.size:
            raise FlashError("%d bytes at 0x%x lie in two parts of the bank" % (size, addr))
        self._written = True
        return part, start

    def _part(self, addr):
        for i in range(len(self._parts) - 1, -1, -1):
            if addr >= self._starts[i]:
                return self._parts[i], addr - self._starts[i]

    def _check(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError("0x%x + %d lies outside the bank of %d bytes" % (addr, size, self.size))


class Behind:
    """A flash of which nothing is written before `before()` has returned: what it says of others is then true of them."""

    def __init__(self, flash, before):
        self._flash, self._before = flash, before
        self.size, self.page, self.program_unit = flash.size, flash.page, flash.program_unit
        self.erase_units, self.blocking = flash.erase_units, flash.blocking

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        self._flash.read(addr, into)

    def program(self, addr, data):
        """Start to program."""
        self._before()
        self._flash.program(addr, data)

    def erase(self, addr, size):
        """Start to erase one unit."""
        self._before()
        self._flash.erase(addr, size)

    def busy(self):
        """Tell whether the flash still works."""
        return self._flash.busy()


def _common_units(parts, starts):
    """Return the units that every part knows and that lie in one part wherever they begin, each with its longest time."""
    for size, _ in parts[0].erase_units:
        times = [dict(part.erase_units).get(size) for part in parts]
        if None not in times and not [start for start in starts if start % size]:
            yield size, max(times)
