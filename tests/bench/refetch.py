"""Bytes fetched again after one cut, at every operation of the download, the manifest left out."""

from agent.package import HEAD_SIZE
from tests.powercut.explore import Explorer
from tests.powercut.worlds import make_world

_ORDINARY = ("none", "prefix", "bits", "mostbits", "done", "weak", "half", "old", "unstable", "reset")


def measure():
    """Return the worst case of ordinary effects, and that of a cut that also disturbs the journal's sector."""
    ordinary, disturbed = 0, 0
    for encoding in ("none", "deflate"):
        explorer = Explorer(make_world("w25q128", encoding, "good"))
        package = explorer.world.packages["http://bench/a"]
        manifest = HEAD_SIZE + int.from_bytes(package[4:8], "little")
        for number, point in enumerate(explorer.base()):
            if point.phase not in ("download", "verify"):
                continue
            for effect in point.effects:
                explorer.branch(point, effect, ("refetch", (number, effect)))
                again = explorer.oracle.fetched - len(package) - manifest
                if effect in _ORDINARY:
                    ordinary = max(ordinary, again)
                else:
                    disturbed = max(disturbed, again)
    return {"resume_refetch_bytes": ordinary, "resume_refetch_disturbed_bytes": disturbed}
