"""A campaign for people: the page, the command and the JSON interface show the same."""

from collections import Counter

from flash_tools.server.campaigns.groups import counts_view
from flash_tools.server.campaigns.targets import ACCEPTED, FAILED, ORDERED, SUCCESS

_SPEC = (
    "name",
    "package",
    "filter",
    "start",
    "retries",
    "window",
    "method",
    "parallel",
    "silent_h",
    "confirm",
    "notify",
)
_LIFE = ("state", "version", "reason", "created", "started", "ended")


def campaign_view(campaign, counts: dict) -> dict:
    """Return a campaign without its targets."""
    view = {key: getattr(campaign.spec, key) for key in _SPEC}
    view |= {key: getattr(campaign, key) for key in _LIFE}
    view["groups"] = [group.view() for group in campaign.groups]
    view["counts"] = counts_view(counts)
    view["results"] = results(campaign.targets.values())
    view["aborted"] = campaign.aborted and _aborted(campaign, counts)
    return view


def _aborted(campaign, counts):
    now = {"accepted": counts[ACCEPTED], "offered": counts[ORDERED]}  # until `advance` has counted those of the abort
    return {**now, **campaign.aborted, "running": counts[ACCEPTED] + counts[ORDERED]}


def results(targets) -> dict[str, int]:
    """Count how devices ended: by result code, or by what kept them from having one; the most frequent first."""
    return dict(Counter(target.result for target in targets if target.state in (SUCCESS, FAILED)).most_common())
