"""Unknown devices: one-time tokens that let them in, and the quarantine of those that came without."""

import hashlib
import secrets
import time

from flash_tools.errors import RefusedError, ToolError
from flash_tools.server.office.base import Base, locked

_MOST, _LONGEST_S = 100000, 366 * 86400


class Enrolment(Base):
    """What lets a device in."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._tokens = dict(self.store.records("token"))  # digest of the token -> record

    @locked
    def new_token(self, count: int = 1, valid_s: float = 86400, model: str = "", tags=()) -> dict:
        """Make a token that lets `count` devices in; it is shown only now."""
        if type(count) is not int or not 0 < count <= _MOST or not 0 < valid_s <= _LONGEST_S:
            raise ToolError("a token lets 1 to %d devices in and is valid for up to a year" % _MOST)
        token = secrets.token_urlsafe(18)
        record = {"count": count, "expires": time.time() + valid_s, "model": model, "tags": list(tags), "used": []}
        self._put(_digest(token), record)
        self.desk.commit()
        return {"token": token, "count": count, "expires": record["expires"], "model": model}

    def undo(self):
        """Take back what could not be kept; tokens are what the store says."""
        super().undo()
        self._tokens = dict(self.store.records("token"))

    def _put(self, key, record):
        self._tokens[key] = record
        self.desk.put("token", key, record)

    @locked
    def tokens(self) -> list[dict]:
        """Return the tokens that are still good, without the tokens themselves."""
        now = time.time()
        return [
            {"id": key[:8], **record} for key, record in self._tokens.items()
            if record["expires"] > now and len(record["used"]) < record["count"]
        ]  # fmt: skip

    @locked
    def drop_token(self, token_id: str):
        """Let nobody in by that token any more."""
        for key in [key for key in self._tokens if key[:8] == token_id]:
            del self._tokens[key]
            self.store.drop("token", key)
        self.desk.commit()

    @locked
    def enrol(self, token: str, device_id: str, model: str = "") -> dict:
        """Let a device in; return what it must be provisioned with. A device that never came may do it once more."""
        key = _digest(token)
        record = self._tokens.get(key)
        known = device_id in self.desk.devices
        again = record is not None and known and device_id in record["used"]  # who was removed needs another token
        if record is None or record["expires"] < time.time() or (len(record["used"]) >= record["count"] and not again):
            self.refused["token"] += 1
            raise RefusedError("the token is unknown, used up or too old: ask for another one")
        if record["model"] and record["model"] != model:
            raise RefusedError("the token is for devices of the model %s" % record["model"])
        if known and not (again and self.desk.profile(device_id).last_seen is None):
            raise RefusedError("%s is known already: remove it first if it shall be let in anew" % device_id[:256])
        if not again:
            self._put(key, {**record, "used": [*record["used"], device_id]})
        return self.add_device(device_id, tags=record["tags"])  # commits both

    @locked
    def quarantine(self) -> list[dict]:
        """Return the devices that came and are not known, the last one first."""
        return list(self.strangers.values())[::-1]

    @locked
    def accept(self, device_id: str, **options) -> dict:
        """Make an account for a device in quarantine."""
        if device_id not in self.strangers:
            raise ToolError("%s is not in quarantine" % device_id[:256])
        return self.add_device(device_id, **options)

    @locked
    def dismiss(self, device_id: str):
        """Forget a device in quarantine."""
        if self.strangers.pop(device_id, None) is None:
            raise ToolError("%s is not in quarantine" % device_id[:256])


def _digest(token):
    return hashlib.sha256(str(token).encode("utf-8", "replace")).hexdigest()
