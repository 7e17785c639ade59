"""What a scenario wishes of a board's agent: the same names for simulated, emulated and real boards, as a file of the board."""

import json
from dataclasses import asdict, dataclass

from flash_tools.errors import ToolError

WISHES = "wishes.json"


@dataclass(frozen=True)
class Wishes:
    """`user` is yes, no or ask; `words` are further options that only a simulated device has."""

    xml: bool = False
    user: str = "ask"
    trial_s: int = 0
    trial_max_s: int = 20
    poll_s: int = 86400
    notify_port: int = 0
    words: tuple = ()

    def options(self) -> list[str]:
        """Return the command line options of a simulated device."""
        named = {"--trial-s": self.trial_s, "--trial-max-s": self.trial_max_s, "--poll-s": self.poll_s}
        named.update({"--notify-port": self.notify_port, "--user": self.user})
        flat = [str(word) for pair in named.items() for word in pair]
        return [*flat, "--xml" if self.xml else "--wbxml", *map(str, self.words)]

    def pack(self) -> bytes:
        """Return the file."""
        return json.dumps(asdict(self)).encode()


def unpack(data: bytes) -> Wishes:
    """Return what a file says."""
    try:
        found = json.loads(data)
        return Wishes(**{**found, "words": tuple(found.get("words", ()))})
    except (ValueError, TypeError, AttributeError):
        raise ToolError("%s does not hold what a scenario wishes: renew the board" % WISHES) from None
