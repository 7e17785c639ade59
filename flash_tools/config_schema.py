"""The settings as data: what each is called, what it may be, what it is for, and who reads it.

A reader is an option of a command ("package build --key": it is used where neither the option nor its variable is given)
or a place in the code. What nobody reads is not here; a test holds every reader to what there is.
"""

from dataclasses import dataclass

from agent.options import Options

_MOST_MS = 0x3FFFFFFF
_BOARD = ("flash info", "flash read", "flash write", "flash erase", "flash verify", "dump", "doctor")
_SERVER = (
    "package add", "package list", "package remove", "package trust", "order", "orders list", "orders show", "orders cancel",
    "notify",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One setting; `kind` is str, int, bool or list (of texts)."""

    name: str
    kind: type
    doc: str
    readers: tuple[str, ...]
    default: object = None
    least: int | None = None
    most: int | None = None
    private: bool = (
        False  # never from ./fumo.toml, which anybody may have written: it would send the user's token anywhere
    )

    @property
    def variable(self) -> str:
        """Return the environment variable that sets it."""
        return "FUMO_" + self.name.replace(".", "__").upper()


def _options(commands, option):
    return tuple("%s %s" % (command, option) for command in commands)


def _agent(name, doc, least=None, most=None):
    default = getattr(Options, name)
    kind = str if default is None else type(default)
    return Setting("agent." + name, kind, doc, ("agent/options.py",), default, least, most)


def _linux(name, kind, doc, least=None, most=None):
    return Setting("linux." + name, kind, doc, ("ports/cpython_linux/settings.py",), None, least, most)


SETTINGS = (
    Setting("board.target", str, "the board that is meant, KIND:PLACE", ("every --board",)),
    Setting("board.layout", str, "what lies where: a board file's name, or a JSON file", _options(_BOARD, "--layout")),
    Setting("serial.baud", int, "speed of serial:PORT", ("flash_tools/target.py",), None, 50, 9_999_999),
    Setting("spi.hz", int, "clock of spi:DEVICE", ("flash_tools/target.py",), None, 10_000, 200_000_000),
    Setting("package.key", str, "the key that signs, as the commands take it",
            ("package build --key", "package delta --key", "package verify --key")),
    Setting("package.product", str, "product that packages are for", _options(("package build", "package delta"), "--product")),
    Setting("package.model", list, "models that may take packages", _options(("package build", "package delta"), "--model")),
    Setting("server.folder", str, "folder of a server", _options(_SERVER, "--dir")),
    Setting("server.url", str, "a running server's page, instead of a folder", _options(_SERVER, "--url"), private=True),
    Setting("server.token_file", str, "file with what that server's page wants", _options(_SERVER, "--token"), private=True),
    _linux("board", str, "a Linux board's board file: a name in board/, or a path"),
    _linux("watchdog", str, "the watchdog's device, where it is not /dev/watchdog0"),
    _linux("user", str, "what the user says whom a server asks: yes, no, or ask at the console"),
    _linux("recovery_s", int, "seconds in serial recovery without a message", 1, 86400),
    _linux("client_cert", str, "file of the device's own certificate for TLS, PEM"),
    _linux("client_key", str, "file of its key, PEM"),
    _agent("name", "what the board is called"),
    _agent("root", "where the firmware object is"),
    _agent("notify_port", "UDP port for notifications, 0 for any that is free, -1 for none", -1, 65535),
    _agent("nap_ms", "most that the loop rests", 1, 60000),
    _agent("poll_interval_ms", "how often a server is asked", 1000, _MOST_MS),
    _agent("needs_server", "a trial passes only if a server was reached"),
    _agent("trial_min_ms", "a trial lasts so long at least", 0, _MOST_MS),
    _agent("trial_max_ms", "a trial lasts so long at most", 1000, _MOST_MS),
    _agent("time_server", "an SNTP server, numeric ADDRESS:PORT"),
    _agent("wbxml", "talk WBXML instead of XML"),
    _agent("insecure", "accept less than MAC without TLS: for benches"),
    _agent("small", "unload modules between the phases"),
    _agent("arena_size", "bytes for a message's commands", 1024, 65536),
)  # fmt: skip
BY_NAME = {setting.name: setting for setting in SETTINGS}
