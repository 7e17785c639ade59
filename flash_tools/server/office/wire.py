"""What comes from devices: management messages, downloads, install notifications. All of it is kept before it is answered."""

import logging
import time

from flash_tools.server.dm.server import Reply
from flash_tools.server.office.base import Base, StoreFailed, locked
from flash_tools.server.packages import Package
from flash_tools.server.store import StoreError
from flash_tools.server.web_faults import Answer

_LOG = logging.getLogger("fumo")
_LATER = Reply(
    b"the server cannot keep anything at the moment: try again later\n", status=503, headers={"Retry-After": "60"}
)
_STRANGERS = 200  # that are remembered
_REFUSAL_S = 60  # between two events about the same device's credentials


class Wire(Base):
    """The devices' side."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.strangers: dict[str, dict] = {}
        self._refused_at: dict[str, float] = {}

    def dm_message(self, body: bytes, content_type: str, headers, address: str = "") -> Reply:
        """Do one exchange; what it changed is kept before the answer leaves."""
        return self.dm_messages([(body, content_type, headers, address)])[0]

    @locked
    def dm_messages(self, requests: list[tuple]) -> list[Reply]:
        """Do exchanges that came at the same time in one transaction; it is kept before the first answer leaves."""
        replies, touched = [], []
        try:
            for request in requests:
                replies.append(self._exchange(*request))
                touched.append((self.dm.last_device, self.dm.last_session))
            self.desk.commit()
        except (StoreError, StoreFailed) as error:
            _LOG.error("the store fails: %s", error)
            self._take_back(touched)
            return [_LATER] * len(requests)
        except BaseException:
            self._take_back(touched)
            raise
        return replies

    def _exchange(self, body, content_type, headers, address):
        started = time.time()
        reply = self.dm.handle(body, content_type, headers, tls=self.tls)
        self._note(body, content_type, reply, started, address)
        return reply

    def _take_back(self, touched):
        """Go on as if the server had been killed: the messages will be taken anew."""
        for pair in ((self.dm.last_device, self.dm.last_session), *touched):
            self.dm.last_device, self.dm.last_session = pair
            self.dm.forget_last()
            self.undo()

    def _note(self, body, content_type, reply, started, address):
        session, device_id = self.dm.last_session, self.dm.last_device
        self.counts["messages"] += 1
        self._tally["messages"] += 1
        if session is None:
            self.refused["malformed"] += 1
            _LOG.warning("refused a message from %s: %s", address, reply.body[:200].decode("utf-8", "replace").strip())
        elif device_id not in self.desk.devices:
            self._note_stranger(device_id, address)
        elif self.logbook.exchange(session, body, reply, content_type, started, address):
            self._note_contact(session, address)
            self.desk.end_exchange(device_id)
        else:
            self._note_refusal(session, address)

    def _note_contact(self, session, address):
        profile, now = self.desk.profile(session.device.device_id), time.time()
        first = profile.first_seen is None
        new = any(
            (first, profile.address != address, profile.tls != session.tls, profile.take_devinfo(session.devinfo))
        )
        profile.first_seen = profile.first_seen or now
        profile.address, profile.tls, profile.last_seen = address, session.tls, now
        if new or session.over:
            self.desk.put_profile(profile)
        self.counts["sessions"] += session.over

    def _note_refusal(self, session, address):
        """Note wrong credentials; the nonce of the challenge is kept all the same."""
        device_id, now = session.device.device_id, time.time()
        self.refused["credentials"] += 1
        self.desk.end_exchange(device_id)
        challenged_only = session.msg_id <= 1 or session.code == 407
        if challenged_only or now - self._refused_at.get(device_id, 0) < _REFUSAL_S:
            return
        self._refused_at[device_id] = now
        text = "Status %d from %s: %s" % (session.code, address, session.refusal)
        self.desk.events.add("refused", text, device=device_id)

    def _note_stranger(self, device_id, address):
        self.refused["unknown"] += 1
        _LOG.warning("refused %s from %s: the server does not know it", device_id[:256], address)
        if self.unknown != "quarantine":
            return
        now, key = time.time(), device_id[:256]
        found = self.strangers.pop(
            key, {"id": key, "first_seen": now, "times": 0, "why": "the server does not know it"}
        )
        if not found["times"] and len(self.strangers) < _STRANGERS:
            self.desk.events.add("quarantined", "from %s" % address, device="", id=key)
        self.strangers[key] = {**found, "last_seen": now, "times": found["times"] + 1, "address": address}
        while len(self.strangers) > _STRANGERS:
            del self.strangers[next(iter(self.strangers))]

    # -- downloads ----------------------------------------------------------------------------------------------------

    @locked
    def find_package(self, name: str) -> Package | None:
        """Return a package that whoever asks may have."""
        return self.desk.packages.get(name) if self.public_packages else None

    @locked
    def private_package(self, token: str, name: str) -> Package | None:
        """Return the package that the token opens."""
        order = self.desk.order_of_token(token)
        known = order is not None and order.device_id in self.desk.devices and order.result != "cancelled"
        return self.desk.packages.get(name) if known and order.package == name else None

    @locked
    def private_file(self, token: str, name: str, fields) -> Answer | None:
        """Answer a request for the file that the token opens; how far the device is becomes known by that."""
        package = self.private_package(token, name)
        if package is None or package.external:
            return None
        answer = package.answer(fields)
        self.counts["bytes_served"] += len(answer.body)
        self._tally["bytes"] += len(answer.body)
        if answer.status in (200, 206):
            first = answer.headers.get("content-range", "bytes 0-").split()[1].partition("-")[0]
            self._note_progress(self.desk.order_of_token(token), int(first) + len(answer.body), len(package.data))
        return answer

    def _note_progress(self, order, end, size):
        order.served = max(order.served, end)
        self.desk.events.add(
            "progress", "", device=order.device_id, order=order.order_id, campaign=order.campaign, keep=False,
            bytes=order.served, size=size,
        )  # fmt: skip
        self.desk.events.tell()

    @locked
    def notified(self, token: str, text: str) -> bool:
        """Take an install notification; where packages are private only the token of an order opens the place."""
        if not self.public_packages and self.desk.order_of_token(token) is None:
            return False
        return self.desk.intake.take_notification(token, text)
