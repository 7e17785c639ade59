"""Makes what is in memory again as the store has it, where a transaction could not be kept: as if the server had been killed.

Whoever calls holds the desk's lock. Objects stay the same ones: sessions of other devices know them.
"""

from dataclasses import fields

from flash_tools.server.orders import Order
from flash_tools.server.profiles import Profile


def restore(desk, unkept, device_id: str):
    """Restore the records that were put, given as (kind, key), and everything of one device."""
    keys = {*unkept, ("device", device_id), ("profile", device_id)}
    keys |= {("order", order.order_id) for order in desk.orders_of(device_id)}
    for kind, key in sorted(keys):
        if kind in _KINDS:
            _KINDS[kind](desk, key, desk.store.record(kind, key))
    desk.tasks.undo()


def _order(desk, key, record):
    order = desk.orders.get(key)
    if order is None:
        return
    if record is None:
        return desk.take_back(order)
    _copy(Order(**record), order)
    desk.ended.discard(key)
    if order.settled:
        desk.open.pop(key, None)
    else:
        desk.open[key] = order


def _device(desk, key, record):
    made = desk.device_of(record) if record else None
    if made is None:
        desk.devices.pop(key, None)
    elif key in desk.devices:
        _copy(made, desk.devices[key])
    else:
        desk.devices[key] = made


def _profile(desk, key, record):
    before = desk.profiles.pop(key, None)
    if record:
        made = desk.profiles[key] = Profile(**record)
        made.last_seen = before.last_seen if before else made.last_seen


def _copy(source, target):
    for each in fields(target):
        setattr(target, each.name, getattr(source, each.name))


_KINDS = {"order": _order, "device": _device, "profile": _profile}
