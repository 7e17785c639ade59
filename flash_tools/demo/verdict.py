"""Whether it really happened: every claim of the demonstration is looked up where it must show, none is taken on trust."""

from dataclasses import dataclass

GOOD_CODE, BAD_CODE = 200, 410


@dataclass(frozen=True)
class Wanted:
    """What must be true at the end; `cut` of the power inside flash operations."""

    code: int
    version: str
    devices: int
    cuts_inside: int = 1

    @property
    def good(self) -> bool:
        """Tell whether the firmware was to stay."""
        return self.code == GOOD_CODE


def faults(
    wanted: Wanted, running: list[str], orders: list[dict], campaign: dict, cuts_inside: int, defects=()
) -> list[str]:
    """Return what is not as it must be; `running` has the version of each device's running bank."""
    found = ["a device has a defect: %s" % text for text in defects]
    if cuts_inside < wanted.cuts_inside:
        found.append("the power was cut inside %d flash operations, not %d" % (cuts_inside, wanted.cuts_inside))
    if len(running) != wanted.devices or set(running) != {wanted.version}:
        found.append("the devices run %s, not all %s" % (", ".join(sorted(set(running))) or "nothing", wanted.version))
    if len(orders) != wanted.devices:
        found.append("there are %d orders for %d devices" % (len(orders), wanted.devices))
    found += [text for order in orders if (text := _order_fault(order, wanted))]
    return found + _campaign_faults(campaign, wanted)


def _order_fault(order, wanted):
    codes = [report["code"] for report in order["reports"] if not report["copy"]]
    if codes != [wanted.code]:
        return "%s reported %s, not %d once" % (order["device"], codes or "nothing", wanted.code)
    if order["firmware_after"] != wanted.version:
        return "the server reads version %s of %s" % (order["firmware_after"], order["device"])
    return ""


def _campaign_faults(campaign, wanted):
    counts = campaign["counts"]
    kind = "success" if wanted.good else "failed"
    if campaign["state"] != "finished":
        return ["the campaign is %s, not finished: %s" % (campaign["state"], campaign["reason"])]
    if counts[kind] != wanted.devices:
        return ["the campaign counts %d of %d devices as %s" % (counts[kind], wanted.devices, kind)]
    return []
