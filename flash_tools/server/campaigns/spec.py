"""Reads what a campaign is to do, from TOML or from a dict as JSON brings it; says which key is wrong, and where.

Looks at no device and no package: whether those exist is for whoever has them.
"""

import difflib
import math
import re
import tomllib
from dataclasses import asdict, dataclass, field

from flash_tools.errors import ToolError
from flash_tools.server.campaigns.keys import GROUP_KEYS, KEYS, MAX_TEXT, plain, show, start_time

MAX_GROUPS = 100


@dataclass(frozen=True)
class GroupSpec:
    """A group as it was written; neither count nor percent: all that are left."""

    name: str
    count: int | None = None
    percent: float | None = None
    success: str = "100%"
    then: str = "next"
    errors: str = "10%"  # "": none stops it
    dynamic: bool = False


@dataclass(frozen=True)
class Spec:
    """A campaign as it was written; `text` is how."""

    name: str
    package: str
    filter: str = ""
    start: str = "manual"
    method: str = "download-and-update"
    retries: int = 0
    window: str = ""
    silent_h: float = 24
    confirm: str | None = None
    notify: bool = True
    parallel: int = 0  # 0: no limit
    groups: tuple[GroupSpec, ...] = (GroupSpec("all"),)
    text: str = field(default="", compare=False, repr=False)

    @property
    def start_at(self) -> float | None:
        """Return when it starts by itself: 0 is at once, None never."""
        return start_time(self.start)

    def record(self) -> dict:
        """Return all of it for the store."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict) -> "Spec":
        """Make it again; what was read once is not doubted."""
        return cls(**{**record, "groups": tuple(GroupSpec(**group) for group in record["groups"])})


def read(source: str | dict) -> Spec:
    """Read a campaign: TOML, or the same as a dict, with or without the [campaign] round it."""
    text = source if isinstance(source, str) else ""
    table = _table(source)
    reader = _Reader(text)
    groups = table.pop("group", None)
    values = reader.values("campaign", table, KEYS)
    for key in ("name", "package"):
        if key not in values:
            raise ToolError("campaign.%s is missing" % key)
    return Spec(**values, groups=reader.groups(groups), text=text) if groups is not None else Spec(**values, text=text)


def _table(source):
    if isinstance(source, str):
        if len(source) > MAX_TEXT:
            raise ToolError("the campaign has %d characters, at most %d are read" % (len(source), MAX_TEXT))
        try:
            source = tomllib.loads(source)
        except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a ValueError too
            raise ToolError("the campaign is no TOML: %s" % (" ".join(str(error).split())[:200])) from None
    if not isinstance(source, dict):
        raise ToolError("a campaign is a table, not %s" % show(source))
    if set(source) - {"campaign"} and "campaign" in source:
        other = min(str(key) for key in source if key != "campaign")
        raise ToolError("everything belongs below [campaign], %s too" % plain(other))
    table = source.get("campaign", source)
    if not isinstance(table, dict) or not table:
        raise ToolError("a campaign begins with [campaign]; name and package are what it needs")
    return dict(table)


class _Reader:
    """Checks keys one by one; knows the text only to say the line."""

    def __init__(self, text):
        self._text = text

    def wrong(self, place, key, words):
        """Return the error about a key."""
        pattern = r"(?:^|[{,])\s*\"?%s\"?\s*=" % re.escape(str(key))
        lines = [n for n, line in enumerate(self._text.splitlines(), 1) if re.search(pattern, line)]
        line = ", line %d" % lines[0] if len(lines) == 1 else ""
        return ToolError("%s.%s%s: %s" % (place, plain(key), line, words))

    def values(self, place, table, keys):
        """Return the checked values of a table."""
        values = {}
        for key, value in table.items():
            if value is None:  # JSON's way to leave a key out
                continue
            if key not in keys:
                near = difflib.get_close_matches(str(key)[:40], keys, 1)
                words = "did you mean %s?" % near[0] if near else "the keys are %s" % ", ".join(keys)
                raise self.wrong(place, key, "there is no such key; " + words)
            try:
                values[key] = keys[key](value)
            except ToolError as error:
                seen = ", not " + show(value) if str(error).startswith("write") else ""
                raise self.wrong(place, key, "%s%s" % (error, seen)) from None
        return values

    def groups(self, tables):
        """Return the groups."""
        if not isinstance(tables, list | tuple) or not 1 <= len(tables) <= MAX_GROUPS:
            raise self.wrong("campaign", "group", "write a list of 1 to %d groups" % MAX_GROUPS)
        groups = tuple(self._group(number, table) for number, table in enumerate(tables, 1))
        self._check(groups)
        return groups

    def _group(self, number, table):
        place = "campaign.group %d" % number
        if not isinstance(table, dict):
            raise ToolError("%s: a group is a table, not %s" % (place, show(table)))
        values = self.values(place, table, GROUP_KEYS)
        if "name" not in values:
            raise ToolError("%s.name is missing" % place)
        if "count" in values and "percent" in values:
            raise self.wrong(place, "percent", "a group has a count or a percent, not both")
        return GroupSpec(**values)

    def _check(self, groups):
        names = [group.name for group in groups]
        for number, group in enumerate(groups, 1):
            place, last = "campaign.group %d" % number, group is groups[-1]
            if names.index(group.name) != number - 1:
                raise self.wrong(place, "name", "there is a group %s already" % group.name)
            if not last and group.count is None and group.percent is None:
                raise ToolError("%s: write a count or a percent; only the last group takes all that are left" % place)
            if last and group.count is not None:
                words = "the last group takes all that are left; to leave devices out, use filter"
                raise self.wrong(place, "count", words)
            if group.dynamic and not last:
                raise self.wrong(place, "dynamic", "only the last group can take later devices in")
        total = math.fsum(group.percent or 0 for group in groups)
        exact = groups[-1].percent is not None
        if total > 100.001 or (exact and total < 99.999):
            raise self.wrong("campaign", "group", "the percents add up to %g, not to 100" % total)
