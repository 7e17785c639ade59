"""Measures what a dead server has left in its store by the truth. Works on a copy: the next life must find the file as it is.

Each check is a function of (store as read, truth) that yields violations. What the truth says is at most as new as the store:
take the snapshot of the truth before the copy.
"""

import hashlib
import json
import shutil
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from flash_tools.server.store import Store

_FINAL = ("success", "failed", "skipped")
_FILES = ("store.db", "store.db-wal")
_LATER = ("accepted", "downloaded", "done")


@dataclass
class Kept:
    """What a store holds."""

    sound: str
    orders: list
    devices: dict
    tokens: dict
    tasks: dict
    packages: dict
    campaigns: dict
    targets: dict  # campaign -> device -> target
    reported: set  # (device, correlator, code) of events
    loose: int  # messages of no session

    @property
    def by_correlator(self):
        """Return the orders by correlator."""
        return {order["correlator"]: order for order in self.orders}


def read(folder, copy) -> Kept:
    """Read a copy of the store in `folder`; `copy` is a folder for it."""
    for name in _FILES:  # the companion that only running processes need is left behind
        Path(copy, name).unlink(missing_ok=True)
        if Path(folder, name).exists():
            shutil.copyfile(Path(folder, name), Path(copy, name))
    path = Path(copy, _FILES[0])
    plain = sqlite3.connect(path)
    store = Store(path)
    try:
        return Kept(**_read_records(store), **_read_rows(plain, store))
    finally:
        plain.close()
        store.close()


def _read_records(store):
    names = [name for name, _ in store.records("campaign")]
    return {
        "orders": [record for _, record in store.records("order")],
        "devices": dict(store.records("device")),
        "tokens": dict(store.records("token")),
        "tasks": dict(store.records("task")),
        "packages": {name: data for name, data, _ in store.packages()},
        "campaigns": dict(store.records("campaign")),
        "targets": {name: store.targets(name) for name in names},
    }


def _read_rows(plain, store):
    sessions = [row[0] for row in plain.execute("SELECT id FROM session")]
    messages = plain.execute("SELECT COUNT(*) FROM message").fetchone()[0]
    events = plain.execute("SELECT device, data FROM event WHERE kind = 'report'").fetchall()
    reports = [(device, json.loads(data)["report"]) for device, data in events]
    return {
        "sound": plain.execute("PRAGMA integrity_check").fetchone()[0],
        "reported": {(device, each["correlator"], each["code"]) for device, each in reports},
        "loose": messages - sum(len(store.messages(number)) for number in sessions),
    }


def check(kept: Kept, truth):
    """Yield what is not as it must be, at any moment."""
    if kept.sound != "ok":
        yield "integrity_check says %s" % kept.sound[:200]
    for each in (_reports, _wire, _orders, _targets, _things, _tokens, _tasks, _trace):
        yield from each(kept, truth)


def _reports(kept, truth):
    orders = kept.by_correlator
    for device, correlator, code in truth.reports:
        found = orders.get(correlator, {"reports": []})["reports"]
        if not any(each["code"] == code for each in found):
            yield "report %d of %s about %s was answered and is not in its order" % (code, device, correlator)
        if (device, correlator, code) not in kept.reported:
            yield "report %d of %s about %s was answered and is no event" % (code, device, correlator)
    for device, correlator in truth.notified:
        if not orders.get(correlator, {}).get("notifications"):
            yield "an install notification of %s about %s was answered and is lost" % (device, correlator)


def _wire(kept, truth):
    orders = kept.by_correlator
    for device, correlator in truth.wire:
        order = orders.get(correlator)
        if order is None or order["device_id"] != device or not order["offered"]:
            yield "the order %s reached %s and the store %s" % (
                correlator, device, "does not know it" if order is None else "says that it never left",
            )  # fmt: skip
    for device, correlator in truth.accepted:
        order = orders.get(correlator, {})
        if order.get("exec_status") != 202 and order.get("stage") != "done":
            yield "%s accepted %s, was answered, and the store does not know it" % (device, correlator)


