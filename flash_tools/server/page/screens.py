"""The screens and where they are: the overview, sessions and what belongs to all; the others have a file each.

routes(office) -> the routes of the whole page, for an application that puts a sign-in before them
"""

import time

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from flash_tools.server.page import screens_campaigns, screens_device, screens_devices, screens_packages, screens_rig
from flash_tools.server.page.drawing import spread
from flash_tools.server.page.endpoints import form, screen, whole_number
from flash_tools.server.page.once import Once
from flash_tools.server.page.render import FOLDER, page, set_theme
from flash_tools.server.page.words import UNDER_WAY

_DAY, _SHORT, _HOURS = (900, 96), (300, 36), (3600, 24)  # seconds and number of the buckets of a chart
_RECENT, _LISTED, _SESSIONS = 12, 8, 100


def routes(office) -> list:
    """Return the routes of every screen, of its forms, and of what they load."""
    once, own = Once(), _Screens(office)
    return [
        screen("/", own.overview),
        screen("/sessions", own.sessions),
        screen("/sessions/{number:int}", own.session),
        form("/theme", own.theme),
        *screens_devices.routes(office, once),
        *screens_device.routes(office),
        *screens_packages.routes(office),
        *screens_campaigns.routes(office, once),
        *screens_rig.routes(office, once),
        Mount("/static", StaticFiles(directory=FOLDER / "static")),
    ]


class _Screens:
    """What the first screens show."""

    def __init__(self, office):
        self._office = office

    def overview(self, request):
        """Show how everything is and what needs somebody."""
        counters, history, now = self._office.counters(), self._office.history(24), time.time()
        short = now - min(history["at"], default=now) < _SHORT[0] * _SHORT[1]  # a young server
        campaigns = self._office.campaigns()
        states = counters["devices"]
        recent = self._office.timeline(limit=_RECENT)[::-1]
        return page(
            request,
            "overview.html",
            screen="overview",
            counters=counters,
            states=states,
            total=sum(states.values()),
            under_way=sum(states.get(name, 0) for name in UNDER_WAY),
            history=spread(history, now, *(_SHORT if short else _DAY)),
            span="last 3 hours" if short else "last 24 hours",
            hours=spread(history, now, *_HOURS),
            counted=bool(history["at"]),
            running=[each for each in campaigns if each["state"] == "running"],
            needs=self._needs(campaigns),
            recent=recent,
        )

    def _needs(self, campaigns):
        """Return what needs attention as {what: (number, the first few)}."""
        needs = {"paused": [each for each in campaigns if each["state"] == "paused"]}
        needs["quarantine"] = self._office.quarantine()
        rows = self._office.devices(state="failed", order_by="id", limit=_LISTED)
        needs["failed"], needs["failed_total"] = rows["devices"], rows["total"]
        rows = self._office.devices(state="overdue", order_by="next_due", limit=_LISTED)
        needs["overdue"], needs["overdue_total"] = rows["devices"], rows["total"]
        return needs

    def sessions(self, request):
        """Show the last sessions of all devices."""
        most = whole_number(request.query_params.get("limit", ""), 1, 1000, _SESSIONS)
        return page(request, "sessions.html", screen="sessions", sessions=self._office.sessions(limit=most))

    def session(self, request):
        """Show what went over the wire in one session."""
        trace = self._office.trace(request.path_params["number"])
        return page(request, "session.html", screen="session", trace=trace)

    def theme(self, request, sent):
        """Choose light, dark or automatic."""
        return set_theme(request, sent.text("theme"), sent.get("back", "/"))
