"""Everything that a running server can do, without sockets: devices, packages, orders, campaigns, and what became of them.

Thread-safe; whatever a user can mend raises ToolError. Things come and go as plain dicts, see views.py.
"""

import logging
import time

from flash_tools.errors import ToolError
from flash_tools.server.office.base import StoreFailed, locked
from flash_tools.server.office.campaigns import Campaigns
from flash_tools.server.office.enrolment import Enrolment
from flash_tools.server.office.history import History
from flash_tools.server.office.packages import Packages
from flash_tools.server.office.slots import Slots
from flash_tools.server.store import StoreError

_LOG = logging.getLogger("fumo")
_HOUR_S = 3600
_WAKE_AGAIN_S = 3600
_LOST = 7  # times the span after which a device counts as silent

__all__ = ["Office"]


class Office(Campaigns, Enrolment, Packages, History, Slots):
    """See office/base.py for the options."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._pruned_at = 0.0
        self._overdue: set[str] = set()

    @locked
    def tick(self):
        """Do what time brings; once a second."""
        try:
            self._advance_touched()
            self._advance_all()
            self._settle()
            self._note_overdue()
            self._put_tally()
            self._prune()
            self.desk.commit()
            self.wake_some()
        except StoreFailed:
            self.undo()
        except StoreError as error:
            _LOG.error("the store fails: %s", error)
            self.undo()

    def _settle(self):
        """End orders that have waited long enough: for what is asked after a report, or for a device that is gone."""
        for order in [each for each in self.desk.open.values() if self._is_lost(each)]:
            order.finish("silent", failure="the device accepted it and was not heard for %d silent times" % _LOST)
        for order in [each for each in self.desk.open.values() if each.finished]:
            self.desk.follow(order)

    def _is_lost(self, order):
        heard = max(order.accepted_at or 0, self.desk.profile(order.device_id).last_seen or 0)
        waits = order.result == "waiting" and order.accepted_at is not None and order.silent_s
        return waits and time.time() - heard > _LOST * order.silent_s

    def _note_overdue(self):
        """Note devices that should have come long ago, once; wake those whose order has been silent for long."""
        now = time.time()
        overdue = {key for key, profile in self.desk.profiles.items() if profile.is_overdue(now)}
        for device_id in overdue - self._overdue:
            self.desk.events.add(
                "overdue", "expected %d s ago" % (now - self.desk.profile(device_id).next_due), device=device_id
            )
        self._overdue = overdue
        for order in self.desk.open.values():
            profile = self.desk.profile(order.device_id)
            if order.is_silent(now) and profile.notify and now - (profile.woken_at or 0) > _WAKE_AGAIN_S:
                self._to_wake[order.device_id] = None

    def _prune(self):
        if self.keep_days and time.time() - self._pruned_at > _HOUR_S:
            self._pruned_at = time.time()
            self.prune(self.keep_days)

    def close(self):
        """Keep what is only counted, and close the store."""
        with self.desk.changed:
            try:
                self._put_tally()
                self.desk.commit()
            except (StoreError, ToolError) as error:
                _LOG.error("the store fails: %s", error)
        super().close()
