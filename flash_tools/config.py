"""The settings: where they come from, which one counts, and what is wrong with them.

Each of these outweighs those before it: /etc/fumo-agent/config.toml, conf.d/*.toml beside it, ~/.config/fumo/config.toml,
./fumo.toml, and variables FUMO_SECTION__KEY. What a command is told itself outweighs them all.
"""

import os
import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from flash_tools.config_schema import BY_NAME, SETTINGS, Setting
from flash_tools.errors import NotFoundError, ToolError
from flash_tools.target import split

_VARIABLE = re.compile(r"FUMO_[A-Z0-9]+__[A-Z0-9_]+\Z")
_TOML_PLACE = re.compile(r"(.*) \(at line (\d+), column \d+\)\Z")
_BOOLS = {"true": True, "1": True, "false": False, "0": False}
_NAMES = {str: "a text", int: "a number", bool: "true or false", list: "a list of texts"}
DEFAULT = "default"
FOLDER_FILE = "fumo.toml"
_PRIVATE = (
    "%s: %s is not taken from a folder's %s, whoever wrote that could lead you anywhere: ~/.config/fumo/config.toml"
)


@dataclass(frozen=True)
class Places:
    """Where settings are looked for; tests give other ones."""

    etc: Path = Path("/etc/fumo-agent")
    home: Path = field(default_factory=lambda: Path(os.path.expanduser("~")))
    here: Path = field(default_factory=Path)
    environment: dict = field(default_factory=lambda: dict(os.environ), repr=False)

    def files(self) -> list[Path]:
        """Return the files that are there, the weakest first."""
        found = [self.etc / "config.toml", *sorted((self.etc / "conf.d").glob("*.toml"))]
        found += [self.home / ".config/fumo/config.toml", self.here / FOLDER_FILE]
        return [path for path in found if _is_there(path)]


def _is_there(path):
    """Tell whether there is a file; a folder that this user may not look into is not meant for him."""
    try:
        return path.is_file()
    except OSError:
        return False


@dataclass
class Config:
    """What was found: values with their origins, and problems, one line each."""

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def get(self, name: str) -> object:
        """Return a setting, its default where nobody has set it."""
        return self.values.get(name, BY_NAME[name].default)

    def origin(self, name: str) -> str:
        """Return where it comes from."""
        return self.origins.get(name, DEFAULT)


def value(name: str, places: Places | None = None) -> object:
    """Return a setting; raise ToolError where the settings are broken."""
    return load(places).get(name)


def load(places: Places | None = None) -> Config:
    """Return all settings; raise ToolError with the first problem."""
    config = examine(places)
    if config.problems:
        more = " (and %d more: fumo config check)" % (len(config.problems) - 1) if len(config.problems) > 1 else ""
        raise ToolError(config.problems[0] + more)
    return config


def examine(places: Places | None = None) -> Config:
    """Return all settings that are right, and what is wrong with the others."""
    places = places or Places()
    config = Config()
    for path in places.files():
        _add_file(config, path, path == places.here / FOLDER_FILE)
    _add_environment(config, places.environment)
    _compare(config)
    return config


def examine_file(path: Path) -> Config:
    """Look at one file alone."""
    config = Config()
    if not path.exists():
        raise NotFoundError("there is no file %s" % path)
    _add_file(config, path)
    return config


def agent_options(config: Config) -> dict:
    """Return what was set of the agent's options, for a board file: Options(**agent_options(load()))."""
    found = {name[6:]: given for name, given in config.values.items() if name.startswith("agent.")}
    if "time_server" in found:
        address, _, port = found["time_server"].rpartition(":")
        found["time_server"] = (address.strip("[]"), int(port))
    return found


# -- files ----------------------------------------------------------------------------------------------------------------


def _add_file(config, path, in_folder=False):
    try:
        text = path.read_text()
        given = tomllib.loads(text)
    except OSError as e:
        config.problems.append("%s: cannot be read: %s" % (path, e.strerror))
        return
    except UnicodeDecodeError:
        config.problems.append("%s: is no UTF-8 text" % path)
        return
    except tomllib.TOMLDecodeError as e:
        place = _TOML_PLACE.match(str(e))
        config.problems.append("%s:%s: %s" % (path, place[2], place[1]) if place else "%s: %s" % (path, e))
        return
    except (ValueError, RecursionError):  # a number of thousands of digits, or nested too deeply
        config.problems.append("%s: is no TOML that can be read" % path)
        return
    for section, content in given.items():
        if not isinstance(content, dict):
            config.problems.append(
                "%s: %s stands outside of a section%s" % (_place(path, text, "", section), section, _near(section))
            )
            continue
        for key, found in content.items():
            name, origin = "%s.%s" % (section, key), _place(path, text, section, key)
            if in_folder and _is_private(name, found):
                config.problems.append(_PRIVATE % (origin, name, FOLDER_FILE))
            else:
                _add(config, name, found, origin)


