"""A campaign as CSV, a line a device: for spreadsheets, which must not take what a device said for a formula."""

import csv
import io
from datetime import UTC, datetime

from flash_tools.server.admin.texts import cell

COLUMNS = ("device", "group", "state", "attempts", "order", "code", "failure")
_ORDER_COLUMNS = ("firmware_before", "firmware_after", "created", "offered", "accepted", "ended")
_TIMES = ("created", "offered", "accepted", "ended")


def table(campaign: dict, orders: list[dict]) -> bytes:
    """Return the targets of a campaign with their last orders."""
    by_id = {order["id"]: order for order in orders}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS + _ORDER_COLUMNS)
    for target in campaign["targets"]:
        order = by_id.get(target["order"]) or {}
        row = [target.get(name) for name in COLUMNS]
        row += [_moment(order.get(name)) if name in _TIMES else order.get(name) for name in _ORDER_COLUMNS]
        writer.writerow([cell(each) for each in row])
    return out.getvalue().encode("utf-8", "replace")


def _moment(seconds):
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
