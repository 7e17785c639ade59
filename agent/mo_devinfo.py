"""DevInfo and DevDetail: who the device is, and what it runs."""

from agent.dm_uri import MAX_DEPTH, MAX_SEGMENT, MAX_TOTAL
from agent.mo_leaves import Leaves

DEVINFO = ("DevId", "Man", "Mod", "DmV", "Lang")  # the leaves that package 1 carries


def devinfo(identity):
    """Return DevInfo; `identity` is a dict with DevId, Man, Mod, DmV and Lang."""
    return Leaves("urn:oma:mo:oma-dm-devinfo:1.0", tuple([(name, identity[name]) for name in DEVINFO]))


def devdetail(identity, firmware_version):
    """Return DevDetail; `identity` has DevTyp, OEM, SwV and HwV, `firmware_version()` tells what runs."""
    return Leaves(
        "urn:oma:mo:oma-dm-devdetail:1.0",
        (
            ("URI/MaxDepth", str(MAX_DEPTH)),
            ("URI/MaxTotLen", str(MAX_TOTAL)),
            ("URI/MaxSegLen", str(MAX_SEGMENT)),
            ("DevTyp", identity["DevTyp"]),
            ("OEM", identity["OEM"]),
            ("FwV", firmware_version),
            ("SwV", identity["SwV"]),
            ("HwV", identity["HwV"]),
            ("LrgObj", "true"),
        ),
    )
