"""The list of devices: search, filter, sort, pages, and what is done with many of them at once."""

from urllib.parse import urlencode

from flash_tools.errors import ToolError
from flash_tools.server.orders import METHODS
from flash_tools.server.page.endpoints import form, one_line, screen, whole_number
from flash_tools.server.page.render import go, page
from flash_tools.server.page.text import unquoted
from flash_tools.server.page.words import DEVICE_STATES

COLUMNS = ("id", "state", "firmware", "target", "model", "group", "last_seen", "next_due")
PAGE_SIZES = (50, 200, 500)
_ALL, _TOLD = 1_000_000, 3


def routes(office, once) -> list:
    """Return the routes of the list."""
    screens = _Devices(office, once)
    return [screen("/devices", screens.show), form("/devices", screens.act)]


class Query:
    """What the address of the list asks for."""

    def __init__(self, params):
        self.text, self.tag = params.get("q", "").strip()[:200], params.get("tag", "").strip()[:200]
        self.campaign = params.get("campaign", "")[:200]
        self.state = params.get("state", "") if params.get("state") in (*DEVICE_STATES, "overdue") else ""
        sort = params.get("sort", "id")
        self.sort = sort if sort.removeprefix("-") in COLUMNS else "id"
        self.limit = whole_number(params.get("limit", ""), 1, PAGE_SIZES[-1], PAGE_SIZES[0])
        self.start = whole_number(params.get("start", ""), 0, _ALL, 0)

    def url(self, **changes) -> str:
        """Return the address of the list with something else asked for."""
        fields = {"q": self.text, "state": self.state, "tag": self.tag, "campaign": self.campaign}
        fields |= {"sort": "" if self.sort == "id" else self.sort, "start": self.start or ""}
        fields |= {"limit": "" if self.limit == PAGE_SIZES[0] else self.limit, **changes}
        query = urlencode({name: value for name, value in fields.items() if value != ""}, errors="replace")
        return "/devices" + ("?" + query if query else "")

    def sort_url(self, column: str) -> str:
        """Return the address sorted by a column, the other way round where it is sorted so already."""
        return self.url(sort="-" + column if self.sort == column else column, start="")

    def direction(self, column: str) -> str:
        """Return aria-sort of a column."""
        if self.sort.removeprefix("-") != column:
            return "none"
        return "descending" if self.sort.startswith("-") else "ascending"

    @property
    def narrows(self) -> bool:
        """Tell whether it asks for less than everything."""
        return bool(self.text or self.state or self.tag or self.campaign)


class _Devices:
    def __init__(self, office, once):
        self._office, self._once = office, once

    def show(self, request):
        """Show the list."""
        query = Query(request.query_params)
        found = self._find(query)
        if query.start >= found["total"] > 0:
            query.start = (found["total"] - 1) // query.limit * query.limit
            found = self._find(query)
        return page(
            request,
            "devices.html",
            screen="devices",
            query=query,
            rows=found["devices"],
            total=found["total"],
            known=found["total"] or self._office.devices(limit=1)["total"],
            states=DEVICE_STATES,
            sizes=PAGE_SIZES,
            packages=[each["name"] for each in self._office.packages()],
            methods=METHODS,
        )

    def _find(self, query):
        asked = {"text": query.text, "campaign": query.campaign, "order_by": query.sort}
        asked |= {"state": query.state, "tag": query.tag}
        return self._office.devices(start=query.start, limit=query.limit, **asked)

    # -- with many at once --------------------------------------------------------------------------------------------

    def act(self, request, sent):
        """Do something with the devices that are ticked."""
        chosen = [unquoted(each) for each in sent.all("device")]
        if not chosen:
            raise ToolError("no device is chosen: tick the ones that you mean")
        action = sent.text("action")
        if action == "campaign":
            listed = ", ".join(repr(each) for each in chosen)
            return go(request, "/campaigns/new?once=" + self._once.put({"filter": "id in [%s]" % listed}))
        many = {"order": self._order, "tag": self._tag, "untag": self._untag, "pause": self._pause}
        many |= {"resume": self._resume, "notify": self._notify}
        if action not in many:
            raise ToolError("nothing is chosen that could be done with these devices")
        return self._each(request, sent, chosen, many[action])

    def _each(self, request, sent, chosen, function):
        done, errors = 0, []
        for device_id in chosen:
            try:
                function(device_id, sent)
                done += 1
            except ToolError as error:
                errors.append(one_line(error))
        said = "%d of %d devices: done" % (done, len(chosen))
        if errors:
            said += (
                "; " + "; ".join(errors[:_TOLD]) + (" and %d more" % (len(errors) - _TOLD) if errors[_TOLD:] else "")
            )
        return go(request, said=said, kind="error" if errors else "ok")

    def _order(self, device_id, sent):
        self._office.place(device_id, sent.text("package"), sent.text("method") or METHODS[0])

    def _tag(self, device_id, sent):
        self._change_tags(device_id, sent, lambda tags, tag: [*tags, tag] if tag not in tags else tags)

    def _untag(self, device_id, sent):
        self._change_tags(device_id, sent, lambda tags, tag: [each for each in tags if each != tag])

    def _change_tags(self, device_id, sent, change):
        tag = sent.text("tag")
        if not tag:
            raise ToolError("which tag? write it beside the button")
        tags = list(self._office.device(device_id)["tags"])
        self._office.change_device(device_id, tags=change(tags, tag))

    def _pause(self, device_id, sent):
        self._office.change_device(device_id, paused=True)

    def _resume(self, device_id, sent):
        self._office.change_device(device_id, paused=False)

    def _notify(self, device_id, sent):
        self._office.send_notification(device_id)
