"""What the server counts, in the text format of Prometheus 0.0.4. Labels have few values: codes and states, no ids."""

import re

_KNOWN = {  # counter of the office: (name, type, label, help)
    "devices": ("fumo_devices", "gauge", "state", "Devices by what they are at."),
    "orders": ("fumo_orders", "gauge", "state", "Orders by how far they are."),
    "results": ("fumo_results_total", "counter", "code", "Results that devices reported."),
    "refused": ("fumo_refused_total", "counter", "reason", "Requests of devices that were refused."),
    "messages": ("fumo_messages_total", "counter", "", "Management messages taken."),
    "sessions": ("fumo_sessions_total", "counter", "", "Management sessions begun."),
    "bytes_served": ("fumo_bytes_served_total", "counter", "", "Bytes of packages served."),
    "quarantined": ("fumo_devices_quarantined", "gauge", "", "Devices that nobody knows and that were here."),
    "packages": ("fumo_packages", "gauge", "", "Packages."),
    "uptime_s": ("fumo_uptime_seconds", "gauge", "", "How long the server runs."),
    "overdue": ("fumo_devices_overdue", "gauge", "", "Devices that should have called."),
}
LABELS_MAX, _LABEL_LENGTH = 64, 64
TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CODES = (*range(200, 207), *range(400, 426), *range(500, 518))
OTHER = "other"


def exposition(counters: dict, own: dict[str, tuple[str, str, float]]) -> str:
    """Return all of it; `own`: name -> (type, help, value) of what the admin app itself counts."""
    lines = []
    for key, value in counters.items():
        name, kind, label, text = _KNOWN.get(key) or _unknown(key, value)
        lines += _family(name, kind, text, _samples(name, label, value))
    for name, (kind, text, value) in own.items():
        lines += _family(name, kind, text, [(name, value)])
    return "\n".join(lines) + "\n"


def _unknown(key, value):
    name = "fumo_" + re.sub(r"[^a-z0-9_]", "_", str(key).lower())
    return name, "untyped", "kind" if isinstance(value, dict) else "", "The server's count %s." % key


def _family(name, kind, text, samples):
    head = ["# HELP %s %s" % (name, _escaped(text, False)), "# TYPE %s %s" % (name, kind)]
    return [*head, *("%s %s" % (sample, _number(value)) for sample, value in samples)]


def _samples(name, label, value):
    """Return (sample name with its label, value); what is beyond the bounds is added up."""
    if not isinstance(value, dict):
        return [(name, value)]
    counts: dict[str, float] = {}
    for each, count in value.items():
        text = _bounded(label, str(each))
        text = text if text in counts or len(counts) < LABELS_MAX - 1 else OTHER
        counts[text] = counts.get(text, 0) + (count or 0)
    return [('%s{%s="%s"}' % (name, label, _escaped(text, True)), count) for text, count in counts.items()]


def _bounded(label, text):
    if label == "code":
        return text if text.isascii() and text.isdigit() and int(text[:9]) in _CODES else OTHER
    return text if len(text) <= _LABEL_LENGTH else OTHER


def _escaped(text, is_label):
    text = text.replace("\\", "\\\\").replace("\n", "\\n").encode("utf-8", "replace").decode()
    return text.replace('"', '\\"') if is_label else text


def _number(value):
    value = value or 0
    return repr(int(value) if float(value).is_integer() else float(value))
