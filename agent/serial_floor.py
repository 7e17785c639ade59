"""What the next firmware must not fall below, kept where serial recovery overwrites the bank that said so.

As long as a bank is confirmed, its signed manifest says it: a security counter and keys that are no longer trusted. Before that
manifest is erased it goes into a journal value of its own, which is forgotten once a trial has passed. Until then it binds
servers, too: the bank that is left may demand less.
"""

import struct

from agent.compat import const
from agent.fields import Fields
from agent.job import FLOOR
from agent.verify import read_manifest

_HEAD = "<BI"  # format, counter; then the ids of revoked keys, a blank between two
_FORMAT = const(1)
_MOST = const(2304)  # a manifest's worth of keys


def demands(journal, boot, banks, identity, stays):
    """Return what a package is held against: like the manifest of a running bank. `stays`: that of the bank that is kept."""
    confirmed = None if boot.void else read_manifest(banks[boot.confirmed()], identity)
    return bind(journal, stays, confirmed)


def bind(journal, running, confirmed=None):
    """Return what a package is held against while `running`, or nothing, is what a delta may start from."""
    found = Fields()
    found.sha256, found.size = (running.sha256, running.size) if running else (b"", 0)
    found.counter, found.revoked = _load(journal)
    for manifest in (running, confirmed):
        if manifest:
            found.counter = max(found.counter, manifest.counter)
            found.revoked = found.revoked + manifest.revoked
    return found


def pack(found, identity):
    """Return the value for the journal; only keys that this device would trust matter."""
    names = [name for name, _ in identity.anchors if name in found.revoked]
    return struct.pack(_HEAD, _FORMAT, found.counter) + " ".join(names).encode()


def _load(journal):
    data = bytearray(_MOST)
    size = journal.get(FLOOR, data)
    if size <= 0 or data[0] != _FORMAT:
        return 0, []
    counter = struct.unpack_from(_HEAD, data, 0)[1]
    return counter, str(memoryview(data)[struct.calcsize(_HEAD) : size], "utf-8").split()
