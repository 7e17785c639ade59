"""Works out what is drawn: the stages of an order, stacked bars, the banks of a board, the outline of a tree.

Numbers and texts in, numbers and texts out; the templates make shapes of them.
"""

_DOWNLOAD = (401, 406, 407, 411, 412, 500, 501, 503)
_VERIFY = (402, 403, 404, 405)
_STAGES = ("Ordered", "Offered", "Accepted", "Download", "Verify", "Install", "Restart", "Confirm")
_DEPTH, _NODES, _BANKS = 24, 5000, 16
PARTS = ("success", "running", "failed", "skipped", "waiting")  # in the order of a bar
_DONE_STATES = ("done", "failed", "cancelled")


def stages(order: dict) -> list[dict]:
    """Return the way of an order as {name, state, note, at}; state is done, now, failed or todo."""
    reached, failed = _reached(order), order["success"] is False or order["state"] in ("failed", "cancelled")
    rows = [{"name": name, "state": _stage_state(at, reached, failed), "note": ""} for at, name in enumerate(_STAGES)]
    for row, moment in zip(rows, (order["created"], order["offered"], order["accepted"]), strict=False):
        row["at"] = moment
    if order["exec_status"] not in (None, 202):
        rows[2]["note"] = "status %s" % order["exec_status"]
    elif order["exec_status"] == 202:
        rows[2]["note"] = "status 202"
    progress = order["progress"]
    if progress is not None and rows[3]["state"] != "todo":
        rows[3]["note"] = "%d %%" % int(100 * progress)
    if failed and order["state"] != "cancelled":
        rows[reached]["note"] = "result %s" % order["code"] if order["code"] else "failed"
        if reached >= 5:
            rows[7]["name"] = "Rolled back"
        if reached == 5:  # whether it restarted in between is not told
            rows[6:] = [{**rows[7], "state": "done", "note": str(order["firmware_after"] or "")[:24]}]
    return rows


def _stage_state(at, reached, failed):
    if at < reached:
        return "done"
    if at == reached:
        return "failed" if failed else "now"
    return "todo"


def _reached(order):
    """Return the stage that an order is at, or at which it ended."""
    if order["success"]:
        return len(_STAGES)
    if order["accepted"] is None:
        return 1 if order["offered"] is None else 2
    if order["state"] not in _DONE_STATES:
        return 4 if order["state"] == "downloaded" or (order["progress"] or 0) >= 1 else 3
    code = order["code"] or 0
    if code in _DOWNLOAD:
        return 3
    return 4 if code in _VERIFY else 5 if code in (410, 502) else 7


def bar(counts: dict) -> list[dict]:
    """Return the parts of a stacked bar as {name, count, start, share}, in per cent."""
    total = sum(counts.get(name) or 0 for name in PARTS)
    parts, start = [], 0.0
    for name in PARTS:
        number = counts.get(name) or 0
        if number:
            share = 100 * number / total
            parts.append({"name": name, "count": number, "start": "%.3f" % start, "share": "%.3f" % share})
            start += share
    return parts


def state_bar(counts: dict, tones) -> list[dict]:
    """Return the parts of the bar of all devices: those of a tone stand together."""
    order = {"ok": 0, "busy": 1, "warn": 2, "bad": 3, "calm": 4}
    names = sorted(counts, key=lambda name: (order[tones(name)], name))
    total, start, parts = sum(counts.values()) or 1, 0.0, []
    for name in names:
        share = 100 * counts[name] / total
        if counts[name]:
            parts.append({"name": name, "count": counts[name], "start": "%.3f" % start, "share": "%.3f" % share})
        start += share
    return parts


def spread(history: dict, now: float, bucket_s: int, buckets: int) -> dict:
    """Return counts over time in buckets of one length up to now; where nothing was counted they are 0."""
    first = (int(now // bucket_s) - buckets + 1) * bucket_s
    made = {name: [0] * buckets for name in history}
    made["at"] = [first + bucket_s * index for index in range(buckets)]
    for row, at in enumerate(history["at"]):
        index = int((at - first) // bucket_s)
        if 0 <= index < buckets:
            for name in set(history) - {"at"}:
                made[name][index] += history[name][row]
    return made


def banks(rows: list[dict]) -> list[dict]:
    """Return the banks of a board with how far each is filled, in per cent."""
    shown, texts = [], ("name", "state", "version")
    for row in [each for each in rows if isinstance(each, dict)][:_BANKS] if isinstance(rows, list) else []:
        try:
            fill = min(1.0, max(0.0, float(row.get("fill") or 0)))
        except (TypeError, ValueError):
            fill = 0.0
        shown.append({**{name: str(row.get(name) or "") for name in texts}, "share": "%.1f" % (100 * fill)})
    return shown


def outline(leaves: list[dict]) -> tuple[dict, int]:
    """Return the tree as nested {name, uri, leaf, nodes}, and how many leaves did not fit in."""
    root = {"name": ".", "uri": ".", "leaf": None, "nodes": {}}
    for leaf in leaves[:_NODES]:
        node, parts = root, [part for part in leaf["uri"].split("/") if part not in ("", ".")]
        if len(parts) > _DEPTH:
            parts = parts[: _DEPTH - 1] + ["/".join(parts[_DEPTH - 1 :])]
        for part in parts:
            uri = node["uri"] + "/" + part
            node = node["nodes"].setdefault(part, {"name": part, "uri": uri, "leaf": None, "nodes": {}})
        node["leaf"] = leaf
    return root, max(0, len(leaves) - _NODES)
