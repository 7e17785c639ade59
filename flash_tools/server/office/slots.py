"""Places on a test bench: power, console and banks of devices that are simulated or in a rig, spoken to over HTTP."""

import http.client
import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from flash_tools.errors import ToolError
from flash_tools.server.office.base import Base, locked

_ACTIONS = {"on": "1", "off": "0", "cycle": "cycle"}
_TIMEOUT_S, _CYCLE_S = 2, 15
_PART = 1 << 14  # bytes of an answer that are waited for at a time
_MOST_ANSWER, _MOST_SLOTS, _LINES = 1 << 18, 64, 200

_BAD = (OSError, ValueError, RecursionError, http.client.HTTPException)  # what an answer may lead to


class Slots(Base):
    """A slot is a name and the base of URLs: see docs/simulator.md for what is behind them."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._slots = dict(self.store.records("slot"))

    def undo(self):
        """Take back what could not be kept; places are what the store says."""
        super().undo()
        self._slots = dict(self.store.records("slot"))

    @locked
    def add_slot(self, name: str, url: str, device_id: str = "") -> dict:
        """Add a place, or put another there."""
        if (
            not 0 < len(name) <= 64
            or not name.isprintable()
            or (len(self._slots) >= _MOST_SLOTS and name not in self._slots)
        ):
            raise ToolError("a slot has a name of 1 to 64 characters, and there are %d at most" % _MOST_SLOTS)
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ToolError("a slot is at an http or https URL, not at %r" % url[:128])
        self._slots[name] = {"url": url.rstrip("/"), "device": device_id}
        self.desk.put("slot", name, self._slots[name])
        self.desk.commit()
        return {"name": name, **self._slots[name]}

    @locked
    def remove_slot(self, name: str):
        """Take a place out."""
        self._slot(name)
        del self._slots[name]
        self.store.drop("slot", name)
        self.desk.commit()

    def _slot(self, name):
        if name not in self._slots:
            raise ToolError("there is no slot %s" % name[:64])
        return self._slots[name]

    def slots(self) -> list[dict]:
        """Return all places as they are at the moment. Asks them, hence takes a while: never on an event loop."""
        with self.desk.changed:
            known = dict(self._slots)
        if not known:
            return []
        with ThreadPoolExecutor(min(8, len(known))) as pool:
            return list(pool.map(lambda pair: _look(*pair), known.items()))

    def slot_power(self, name: str, action: str) -> dict:
        """Give power, take it, or both. Takes a while."""
        if action not in _ACTIONS:
            raise ToolError("power goes on, off or cycle, not %s" % action[:32])
        with self.desk.changed:
            slot = dict(self._slot(name))
        try:
            _get("%s/%s" % (slot["url"], _ACTIONS[action]), _CYCLE_S)
        except _BAD as error:
            raise ToolError("the power switch of %s does not answer: %s" % (name, error)) from None
        with self.desk.changed:
            self.desk.events.add(
                "slot", "%s: power %s" % (name, action), device=slot["device"], slot=name, action=action
            )
            self.desk.commit()
        return _look(name, slot)


def _get(url, timeout=_TIMEOUT_S):
    end, data = time.monotonic() + timeout, b""
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        while (part := answer.read1(_PART)) and len(data) < _MOST_ANSWER:
            data += part
            if time.monotonic() > end:
                raise TimeoutError("the answer comes too slowly")
    return data[:_MOST_ANSWER].decode("utf-8", "replace")


def _look(name, slot):
    found = {"name": name, **slot, "power": None, "console": [], "banks": [], "error": ""}
    try:
        found["power"] = _get(slot["url"]).strip() == "1"
        found["console"] = _get(slot["url"] + "/console").splitlines()[-_LINES:]
        found["banks"] = json.loads(_get(slot["url"] + "/banks"))["banks"]
    except urllib.error.HTTPError:
        pass  # a switch that knows power only
    except (*_BAD, KeyError, TypeError) as error:
        found["error"] = str(error)
    return found