def _is_private(name, found):
    """Tell whether a folder that somebody else made must not set this: a token's way, code that is loaded for a key."""
    if name == "package.key":
        return isinstance(found, str) and found.startswith("pkcs11:") and "?" in found
    return name in BY_NAME and BY_NAME[name].private


def _place(path, text, section, key):
    """Return file:line of a key, the file alone where the line cannot be told."""
    now = ""
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[([^\]]*)\]", line)
        if head:
            now = head[1].strip().strip("\"'")
        elif now == section and re.match(r"\s*[\"']?%s[\"']?\s*[=.]" % re.escape(key), line):
            return "%s:%d" % (path, number)
        elif not now and section and re.match(r"\s*%s\s*\.\s*%s\s*=" % (re.escape(section), re.escape(key)), line):
            return "%s:%d" % (path, number)
    return str(path)


# -- variables --------------------------------------------------------------------------------------------------------------


def _add_environment(config, environment):
    for name in sorted(environment):
        if _VARIABLE.match(name):
            setting = name[5:].replace("__", ".", 1).lower()
            known = BY_NAME.get(setting)
            _add(config, setting, _of_text(known, environment[name]) if known else None, name)


def _of_text(setting, text):
    """Return the value that a variable's text stands for; a text that is none stays one, and is complained of."""
    if setting.kind is bool:
        return _BOOLS.get(text.lower(), text)
    if setting.kind is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    if setting.kind is int:
        try:
            return int(text, 0)
        except ValueError:
            return text
    return text


# -- what may be -------------------------------------------------------------------------------------------------------------


def _add(config, name, found, origin):
    setting = BY_NAME.get(name)
    if not setting:
        config.problems.append("%s: there is no setting %s%s" % (origin, name, _near(name)))
        return
    fault = _fault(setting, found)
    if fault:
        config.problems.append("%s: %s is %s" % (origin, name, fault))
        return
    config.values[name], config.origins[name] = found, origin


def _near(name):
    """Return what may have been meant: the same key in another section, a name that is close, a key that is close."""
    tails = {setting.name.partition(".")[2]: setting.name for setting in SETTINGS}
    tail = name.rpartition(".")[2]
    near = [tails[tail]] if tail in tails else get_close_matches(name, BY_NAME, 1, 0.6)
    near = near or [tails[each] for each in get_close_matches(tail, tails, 1, 0.8)]
    return ": did you mean %s?" % near[0] if near else ""


def _fault(setting: Setting, found) -> str:
    """Return what a setting has to be, "" where it is that."""
    if type(found) is not setting.kind or setting.kind is list and not all(isinstance(each, str) for each in found):
        return _NAMES[setting.kind]
    if setting.kind is int and setting.least is not None and not setting.least <= found <= setting.most:
        return "a number from %d to %d, not %d" % (setting.least, setting.most, found)
    if setting.kind in (str, list) and not found and setting.name != "agent.name":
        return "not empty"
    return _RULES[setting.name](found) if setting.name in _RULES else ""


def _target(text):
    try:
        split(text)
    except ToolError:
        return "KIND:PLACE, e.g. sim:dev0 or spi:/dev/spidev0.0"
    return ""


def _root(text):
    return "" if text.startswith("./") and len(text) > 2 else "a path that begins with ./"


def _time_server(text):
    address, _, port = text.rpartition(":")
    good = address and port.isascii() and port.isdigit() and 0 < int(port) < 65536
    return "" if good and re.match(r"[0-9.]+\Z|\[[0-9A-Fa-f:.]+\]\Z", address) else "numeric ADDRESS:PORT"


def _url(text):
    return "" if re.match(r"https?://[^/@\s]+(/\S*)?\Z", text) else "http(s)://HOST[:PORT], without a password"


_RULES = {"board.target": _target, "agent.root": _root, "agent.time_server": _time_server, "server.url": _url}


def _compare(config):
    """Say what is wrong between two settings."""
    if config.get("agent.trial_min_ms") > config.get("agent.trial_max_ms"):
        origin = config.origins.get("agent.trial_min_ms") or config.origin("agent.trial_max_ms")
        config.problems.append("%s: agent.trial_min_ms is above agent.trial_max_ms" % origin)
    if "server.token_file" in config.values and "server.url" not in config.values:
        config.problems.append("%s: server.token_file needs server.url" % config.origin("server.token_file"))
