"""Brings what is stored somewhere to what is wanted there, file by file, so that it can be cut short and run again.

A store is `digests(paths) -> {path: SHA-256 or None}`, `read(path) -> bytes or None`, `write(path, data)` that takes all
of the file or none, and `remove(path)`. Which files are ours is what the manifest there says, and, while a run is under
way, a second file that is written before the first change and names the old and the new ones.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from flash_tools.deploy.files import MADE_BY, MANIFEST, digest
from flash_tools.errors import ToolError

UNDER_WAY = "manifest.part"
_MAX_NAMES = 10000


@dataclass
class Plan:
    """What is to be written, what is the same, what of ours goes, and what of others is in the way."""

    write: dict[str, bytes] = field(default_factory=dict)
    same: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    ours: set[str] = field(default_factory=set)
    under_way: bool = False
    where: str = ""

    @property
    def bytes(self) -> int:
        """Return how much is written."""
        return sum(map(len, self.write.values()))


def compare(store, files: dict[str, bytes]) -> Plan:
    """Return what has to be done so that these files, and none of our former ones, are there."""
    ours, under_way = _ours(store)
    shadows = {_source(place) for place in files if place.endswith(".mpy")} - files.keys()
    names = [*files, *sorted(shadows | (ours - files.keys() - shadows))]
    found = store.digests(names)
    plan = Plan(ours=ours, under_way=under_way)
    for place, data in sorted(files.items(), key=lambda item: item[0] == MANIFEST):  # the manifest is the last one
        if found[place] == digest(data):
            plan.same.append(place)
        else:
            plan.write[place] = data
            if found[place] and place not in ours and place != MANIFEST:
                plan.foreign.append(place)
    gone = sorted(name for name in ours - files.keys() if found[name])
    plan.foreign += sorted(name for name in shadows - ours if found[name])
    plan.remove = gone + (_parts(store, files, ours) if under_way else [])
    return plan


def _parts(store, files, ours):
    """Return what a run that was cut short has left of files that are not written now."""
    names = [name + ".part" for name in sorted(ours - files.keys())]
    found = store.digests(names)
    return [name for name in names if found[name]]


def run(
    store,
    plan: Plan,
    files: dict[str, bytes],
    overwrite: bool = False,
    tell: Callable[[str, int, int], None] | None = None,
) -> Plan:
    """Do it: the manifest is the last file that is written."""
    if plan.foreign and not overwrite:
        raise ToolError(
            "%s is there and was not put there by %s: look at it, then use --overwrite" % (plan.foreign[0], MADE_BY)
        )
    plan.remove += [name for name in plan.foreign if name not in files]
    if not plan.write and not plan.remove and not plan.under_way:
        return plan
    names = sorted({*files, *plan.ours, *plan.remove} - {MANIFEST})
    store.write(UNDER_WAY, json.dumps({"made_by": MADE_BY, "files": names}).encode())
    for place in plan.remove:  # first: a source beside its compiled form would be taken instead
        store.remove(place)
    for number, (place, data) in enumerate(plan.write.items(), 1):
        if tell:
            tell(place, number, len(plan.write))
        store.write(place, data)
    store.remove(UNDER_WAY)
    return plan


def _ours(store):
    """Return (names that are ours, whether a run was cut short)."""
    names, under_way = set(), False
    for file in (MANIFEST, UNDER_WAY):
        data = store.read(file)
        if data is not None:
            names |= _names(file, data)
            under_way = under_way or file == UNDER_WAY
    return names, under_way


def _names(file, data):
    """Return the names that a manifest lists; it is data from a board, and names files that may be removed."""
    try:
        said = json.loads(data)
        names = list(said["files"]) if said["made_by"] == MADE_BY else None
    except (ValueError, KeyError, TypeError, RecursionError):
        names = None
    if names is None or len(names) > _MAX_NAMES or not all(map(_is_below, names)):
        raise ToolError("%s is there and is not of %s: move it away, or choose another folder" % (file, MADE_BY))
    return set(names)


def _is_below(name):
    parts = name.split("/") if isinstance(name, str) else [""]
    return not any(part in ("", ".", "..") for part in parts) and "\\" not in name and name.isprintable()


def _source(place):
    return place.removesuffix(".mpy") + ".py"
