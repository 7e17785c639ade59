"""What /etc/fumo-agent says: which board this is, and what the agent shall do otherwise than the board file has it.

    [linux]
    board = "rpi_nor_hat"     # a name in board/, or the path of a .py file
    [agent]
    poll_interval_ms = 3600000

`fumo config check` knows every key; here one that is unknown is passed over, so that older firmware starts with newer files.
"""

import importlib
import importlib.util
import os
import socket
import sys

from agent.errors import AgentError
from agent.options import Options

ETC = "/etc/fumo-agent"
_RANGES = {
    "linux.recovery_s": (1, 86400),
    "agent.notify_port": (-1, 65535),
    "agent.nap_ms": (1, 60000),
    "agent.poll_interval_ms": (1000, 0x3FFFFFFF),
    "agent.trial_min_ms": (0, 0x3FFFFFFF),
    "agent.trial_max_ms": (1000, 0x3FFFFFFF),
    "agent.arena_size": (1024, 65536),
}
_KEYS = {
    "board": str,
    "watchdog": str,
    "client_cert": str,
    "client_key": str,
    "recovery_s": int,
    "user": str,
}


class SettingsError(AgentError):
    """The settings are wrong; the text says how."""


class NoBoard(SettingsError):
    """Nobody has said which board this is: only the owner can, so nothing is tried again."""


class Settings:
    """The values of [linux] as attributes, those of [agent] in `agent`."""

    def __init__(self, sections, etc=ETC):
        linux, self.agent, self.etc = sections.get("linux", {}), dict(sections.get("agent", {})), etc
        for name, kind in _KEYS.items():
            value = linux.get(name)
            if value is not None and type(value) is not kind:
                raise SettingsError("linux.%s in %s is to be a %s" % (name, etc, _NAMES[kind]))
            self._check_range("linux." + name, value)
            setattr(self, name, value)
        if self.user not in (None, "yes", "no", "ask"):
            raise SettingsError("linux.user in %s is to be yes, no or ask" % etc)

    def load_board(self):
        """Return the module of the board file; SettingsError where it, or a setting over it, cannot be used."""
        board = load_board(self.board, self.etc)
        watchdog_ms = getattr(board, "WATCHDOG_MS", None)
        if type(watchdog_ms) is not int or watchdog_ms < 1:
            raise SettingsError(
                "the board file %s has no WATCHDOG_MS: say how long the watchdog is to wait" % self.board
            )
        self.options(board)
        return board

    def options(self, board):
        """Return the agent's options: the board's, and over them those of the settings."""
        found = {"name": board.__name__.rpartition(".")[2], **getattr(board, "OPTIONS", {})}
        for name, value in self.agent.items():
            usual = getattr(Options, name, None)
            if usual is not None and type(value) is not type(usual):
                raise SettingsError("agent.%s in %s is to be like %r" % (name, self.etc, usual))
            self._check_range("agent." + name, value)
            if name == "time_server":
                value = _address(value)
            if hasattr(Options, name):
                found[name] = value
        return Options(**found)

    def _check_range(self, name, value):
        least, most = _RANGES.get(name, (value, value))
        if value is not None and not least <= value <= most:
            raise SettingsError("%s in %s is to be from %d to %d" % (name, self.etc, least, most))


_NAMES = {str: "text", int: "number"}


def read(etc=ETC):
    """Return the Settings in a folder: config.toml, over it conf.d/*.toml in the order of their names."""
    sections = {}
    more = os.path.join(etc, "conf.d")
    names = sorted(name for name in _listed(more) if name.endswith(".toml"))
    for path in [os.path.join(etc, "config.toml")] + [os.path.join(more, name) for name in names]:
        for section, values in _parse(path).items():
            if isinstance(values, dict):
                sections.setdefault(section, {}).update(values)
            elif section in ("linux", "agent"):
                raise SettingsError(
                    "%s in %s is to be a section: write [%s] above its settings" % (section, path, section)
                )
    return Settings(sections, etc)


def load_board(name, etc=ETC):
    """Return the module of a board file, by its name in board/ or by its path."""
    if not name:
        raise NoBoard('no board is chosen: set board = "..." below [linux] in %s/config.toml' % etc)
    try:
        board = _load_file(name) if name.endswith(".py") else _load_module(name)
    except AgentError:
        raise
    except (Exception, SystemExit) as e:  # whatever a file of somebody's own does
        raise SettingsError(blame("the board file %s fails" % name, e)) from e
    if not callable(getattr(board, "build", None)):
        raise SettingsError("%s has no build(port): name a board file, see docs/boards" % name)
    return board


def blame(what, error):
    """Return the line about an exception that a file of somebody's own raised."""
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    place = " (%s, line %d)" % (os.path.basename(at.tb_frame.f_code.co_filename), at.tb_lineno) if at else ""
    return "%s: %s: %s%s" % (what, type(error).__name__, " ".join(str(error).split()), place)


def _load_module(name):
    if not name.isidentifier():
        raise SettingsError("linux.board is %r: name a board file, or the path of one" % name)
    try:
        return importlib.import_module("board." + name)
    except ModuleNotFoundError as e:
        if e.name not in ("board", "board." + name):
            raise
        raise SettingsError("there is no board file %s: see docs/boards, or give the path of yours" % name) from None


def _load_file(path):
    name = "board." + os.path.basename(path)[:-3]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except OSError as e:
        if e.filename != path:
            raise  # of what the file does
        raise SettingsError("cannot read the board file %s: %s" % (path, e.strerror)) from None
    except SyntaxError as e:
        raise SettingsError("the board file %s is no Python: line %s, %s" % (path, e.lineno, e.msg)) from None
    sys.modules[name] = module
    return module


def _parse(path):
    import tomllib  # late: `install` with --board does without it

    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as e:
        raise SettingsError("cannot read %s: %s" % (path, e.strerror)) from None
    except (ValueError, RecursionError) as e:
        raise SettingsError("%s is no TOML: %s" % (path, e)) from None


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return ()


def _address(text):
    address, _, port = str(text).rpartition(":")
    address = address.strip("[]")
    if not (_is_numeric(address) and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SettingsError("agent.time_server is to be a numeric ADDRESS:PORT, not %s" % text)
    return address, int(port)


def _is_numeric(address):
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, address)
            return True
        except (OSError, ValueError):
            pass
    return False  # the system would look a name up, and wait for that
