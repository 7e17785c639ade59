"""What devices report in Generic Alerts: which operation it is about, in every spelling that clients use, and its code."""

from dataclasses import dataclass

from flash_tools.server.dm.commands import ClientAlert

KINDS = ("download", "update", "downloadandupdate")
REQUESTS = ("userrequest", "devicerequest")
_TEXT = 255  # characters of what a device says that are kept
_PREFIXES = ("content-type:", "reversed-domain-name:")
_FAMILIES = ("org.openmobilealliance.dm.firmwareupdate.",)
_FAMILIES += ("org.openmobilealliance.firmwareupdate.",)


def alert_kind(alert_type: str) -> str:
    """Return the last word of a firmware alert's type, in every form that clients use; "" for other alerts."""
    text = alert_type.strip().lower()
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix).strip()
    family = next((family for family in _FAMILIES if text.startswith(family)), None)
    kind = text.removeprefix(family) if family else ""
    return kind if kind in KINDS + REQUESTS else ""


@dataclass(frozen=True)
class Report:
    """A Generic Alert about an operation, as it came; `copy`: the same was reported before."""

    kind: str
    code: int  # -1: it is no number
    correlator: str | None
    source: str
    format: str
    mark: str
    type: str
    session_id: str
    copy: bool = False
    at: float = 0


def read_report(alert: ClientAlert, session_id: str, at: float = 0) -> Report:
    """Read an alert."""
    text = alert.data.decode("utf-8", "replace").strip()
    code = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    kind = alert_kind(alert.type)
    texts = (text[:_TEXT] for text in (alert.source, alert.format, alert.mark, alert.type))
    return Report(kind, code, (alert.correlator or "")[: 2 * _TEXT] or None, *texts, session_id, at=at)
