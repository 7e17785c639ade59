"""A server under measurement, in a process of its own: `echo` (a bare Starlette endpoint) or `dm` (the management server).

Both are given the same uvicorn protocol with the same settings. Orders come as JSON lines on standard input, each is
answered with one on standard output: {"do": "usage"} tells the CPU seconds of the process so far. It ends with its input.
"""

import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from flash_tools.server.bench import BenchServer
from flash_tools.server.dm.commands import Get
from flash_tools.server.listener import bound, calm_collector, server_context
from flash_tools.server.pki import Authority

_DETAILS = ("./DevDetail/FwV", "./DevDetail/SwV", "./DevDetail/HwV", "./DevDetail/LrgObj")


class Echo:
    """Sends back what it gets."""

    def __init__(self, security: str, folder, devices: int):
        options = {"http": H11Protocol, "ws": "none", "lifespan": "off", "log_config": None, "access_log": False}
        options |= {"proxy_headers": False, "server_header": False, "timeout_keep_alive": 60, "loop": "asyncio"}
        app = Starlette(routes=[Route("/dm", self._echo, methods=["POST"])])
        config = uvicorn.Config(app, interface="asgi3", **options)
        config.load()
        authority = Authority() if security == "tls" else None
        config.ssl = server_context(authority.issue_kind("good")) if authority else None
        self._server = uvicorn.Server(config)
        self._socket = bound("127.0.0.1", 0)
        self.told = {"port": self._socket.getsockname()[1], "ca_pem": authority.pem if authority else None}
        threading.Thread(target=self._server.run, args=([self._socket],), daemon=True).start()

    async def _echo(self, request: Request) -> Response:
        return Response(await request.body(), media_type=request.headers["content-type"])

    def stop(self):
        """Stop."""
        self._server.should_exit = True


class Management:
    """The real one, its store in a file, md5 in both directions."""

    def __init__(self, security: str, folder, devices: int):
        tls = security == "tls"
        self._server = BenchServer(store=str(Path(folder, "store.db")), tls=tls, keep_alive_s=60).start()
        bundles = [self._server.add_device("dev-%04d" % at, "md5", "md5") for at in range(devices)]
        self._package = self._server.add_package(bytes(1000))
        self.told = {"port": self._server.port, "ca_pem": self._server.ca_pem, "devices": bundles}

    def get(self, device: str) -> dict:
        """Let a device be asked for its details."""
        self._server.command(device, Get(_DETAILS))
        return {}

    def order(self, device: str) -> dict:
        """Let a device be told to update."""
        self._server.order(device, self._package)
        return {}

    def stop(self):
        """Stop."""
        self._server.stop()


def main(kind: str, security: str, devices: str):
    """Serve until the input ends."""
    with tempfile.TemporaryDirectory() as folder:
        server = (Echo if kind == "echo" else Management)(security, folder, int(devices))
        calm_collector()
        _say(server.told)
        for line in sys.stdin:
            order = json.loads(line)
            what = order.pop("do")
            _say(_usage() if what == "usage" else getattr(server, what)(**order))
        server.stop()


def _usage():
    """Return what the server has used so far; the thread that takes orders here, this one, is not the server's."""
    return {"cpu_s": time.process_time() - time.thread_time()}


def _say(what):
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
