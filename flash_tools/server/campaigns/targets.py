"""One device of a campaign, and what became of its order."""

from dataclasses import asdict, dataclass

WAITING, ORDERED, ACCEPTED, SUCCESS, FAILED, SKIPPED = "waiting", "ordered", "accepted", "success", "failed", "skipped"
STATES = (WAITING, ORDERED, ACCEPTED, SUCCESS, FAILED, SKIPPED)
UNDER_WAY, FINAL = (ORDERED, ACCEPTED), (SUCCESS, FAILED, SKIPPED)


@dataclass(frozen=True)
class Outcome:
    """How an order ended; where there is no code, the words of `failure` before a colon name the kind ("silent: ...")."""

    success: bool
    code: int | None = None
    failure: str = ""


@dataclass
class Target:
    """`attempts` counts every order that was placed; `forgiven` ones do not count against the retries."""

    device: str
    group: str
    state: str = WAITING
    attempts: int = 0
    forgiven: int = 0
    order: str | None = None  # the last one
    code: int | None = None  # of the last attempt that ended
    failure: str = ""

    def record(self) -> dict:
        """Return all of it for the store."""
        return asdict(self)

    @property
    def has_failed(self) -> bool:
        """Tell whether an attempt has failed."""
        return self.code is not None or bool(self.failure)

    @property
    def result(self) -> str:
        """Return what the end is counted under."""
        if self.code is None:
            if self.state == SUCCESS:
                return "success"
            return self.failure.partition(":")[0].strip()[:40] or "unknown"
        odd = self.state == FAILED and 200 <= self.code < 300
        return "%d%s" % (self.code, " (failed)" if odd else "")

    def view(self) -> dict:
        """Return it for people."""
        view = asdict(self)
        del view["forgiven"]
        return view
