"""Routes that may take their time: events, and orders and tasks that are waited for."""

from starlette.requests import Request
from starlette.routing import Route

from flash_tools.server.admin.ask import Ask
from flash_tools.server.admin.events import Streams, Wanted
from flash_tools.server.admin.hub import Hub
from flash_tools.server.admin.json_text import answer
from flash_tools.server.admin.threads import in_thread
from flash_tools.server.admin.waiting import WAIT_MAX_S, Waiting

_QUERY = ("after", "limit", "device", "campaign", "kinds")
_STREAM = "text/event-stream"


class Live:
    """What listens to the office."""

    def __init__(self, office):
        self._office, self.hub = office, Hub(office)
        self.streams, self.waiting = Streams(office, self.hub), Waiting(self.hub)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/api/events", self.events, methods=["GET"]),
            Route("/api/orders/{id:name}", self.order, methods=["GET"]),
            Route("/api/tasks/{id:name}", self.task, methods=["GET"]),
        ]

    async def events(self, request: Request):
        """Return events, or a stream of them."""
        ask = Ask(request, known=_QUERY)
        if _STREAM in ask.accept and request.method == "GET":
            return self.streams.answer(ask, request.headers.get("last-event-id"))
        after, limit = ask.number("after", 0, 0, (1 << 63) - 1), ask.number("limit", 200, 0, 10_000)
        return answer(await in_thread(Wanted(ask).timeline, self._office, after, limit))

    async def order(self, request: Request):
        """Return an order, perhaps once it has ended."""
        return await self._awaited(request, self._office.order, _has_ended)

    async def task(self, request: Request):
        """Return a task, perhaps once it is done."""
        return await self._awaited(request, self._office.task, lambda task: task["done"])

    async def _awaited(self, request, look, ended):
        ask, number = Ask(request, known=("wait",)), request.path_params["id"]
        seconds = ask.number("wait", 0, 0, WAIT_MAX_S, whole=False)
        first = await in_thread(look, number)
        if not seconds or ended(first):
            return answer(first)
        return answer(await self.waiting.until(request.receive, lambda: look(number), ended, first["device"], seconds))


def _has_ended(order):
    """Tell whether nothing more is to come; after a report of success the firmware is still to be looked at."""
    return order["state"] in ("failed", "cancelled") or (order["state"] == "done" and order["success"] is not None)