def _orders(kept, truth):
    ids = {each["order_id"] for each in kept.orders}
    yield from ("order %s was answered and is lost" % order for order in set(truth.orders) - ids)
    placed = [each for each in kept.orders if each["campaign"]]
    seen = Counter((each["campaign"], each["device_id"], each["attempt"]) for each in placed)
    for key, count in seen.items():
        if count > 1:
            yield "%d orders of campaign %s for %s, attempt %d" % (count, *key)
    open_ones = Counter(each["device_id"] for each in kept.orders if each["result"] == "waiting")
    for device, count in open_ones.items():
        if count > 1:
            yield "%s has %d orders at once" % (device, count)
    for order in kept.orders:
        if order["conflicts"]:
            yield "order %s has conflicts: %s" % (order["order_id"], order["conflicts"])


def _targets(kept, truth):
    placed = Counter((each["campaign"], each["device_id"]) for each in kept.orders)
    orders = {each["order_id"]: each for each in kept.orders}
    for name, targets in kept.targets.items():
        for device, target in targets.items():
            if target["attempts"] != placed[name, device]:
                text = "campaign %s counts %d attempts of %s, there are %d orders"
                yield text % (name, target["attempts"], device, placed[name, device])
            order = orders.get(target["order"])
            if target["state"] in ("ordered", "accepted", "success") and order is None:
                yield "campaign %s: %s is %s without an order" % (name, device, target["state"])
            elif target["state"] == "success" and order["result"] not in ("done", "found"):
                yield "campaign %s: %s is a success, its order is %s" % (name, device, order["result"])


def _things(kept, truth):
    for name in truth.campaigns:
        if name not in kept.campaigns or not kept.targets[name]:
            yield "campaign %s was answered and is lost" % name
    for name, state in truth.idle.items():
        found = kept.campaigns.get(name, {"state": "lost"})["state"]
        if found != state and (state, found) != ("ready", "aborted"):
            yield "campaign %s was answered as %s and is %s" % (name, state, found)
    for name, digest in truth.uploads.items():
        if hashlib.sha256(kept.packages.get(name, b"")).hexdigest() != digest:
            yield "package %s was answered and is lost, or another" % name


def _tokens(kept, truth):
    for device, bundle in truth.bundles.items():
        if kept.devices.get(device, {}).get("client_secret") != bundle["secret"]:
            yield "%s was let in and the store does not know its secret" % device
    for token, device in truth.tokens.items():
        record = kept.tokens.get(hashlib.sha256(token.encode()).hexdigest())
        if record is None or (device is not None and device not in record["used"]):
            yield "a token %s" % ("is lost" if record is None else "let %s in and is good again" % device)


def _tasks(kept, truth):
    done = set(truth.done)
    for task, (device, value) in truth.tasks.items():
        if task not in kept.tasks and (device, value) not in done:
            yield "task %s of %s was answered, is not done and is lost" % (task, device)


def _trace(kept, truth):
    if kept.loose:
        yield "%d messages are kept of sessions that are not" % kept.loose


def check_end(kept: Kept, truth):
    """Yield what is not as it must be when all is over."""
    yield from check(kept, truth)
    for name, version in truth.campaigns.items():
        yield from _campaign_end(name, version, kept, truth)
    done = set(truth.done)
    for task, (device, value) in truth.tasks.items():
        if (device, value) not in done or task in kept.tasks:
            yield "task %s of %s was never %s" % (task, device, "answered" if (device, value) in done else "done")
    yield from _installs(truth)


def _campaign_end(name, version, kept, truth):
    record, targets = kept.campaigns[name], kept.targets[name]
    if record["state"] != "finished":
        yield "campaign %s ends %s: %s" % (name, record["state"], record["reason"])
    mine = {each["correlator"] for each in kept.orders if each["campaign"] == name}
    found = {each["device_id"] for each in kept.orders if each["campaign"] == name and each["result"] == "found"}
    good = {device for device, installed, _, good in truth.installs if good and installed == version}
    failed_not = {device for device, _, correlator, good in truth.installs if good and correlator in mine} | found
    tried = {device for device, _, correlator, _ in truth.installs if correlator in mine}
    for device, target in targets.items():
        state = target["state"]
        if state not in _FINAL:
            yield "campaign %s ends with %s %s" % (name, device, state)
        elif state == "success" and device not in good or state == "failed" and device in failed_not:
            yield "campaign %s says %s of %s, which is not so" % (name, state, device)
    for device in tried - set(targets):
        yield "%s was told to update by %s and is not in it" % (device, name)


def _installs(truth):
    seen = Counter((device, version) for device, version, _, good in truth.installs if good)
    for (device, version), count in seen.items():
        if count > 1:
            yield "%s installed %s %d times" % (device, version, count)
