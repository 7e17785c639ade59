"""How the journal keeps what job.py holds: a struct each, and a job's texts behind it. docs/flash-format.md has the bytes."""

import struct

from agent.compat import const
from agent.job import IDLE, JOB, OUTBOX, PACKAGE, STATE_IDLE, Job, Kept, Outbox

_FORMAT = const(1)
_AGREED = const(0x80)  # beside `restarts`
_RESTARTS = const(0x7F)
_ABSENT = const(0xFFFF)
_LEAST = const(64)  # more than each of the structs
_JOB = "<BBBBBBBBHI32s"
_TEXTS = ("server", "node", "correlator", "url", "validator", "notify", "base")
_LAYOUTS = (
    (OUTBOX, "<BHH", ("code", "dlota"), ()),
    (PACKAGE, "<BBI32s", ("bank", "dirty_from", "digest"), ()),
    (JOB, _JOB, ("phase", "kind", "state", "arms", "boots", "restarts", "serial", "code", "mark", "digest"), _TEXTS),
)


def _row(value):
    """Return (key, layout, names of the fields behind the number of the format, names of the texts)."""
    return _LAYOUTS[2 if isinstance(value, Job) else 0 if isinstance(value, Outbox) else 1]


def load(value, journal):
    """Fill the value with what the journal holds; return it."""
    key, layout, names, texts = _row(value)
    data = bytearray(_LEAST)  # it grows where there is more
    end = journal.get(key, data)
    if end <= 0 or data[0] != _FORMAT:
        return value
    fields = struct.unpack_from(layout, data, 0)
    for i in range(len(names)):
        setattr(value, names[i], fields[i + 1])
    if texts:
        value.agreed, value.restarts = value.restarts >= _AGREED, value.restarts & _RESTARTS
    _load_texts(value, texts, data, struct.calcsize(layout), end)
    return value


def _load_texts(value, names, data, at, end):
    for name in names:
        if at + 2 > end:
            return  # written before there was such a text
        size = struct.unpack_from("<H", data, at)[0]
        at += 2
        if size == _ABSENT:
            setattr(value, name, None)
        else:
            setattr(value, name, str(memoryview(data)[at : at + size], "utf-8"))
            at += size


class Packing(Kept):
    """What a value does rarely."""

    def begin(self):
        """A new Job: nothing is ordered."""
        self.phase = IDLE
        self.kind = 0
        self.state = STATE_IDLE  # kept after the end until the next order
        self.arms = 0  # how often the trial was armed
        self.boots = 0  # reboots without progress
        self.serial = 0  # counts orders: tells the trials of one from those of the next
        self.restarts = 0  # times the download began again because of a broken package
        self.mark = 0  # progress at the last boot, for `boots`
        self.digest = bytes(32)  # of the image that the job installs, zero while unknown
        self.code = 0  # the result
        self.agreed = False  # the user wants the download that a descriptor described
        self.server = self.node = self.url = ""
        self.validator = ""  # of the package at the download server
        self.notify = ""  # where the download server wants to be told what became of it
        self.base = ""  # the firmware that took the order, as the beginning of its image's digest
        self.correlator = None  # its absence is not the empty text

    def pack(self):
        """Return the value for the journal."""
        _, layout, names, texts = _row(self)
        fields = [getattr(self, name) for name in names]
        if texts and self.agreed:
            fields[names.index("restarts")] |= _AGREED
        parts = [struct.pack(layout, _FORMAT, *fields)]
        for name in texts:
            text = getattr(self, name)
            data = b"" if text is None else text.encode()
            parts.append(struct.pack("<H", _ABSENT if text is None else len(data)))
            parts.append(data)
        return b"".join(parts)

    def attempt(self):
        """Return the number that tells this trial of the job from every other one of late."""
        return (self.serial & 31) << 3 | self.arms

    def same_order(self, other):
        """Tell whether `other` is this very order again: a 202 can be lost."""
        for name in ("kind", "server", "node", "correlator", "url"):
            if getattr(self, name) != getattr(other, name):
                return False
        return True
