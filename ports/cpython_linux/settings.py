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
import sys

from agent.errors import AgentError
from agent.options import Options

ETC = "/etc/fumo-agent"
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

    def __init__(self, sections):
        linux, self.agent = sections.get("linux", {}), dict(sections.get("agent", {}))
        for name, kind in _KEYS.items():
            value = linux.get(name)
            if value is not None and type(value) is not kind:
                raise SettingsError("linux.%s in %s is to be a %s" % (name, ETC, _NAMES[kind]))
            setattr(self, name, value)
        if self.user not in (None, "yes", "no", "ask"):
            raise SettingsError("linux.user in %s is to be yes, no or ask" % ETC)

    def options(self, board):
        """Return the agent's options: the board's, and over them those of the settings."""
        found = {"name": board.__name__.rpartition(".")[2], **getattr(board, "OPTIONS", {})}
        for name, value in self.agent.items():
            usual = getattr(Options, name, None)
            if usual is not None and type(value) is not type(usual):
                raise SettingsError("agent.%s in %s is to be like %r" % (name, ETC, usual))
            if name == "time_server":
                value = _address(value)
            if hasattr(Options, name):
                found[name] = value
        return Options(**found)


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
    return Settings(sections)


def load_board(name):
    """Return the module of a board file, by its name in board/ or by its path."""
    if not name:
        raise NoBoard('no board is chosen: set board = "..." below [linux] in %s/config.toml' % ETC)
    if name.endswith(".py"):
        return _load_file(name)
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
    if not (address and port.isdigit()):
        raise SettingsError("agent.time_server is to be ADDRESS:PORT, not %s" % text)
    return address.strip("[]"), int(port)
