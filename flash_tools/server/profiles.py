"""What is known of a device beside its account: what it says it is, what people called it, when it is expected."""

from dataclasses import dataclass, field

_MOST = 256  # characters of a value that are kept
_DEVINFO = {"./DevInfo/Man": "manufacturer", "./DevInfo/Mod": "model", "./DevInfo/DmV": "dm_version"}
_DETAIL = {"DevDetail/FwV": "firmware", "DevDetail/HwV": "hw", "DevDetail/SwV": "software"}
_DAY_S = 86400
_LATE = 1.5  # times the interval at which contacts are expected


@dataclass
class Profile:
    """One for a device. Texts come from the device and are hostile."""

    device_id: str
    name: str = ""
    tags: list[str] = field(default_factory=list)
    group: str = ""
    notify: str = ""  # where package 0 goes: "address:port", "port" of the address it last came from, or nowhere
    contact_every_s: float = 0  # 0: what it says itself, where it does
    paused: bool = False
    model: str = ""
    manufacturer: str = ""
    hw: str = ""
    software: str = ""
    firmware: str = ""
    dm_version: str = ""
    root: str = ""  # of its firmware object
    poll_s: float = 0  # what it says
    state: str = ""  # x/State
    diagnosis: str = ""
    address: str = ""
    tls: bool = False
    first_seen: float | None = None
    last_seen: float | None = None
    looked_at: float | None = None  # when its tree was last read
    woken_at: float | None = None  # when package 0 was last sent

    def take_devinfo(self, devinfo: dict) -> bool:
        """Take what it said of itself in package 1; tell whether something is new."""
        return sum(self._set(name, devinfo[uri]) for uri, name in _DEVINFO.items() if uri in devinfo) > 0

    def take_value(self, uri: str, text: str) -> bool:
        """Take a value of its tree; tell whether something is new."""
        uri = uri.removeprefix("./")
        if uri in _DETAIL:
            return self._set(_DETAIL[uri], text)
        root = self.root.removeprefix("./")
        if not root or not uri.startswith(root + "/"):
            return False
        leaf = uri[len(root) + 1 :]
        if leaf == "Ext/PollInterval" and text.isascii() and text.isdigit() and len(text) < 9:
            return self._set("poll_s", float(text))
        names = {"State": "state", "Ext/Diag": "diagnosis"}
        return leaf in names and self._set(names[leaf], text, 2048)

    def _set(self, name, value, most=_MOST):
        value = value[:most] if isinstance(value, str) else value
        if getattr(self, name) == value:
            return False
        setattr(self, name, value)
        return True

    @property
    def told(self) -> dict:
        """Return all of it, with the day only of when it was last seen: the rows of its sessions tell that better."""
        return vars(self) | {"last_seen": (self.last_seen or 0) // _DAY_S, "tags": list(self.tags)}

    @property
    def interval_s(self) -> float:
        """Return at which interval it should come, 0 where that is not known."""
        return self.contact_every_s or self.poll_s

    @property
    def next_due(self) -> float | None:
        """Return when it should come next."""
        return self.last_seen + self.interval_s if self.last_seen and self.interval_s else None

    def is_overdue(self, now: float) -> bool:
        """Tell whether it should have come long ago."""
        return bool(self.interval_s and self.last_seen and now > self.last_seen + _LATE * self.interval_s)
