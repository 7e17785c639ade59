"""Simulated chips for the tests, made from the real parts' tables."""

import binascii

from hal.nor_chips import CHIPS
from hal.nor_sfdp import parse
from hal.nor_spi import NorSpi
from ports.sim.clock import Clock
from ports.sim.spi_chip import Part, SpiChip
from tests.data.sfdp_tables import TABLES

_TYP_US = {4096: 45000, 32768: 120000, 65536: 150000}


def part(name):
    """Return the model's Part of a name in the tables."""
    for entry in TABLES:
        if entry[0] == name:
            return _part(entry)
    raise ValueError(name)


def names():
    """Return the names of all parts."""
    return [entry[0] for entry in TABLES]


def _part(entry):
    name, jedec_id, size, _, text = entry
    table, jedec_id = binascii.unhexlify(text), binascii.unhexlify(jedec_id)

    def read(addr, into):
        into[:] = (table[addr : addr + len(into)] + b"\xff" * len(into))[: len(into)]

    sfdp, known = parse(read) if table else None, CHIPS.get(jedec_id)
    erases = {}
    if known and known.erases:
        for (unit, opcode), max_ms in zip(known.erases, known.erase_ms):
            erases[opcode] = (unit, min(_TYP_US[unit], max_ms * 900), max_ms * 1000)
    else:
        for unit, opcode, typ_ms, max_ms in sfdp.erases:
            erases[opcode] = (unit, (typ_ms or 50) * 1000, (max_ms or 390) * 1000)
    page_us = sfdp.page_us if sfdp and sfdp.page_us else (10, 10) if known.aai else (600, 2400)
    byte_us = sfdp.byte_us if sfdp and sfdp.byte_us else (10, 3)
    aai = bool(known and known.aai)
    unlock = known.unlock if known else 0
    protected = 0x1C if aai or unlock else 0
    reset = bool(sfdp and sfdp.soft_reset)
    return Part(name, jedec_id, size, erases, page_us, byte_us, table, aai, protected, unlock, reset)


class Bench:
    """A chip, its driver and a count of the feeds."""

    def __init__(self, name, prepare=None, **options):
        self.clock = Clock()
        self.chip = SpiChip(part(name), self.clock)
        self.feeds = 0
        self.fed_us = 0
        self.longest_us = 0
        if prepare:
            prepare(self.chip)
        self.nor = NorSpi(self.chip, self.clock, self.feed, **options)

    def feed(self):
        """Count, and remember the longest time without."""
        self.longest_us = max(self.longest_us, self.clock.us - self.fed_us)
        self.fed_us = self.clock.us
        self.feeds += 1
