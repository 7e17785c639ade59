"""Campaigns: the list, a new one by form or TOML, and one with its groups, failures and buttons."""

from flash_tools.errors import ToolError
from flash_tools.server.orders import METHODS
from flash_tools.server.page.campaign_form import EXAMPLE, ROWS, as_toml
from flash_tools.server.page.endpoints import form, one_line, screen
from flash_tools.server.page.render import go, page, sure
from flash_tools.server.page.text import quoted

# action: (the states in which it makes sense, button, question; "" where it is done at once)
ACTIONS = {
    "start": (
        ("ready",),
        "Start",
        "Start the campaign? The first group is ordered to update now.",
    ),
    "pause": (
        ("running",),
        "Pause",
        "Pause the campaign? No device is ordered anything new; what is under way goes on.",
    ),
    "resume": (("paused",), "Resume", "Resume the campaign?"),
    "next": (("running", "paused"), "Next group", "Start the next group without waiting for this one?"),
    "retry": (
        ("running", "paused", "finished"),
        "Retry failed",
        "Order the update again for every device that failed?",
    ),
    "abort": (
        ("ready", "running", "paused"),
        "Abort",
        "Abort the campaign? Orders that wait are cancelled; devices that have accepted go on to their end.",
    ),
    "remove": (("ready", "finished", "aborted"), "Remove", "Remove the campaign and what it counted?"),
}
_SHOWN = 1000


def routes(office, once) -> list:
    """Return the routes of campaigns."""
    screens = _Campaigns(office, once)
    return [
        screen("/campaigns", screens.list),
        screen("/campaigns/new", screens.new),
        form("/campaigns/new", screens.add),
        screen("/campaigns/{name:anything}", screens.show),
        form("/campaigns/{name:anything}", screens.act),
    ]


class _Campaigns:
    def __init__(self, office, once):
        self._office, self._once = office, once

    def list(self, request):
        """Show all campaigns."""
        return page(request, "campaigns.html", screen="campaigns", campaigns=self._office.campaigns())

    def new(self, request):
        """Show the form."""
        return self._form(request, self._once.take(request.query_params.get("once", "")) or {})

    def _form(self, request, values, toml="", error="", status=200):
        return page(
            request,
            "campaign_new.html",
            status,
            screen="campaign-new",
            values=values,
            toml=toml,
            error=error,
            example=EXAMPLE,
            rows=range(1, ROWS + 1),
            methods=METHODS,
            packages=[each["name"] for each in self._office.packages()],
        )

    def add(self, request, sent):
        """Add a campaign; what is refused comes back with all that was written."""
        toml = sent.get("toml", "") if sent.get("way") == "toml" else ""
        try:
            text = toml if sent.get("way") == "toml" else as_toml(sent)
            campaign = self._office.add_campaign(text)
        except ToolError as error:
            return self._form(request, dict(sent), toml, one_line(error), 400)
        return go(
            request, "/campaigns/" + quoted(campaign["name"]), "The campaign is there; it is %s." % campaign["state"]
        )

    def show(self, request):
        """Show one campaign."""
        campaign = self._office.campaign(request.path_params["name"])
        failures = {}
        for target in campaign["targets"]:
            if target["state"] == "failed":
                failures.setdefault(str(target["code"] or target["failure"] or "unknown"), []).append(target)
        shown = request.query_params.get("show", "")
        targets = [each for each in campaign["targets"] if not shown or each["state"] == shown]
        return page(
            request,
            "campaign.html",
            screen="campaign",
            campaign=campaign,
            targets=targets[:_SHOWN],
            found=len(targets),
            shown=shown,
            failures=sorted(failures.items(), key=lambda item: -len(item[1])),
            events_list=self._office.timeline(campaign=campaign["name"], limit=40)[::-1],
            actions=_actions(campaign),
        )

    def act(self, request, sent):
        """Start, pause, resume, go on, abort, retry or remove."""
        name, action = request.path_params["name"], sent.text("action")
        if action not in ACTIONS:
            raise ToolError("there is no such action for a campaign")
        _, button, question = ACTIONS[action]
        asked = sure(request, sent, question, button) if action in ("abort", "remove") else None
        if asked:
            return asked
        campaign = self._office.campaign_do(name, action)
        if action == "remove":
            return go(request, "/campaigns", "The campaign is removed.")
        return go(request, said=_told(action, campaign))


def _actions(campaign):
    """Return (action, button, question) of what makes sense now; where nothing failed there is nothing to retry."""
    fitting = [(name, *row[1:]) for name, row in ACTIONS.items() if campaign["state"] in row[0]]
    return [row for row in fitting if row[0] != "retry" or campaign["counts"].get("failed")]


def _told(action, campaign):
    aborted = campaign.get("aborted")
    if action == "abort" and aborted:
        told = (aborted["cancelled"], aborted["accepted"])
        return "Aborted: left as they are: %d; have accepted already and go on to their end: %d." % told
    return "The campaign is %s." % campaign["state"]
