"""What devices and users know for sure: every answer that they got, and what was done. What the store says is measured by it.

Thread-safe. A violation is one line; what devices see themselves is noted here, too.
"""

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Truth:
    """Lists only grow, so that who checks can take them as they are."""

    reports: list = field(default_factory=list)  # (device, correlator, code) answered with 200
    wire: list = field(default_factory=list)  # (device, correlator) of Execs that came
    accepted: list = field(default_factory=list)  # (device, correlator): 202, answered in the life that had asked
    installs: list = field(default_factory=list)  # (device, version, correlator, success)
    notified: list = field(default_factory=list)  # (device, correlator) of install notifications answered with 200
    tasks: dict = field(default_factory=dict)  # id -> (device, value), answered with 201
    done: list = field(default_factory=list)  # (device, value) of commands that came
    uploads: dict = field(default_factory=dict)  # name -> SHA-256 of the package, answered with 201
    tokens: dict = field(
        default_factory=dict
    )  # token -> the device that it let in, answered; None as long as it is new
    bundles: dict = field(default_factory=dict)  # device -> what it was provisioned with
    campaigns: dict = field(default_factory=dict)  # name -> version, answered
    orders: dict = field(default_factory=dict)  # id -> device, answered with 201
    idle: dict = field(default_factory=dict)  # name -> state that was answered, of campaigns that never start
    violations: list = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)

    def __post_init__(self):
        self.lock = threading.Lock()

    def note(self, name: str, entry):
        """Add to a list."""
        with self.lock:
            getattr(self, name).append(entry)

    def put(self, name: str, key, value):
        """Add to a dict."""
        with self.lock:
            getattr(self, name)[key] = value

    def count(self, what: str, number: int = 1):
        """Count something that is no violation."""
        with self.lock:
            self.counts[what] += number

    def violation(self, text: str, *values):
        """Note what must not be, once."""
        line = text % values
        with self.lock:
            if line not in self.violations:
                self.violations.append(line)

    def snapshot(self) -> "Truth":
        """Return a copy of what is there now."""
        with self.lock:
            kept = {key: value.copy() for key, value in vars(self).items() if key != "lock"}
        return Truth(**kept)
