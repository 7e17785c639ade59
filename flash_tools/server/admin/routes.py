"""Makes routes of plain functions: `function(office, ask)` runs in a thread, what it returns is answered as JSON."""

from dataclasses import dataclass

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flash_tools.server.admin import body
from flash_tools.server.admin.ask import Ask
from flash_tools.server.admin.json_text import answer
from flash_tools.server.admin.refusals import Bound
from flash_tools.server.admin.threads import in_thread

UPLOADS_MAX = 3


class _Name(Convertor):
    """A name in a path that may contain anything: slashes, line ends."""

    regex = r"(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("name", _Name())


@dataclass(frozen=True)
class Api:
    """One route. `query`: the parameters that it knows; `conflicts`: an error of the office is a 409."""

    method: str
    path: str
    function: object
    query: tuple[str, ...] = ()
    status: int = 200
    conflicts: bool = False


class Maker:
    """Makes the routes of one app."""

    def __init__(self, office):
        self.office = office
        self._uploads = Bound(UPLOADS_MAX, "uploads")

    def routes(self, table) -> list[Route]:
        """Return the routes of a table of Api."""
        return [Route(each.path, self._endpoint(each), methods=[each.method]) for each in table]

    def _endpoint(self, api):
        async def endpoint(request: Request) -> Response:
            request.scope["fumo_conflicts"] = api.conflicts
            data = await self._body(request) if api.method in ("POST", "PATCH") else b""
            ask = Ask(request, data, api.query)
            value = await in_thread(api.function, self.office, ask)
            return value if isinstance(value, Response) else answer(value, api.status)

        return endpoint

    async def _body(self, request):
        if request.scope["fumo_body"].limit <= body.OTHER_MAX:
            return await request.body()
        with self._uploads:
            return await request.body()
