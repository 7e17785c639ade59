"""Defects of the server: a name, the edits (file, text, text in its place), the tests that must notice."""

_SERVER = "flash_tools/server/"


def _defect(name, path, old, new, *tests):
    return name, [(_SERVER + path, old, new)], tuple("office_" + test for test in tests)


DEFECTS = (
    _defect(
        "a campaign's targets are not kept", "office/campaigns.py",
        'self.store.put_target(name, record["device"], record)', "pass", "campaigns",
    ),
    _defect(
        "a campaign orders from a busy device", "office/campaigns.py",
        "if profile.paused or desk.order_under_way(device_id) is not None:", "if profile.paused:", "campaigns",
    ),
    _defect(
        "who waits for a device is not told that it is free", "office/campaigns.py",
        'found |= {name for name, each in self._campaigns.items() if each.state == "running"}', "pass", "campaigns",
    ),
    _defect(
        "an abort takes nothing back", "office/campaigns.py",
        "order is not None and self._office.cancel_waiting(order)", "False", "campaigns",
    ),
    _defect(
        "what may have left is cancelled", "office/orders.py",
        'if order.result != "waiting" or order.offered:', 'if order.result != "waiting":', "orders",
    ),
    _defect(
        "200 with the old version passes for success", "orders.py",
        "        if firmware == self.firmware_before:", "        if False:", "orders",
    ),
    _defect("a silent device is never asked", "orders.py",
            "return now - (self.asked_at or self.accepted_at) >= self.silent_s", "return False", "orders"),
    _defect("a device that is at it passes for silent", "look.py",
            "elif state in _AT_REST or state is None:", "elif True:", "orders"),
    _defect("a retry takes the delta again", "desk.py", "full_only=order.attempt > 1", "full_only=False", "packages"),
    _defect("an order cancelled meanwhile leaves", "play.py",
            "            return None  # cancelled meanwhile", "            pass", "orders"),
    _defect("secrets reach the store of messages", "logbook.py",
            'body = body.replace(secret, b"*" * len(secret))', "pass", "devices"),
    _defect("strangers fill the store", "logbook.py",
            "if self._too_many(session.device.device_id, accepted, time.time() // _HOUR_S):", "if False:", "devices"),
    _defect("the bytes of a trace show digests", "trace.py",
            'body = body.replace(text, b"*" * len(text)) if text and text in body else body', "pass", "devices"),
    _defect("an unknown signer is taken", "shelf.py",
            "        if self.signers and known is None:", "        if False:", "packages"),
    _defect("a token never gets old", "office/enrolment.py", 'record["expires"] < time.time() or', "", "devices"),
    _defect("a token opens every package", "office/wire.py",
            "if known and order.package == name else None", "if known else None", "packages"),
    _defect("commands are forgotten with the server", "task_list.py",
            'self._store.put("task", task_id', '0 and self._store.put("task", task_id', "packages"),
    _defect("a backup can be read by everybody", "store/upkeep.py", "0o600", "0o644", "devices"),
)  # fmt: skip
