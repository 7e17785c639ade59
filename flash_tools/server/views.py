"""Devices and orders as people and scripts see them: plain dicts. Whoever calls holds the desk's lock."""

import time

_ROW_KEYS = ("id", "name", "model", "firmware", "state", "last_seen", "group", "progress", "next_due", "target")
_TIMELINE, _SESSIONS, _ORDERS = 200, 20, 50


def state(desk, device_id: str, now: float | None = None) -> str:
    """Return a device's state in a word."""
    profile, order = desk.profile(device_id), _last(desk, device_id)
    if profile.paused:
        return "paused"
    if order is None:
        return "idle" if profile.first_seen else "new"
    if order.word in ("done", "failed"):
        return order.word
    if order.word == "cancelled":
        return "idle" if profile.first_seen else "new"
    return _under_way(desk, order, now or time.time())


def _under_way(desk, order, now):
    if order.is_silent(now):
        return "silent"
    if order.word in ("waiting", "offered"):
        return "ordered"
    size = _size(desk, order)
    if order.word == "downloaded" or (size and order.served >= size):
        return "installing"
    return "downloading" if order.served else "accepted"


def _last(desk, device_id):
    orders = desk.orders_of(device_id)
    return desk.order_under_way(device_id) or (orders[-1] if orders else None)


def _size(desk, order):
    package = desk.packages.get(order.package)
    return package.size if package else 0


def _progress(desk, order):
    size = _size(desk, order)
    if order is None or not size or order.word not in ("accepted", "offered", "downloaded"):
        return None
    return round(min(1, order.served / size), 4)


def row(desk, device_id: str) -> dict:
    """Return a device in a line."""
    device, profile, order = desk.devices[device_id], desk.profile(device_id), _last(desk, device_id)
    now, live = time.time(), desk.order_under_way(device_id)
    return {
        "id": device_id, "name": profile.name, "model": profile.model, "manufacturer": profile.manufacturer,
        "hw": profile.hw, "firmware": profile.firmware, "target": live.version if live else "",
        "state": state(desk, device_id, now), "progress": _progress(desk, live) if live else None,
        "code": order.code if order else None, "last_seen": profile.last_seen, "next_due": profile.next_due,
        "overdue": profile.is_overdue(now), "address": profile.address, "tags": list(profile.tags),
        "group": profile.group, "paused": profile.paused, "tls": profile.tls, "auth": device.auth,
        "order": order.order_id if order else None, "campaign": order.campaign if order else "",
    }  # fmt: skip


def row_fits(found: dict, text: str, wanted: str, campaign: str, tag: str) -> bool:
    """Tell whether a line fits a search."""
    if (wanted and found["state"] != wanted) or (campaign and found["campaign"] != campaign):
        return wanted == "overdue" and found["overdue"] and not campaign
    if tag and tag not in found["tags"]:
        return False
    words = " ".join([*(str(found[key]) for key in ("id", "name", "model", "firmware", "group")), *found["tags"]])
    return text.lower() in words.lower()


def sort_key(found: dict, key: str):
    """Return what lines are sorted by."""
    value = found[key if key in _ROW_KEYS else "id"]
    return (value is not None, value if isinstance(value, int | float) else 0, str(value or ""), found["id"])


def device(desk, device_id: str) -> dict:
    """Return everything about a device but its secrets."""
    account, profile = desk.devices[device_id], desk.profile(device_id)
    orders = [order(desk, each) for each in desk.orders_of(device_id)[-_ORDERS:]][::-1]
    live = desk.order_under_way(device_id)
    return {
        **row(desk, device_id),
        "first_seen": profile.first_seen, "root": profile.root, "notify": profile.notify, "diagnosis": profile.diagnosis,
        "contact_every_s": profile.contact_every_s, "poll_s": profile.poll_s, "fumo_state": profile.state,
        "software": profile.software, "dm_version": profile.dm_version,
        "account": {
            "auth": account.auth, "server_auth": account.server_auth, "user": account.client_name,
            "server_id": account.server_id,
        },
        "order": order(desk, live) if live else None, "orders": orders,
        "timeline": desk.store.events(device=device_id, limit=_TIMELINE),
        "tree": desk.store.nodes(device_id),
        "sessions": [session(each) for each in desk.store.sessions(device_id, _SESSIONS)],
        "tasks": [task.view() for task in desk.tasks.of(device_id) if task.task_id],
    }  # fmt: skip


def order(desk, found) -> dict:
    """Return an order."""
    return {
        "id": found.order_id, "device": found.device_id, "campaign": found.campaign, "group": found.group,
        "attempt": found.attempt, "package": found.package, "version": found.version, "method": found.method,
        "correlator": found.correlator, "state": found.word, "success": found.success, "code": found.code,
        "result": found.result, "failure": found.failure, "exec_status": found.exec_status,
        "progress": _progress(desk, found), "bytes": found.served, "size": _size(desk, found),
        "firmware_before": found.firmware_before, "firmware_after": found.firmware_version, "fumo_state": found.state,
        "created": found.created, "offered": found.offered_at, "accepted": found.accepted_at, "ended": found.ended_at,
        "reports": [
            {"kind": each.kind, "code": each.code, "correlator": each.correlator, "mark": each.mark, "copy": each.copy,
             "at": each.at, "session": each.session_id}
            for each in found.reports
        ],
        "notifications": list(found.notifications), "conflicts": list(found.conflicts), "sessions": list(found.sessions),
        "statuses": [list(each) for each in found.statuses],
    }  # fmt: skip


def session(found: dict) -> dict:
    """Return a session."""
    return {**found, "tls": bool(found["tls"])}
