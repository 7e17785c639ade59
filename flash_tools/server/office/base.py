"""What all parts of the office share: the desk and its lock, the settings, the counts."""

import functools
import logging
import os
import time
from collections import Counter

from flash_tools.errors import ToolError
from flash_tools.server.desk import Desk
from flash_tools.server.dm.codec import Style
from flash_tools.server.dm.faults import Faults
from flash_tools.server.dm.server import DmServer
from flash_tools.server.logbook import Logbook
from flash_tools.server.play import Play
from flash_tools.server.store import Store, StoreError
from flash_tools.server.transcript import Transcript
from flash_tools.server.web_faults import WebFaults

_LOG = logging.getLogger("fumo")
UNKNOWN = ("refuse", "quarantine")


class StoreFailed(ToolError):
    """Nothing can be kept at the moment: what was asked for did not happen."""

    retry_after_s = 60


def locked(method):
    """Let only one thread at a time into a method; what it could not keep is taken back."""

    @functools.wraps(method)
    def call(self, *arguments, **options):
        with self.desk.changed:
            try:
                return method(self, *arguments, **options)
            except StoreError as error:
                _LOG.error("the store fails: %s", error)
                self.undo()
                raise StoreFailed("the server cannot keep it: %s" % error) from None

    return call


class Base:
    """`url` is the base of the URLs that devices are given, or a function that returns it."""

    def __init__(
        self, path=":memory:", *, url="", tls=True, server_id="fumo", random=os.urandom, style=None, faults=None,
        web_faults=None, transcript=None, ca_pem=None, inventory=True, public_packages=False, keep_days=90,
        unknown="refuse", settle_s=600.0, silent_h=24.0,
    ):  # fmt: skip
        if unknown not in UNKNOWN:
            raise ToolError("what is done with unknown devices is one of %s, not %r" % (", ".join(UNKNOWN), unknown))
        self._url, self.tls, self.server_id, self.random = url, tls, server_id, random
        self.ca_pem, self.keep_days, self.unknown = ca_pem, keep_days, unknown
        self.public_packages, self.settle_s, self.silent_s = public_packages, settle_s, silent_h * 3600
        self.faults, self.web_faults = faults or Faults(), web_faults or WebFaults()
        self.transcript = transcript if transcript is not None else Transcript()
        self.store = Store(path)
        self.desk = Desk(self.store, self.transcript, lambda: self.url)
        self.logbook = Logbook(self.desk)
        self.dm = DmServer(
            self.desk.devices, Play(self.desk, inventory), random, style=style or Style(), faults=self.faults
        )
        self.started = time.time()
        self.refused: Counter = Counter()
        self.counts: Counter = Counter()  # messages, sessions, bytes_served
        self._tally: Counter = Counter()

    @property
    def url(self) -> str:
        """Return the base of the URLs that devices are given."""
        return self._url() if callable(self._url) else self._url

    @property
    def events(self):
        """Return who tells what happens."""
        return self.desk.events

    def subscribe(self, listener):
        """Call `listener(event)` from whatever thread, with the lock held; return what ends that."""
        with self.desk.changed:
            return self.desk.events.subscribe(listener)

    def known(self, device_id: str) -> str:
        """Return the id of a device that is known, or say that it is not."""
        if device_id not in self.desk.devices:
            raise ToolError("there is no device %s" % device_id[:256])
        return device_id

    def undo(self):
        """Take back what could not be kept."""
        self.desk.rollback(self.dm.last_device)

    def close(self):
        """Close the store."""
        with self.desk.changed:
            self.store.close()
