"""The half of the session tests' device that has firmware: a simulated NOR chip with two banks, and FUMO over it.

Must run on both interpreters. Made from a dict that JSON can hold, see OPTIONS; nothing here reboots or fetches: what an
order leads to is tested elsewhere.
"""

import binascii

from agent import p256
from agent.dm_store import Store
from agent.errors import FlashError, LinkError
from agent.facts import link_failed, make_facts
from agent.job import PROGRESS, REPORT
from agent.journal import Journal
from agent.mo_fumo import Fumo
from agent.mo_fumo_ext import details
from agent.mo_leaves import Leaves
from agent.record import Record
from agent.reset import POWER
from agent.update import Update
from agent.verify import check_bank, read_manifest
from board import sim_nor
from hal.boot_record import BootRecord
from ports.sim.device import install_firmware
from ports.sim.firmware import GOOD, make_image
from ports.sim.watchdog import Scratch, Watchdog
from tests.data import vectors
from tests.portable.boards import SMALL, make_flash

LAYOUT = sim_nor.make_layout(SMALL.size, 65536)
OPTIONS = {
    "key": None,  # (key id, public key in hexadecimal) beside the one of the vectors
    "root": "./FUMO",
    "job": {},  # attributes of the job at the start
    "held": None,  # the bank that a package is said to be in
    "trying": False,  # the other bank runs, unconfirmed
    "shadow": False,  # the chip is smaller than the layout
    "writes": None,  # operations of the chip until it breaks
    "refuses": (),  # names of Record's methods that find the journal broken
    "quota": 2304,
}
_known = {}


class Identity:
    """What the device is and trusts; a signature is proven once."""

    product, model = "bench", "sim2"

    def __init__(self, key):
        self.anchors = ((vectors.KID, vectors.KEY),)
        if key:
            self.anchors += ((key[0], binascii.unhexlify(key[1])),)

    @staticmethod
    def verify(key, digest, signature):
        """Tell whether the signature is good."""
        name = bytes(key) + bytes(digest) + bytes(signature)
        if name not in _known:
            _known[name] = p256.verify(key, digest, signature)
        return _known[name]


class Port:
    """What board and update want to know."""

    version, cause = "1", POWER

    def __init__(self, flash):
        self.flash, self.clock = flash, flash.clock
        self.watchdog, self.scratch = Watchdog(flash.clock, 8388), Scratch()

    def power_flash(self, feed):
        """Connect the chip."""
        self.flash.power_on(feed)

    @staticmethod
    def random(below):
        """Return no random number."""
        return 0


class Firmware:
    """`fumo` is the object; `record`, `hardware`, `flash`, `facts` and `pushes` (how many were begun) are for tests."""

    def __init__(self, settings, options, flash=None):
        self.options = options = dict(OPTIONS, **options)
        self.flash = flash = flash or new_flash()
        port = Port(flash)
        self.hardware = hardware = sim_nor.build(port, LAYOUT)
        self.identity = Identity(options["key"])
        self.journal = Journal(hardware.journal)
        self.record = record = Record(self.journal)
        self.update = Update(hardware, record, self.identity, port, None, None, {})
        self.facts = make_facts(
            "1.2.3", "sim_nor", 86400000, port.cause, port.clock, self.journal, self.update.running_manifest
        )
        self.pushes = 0
        self._begin(options)
        store = Store(settings, 4, options["quota"])
        self.ext = Leaves("", details(hardware, record, self.facts))
        self.fumo = Fumo(options["root"], store, self.update, self.make_push, self.manifest)

    def _begin(self, options):
        record, hardware = self.record, self.hardware
        for name in options["job"]:
            setattr(record.job, name, options["job"][name])
        if options["held"] is not None:
            record.package.bank = options["held"]
        if options["job"] or options["held"] is not None:
            record.enter(record.job.phase, ((PROGRESS, None),))
        if record.job.phase == REPORT:
            record.outbox.code = record.job.code
        if options["trying"]:
            hardware.boot.run(1)
        if options["shadow"]:
            hardware.check_flash = broken
        for name in options["refuses"]:
            setattr(record, name, broken)
        if options["writes"] is not None:
            self._break_after(options["writes"])

    def _break_after(self, count):
        left = [count]
        for name in ("program", "erase"):
            setattr(self.flash, name, _until(left, getattr(self.flash, name)))

    def make_push(self):
        """Begin a push."""
        from agent.push import Push

        self.pushes += 1
        return Push(self.hardware, self.record, self.identity, self.update.demands())

    def manifest(self, bank):
        """Return the manifest in a bank."""
        return read_manifest(self.hardware.banks[bank], self.identity)

    def whole(self, bank=1):
        """Return the version of the firmware in a bank, None unless header, signature and digest are right."""
        found = check_bank(self.hardware.banks[bank], self.identity, _nothing)
        return found and found.version

    @property
    def kept(self):
        """Return (phase, State, bank, dirty from) as the next boot will find them."""
        record = Record(Journal(self.hardware.journal))
        return record.job.phase, record.job.state, record.package.bank, record.package.dirty_from

    def fail_link(self, text, code):
        """Let the link fail."""
        link_failed(self.facts, LinkError(text, code))

    def summary(self):
        """Return what became of it, for the comparison of two runs."""
        record = self.record
        job = record.job
        texts = [job.server, job.node, job.correlator or "", job.url]
        numbers = [job.phase, job.kind, job.state, job.code, record.package.bank, record.outbox.code]
        return numbers + [text.encode() for text in texts] + [self.pushes, self.flash.ops, self.flash.clock.ms()]


def new_flash():
    """Return a chip with version 1 in bank 0."""
    flash = make_flash()
    flash.poll_us = 100000
    old = make_image("1", GOOD, vectors.OLD_SIZE)
    BootRecord(install_firmware(flash, LAYOUT, 0, vectors.OLD_PACKAGE, old)["boot"]).confirm()
    return flash


def broken(*arguments):
    """Be hardware that is broken."""
    raise FlashError("broken on purpose")


def _until(left, do):
    def limited(addr, what):
        left[0] -= 1
        return broken() if left[0] < 0 else do(addr, what)

    return limited


def _nothing():
    """Feed no watchdog."""
