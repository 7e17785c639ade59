"""Boards that are programs, offered to a network as if they were hardware: a power switch over HTTP, serial lines over TCP.

    with BoardServer([board, ...]) as server:
        server.power_url        # http://127.0.0.1:43100/{index}/{value}, what labgrid's `simplerest` wants
        server.console_ports    # one for each board, raw TCP

Beside what flash_tools/sim/sim_power.py answers: DELETE /INDEX/files and PUT /INDEX/files/NAME make a board that is off anew, which
is what a recovery tool does to a real one; GET /INDEX/notify says at which port notifications are heard, or nothing if the console
says it.
"""

import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from flash_tools.errors import BusyError, NotFoundError, ToolError
from flash_tools.rig.console_port import ConsolePort
from flash_tools.sim import sim_power

_MOST_FILE = 64 << 20
_SILENCE_S = 30
_CYCLE_S = 0.2
_TEXT = "text/plain; charset=utf-8"
_STATUS = {NotFoundError: 404, BusyError: 409}


class BoardServer:
    """`port` is that of the power switch, consoles have `console_port` and those behind it; 0 is any that is free."""

    def __init__(self, boards: list, host: str = "127.0.0.1", port: int = 0, console_port: int = 0):
        self.devices, self.host = boards, host
        self._locks = [threading.Lock() for _ in boards]
        with ExitStack() as made:
            ports = [console_port + index if console_port else 0 for index in range(len(boards))]
            self._consoles = [ConsolePort(board, host, at) for board, at in zip(boards, ports, strict=True)]
            for console in self._consoles:
                made.callback(console.stop)
            self._server = _listen(host, port, self)
            made.pop_all()
        self.port, self.console_ports = self._server.server_address[1], [console.port for console in self._consoles]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def power_url(self) -> str:
        """Return what labgrid's NetworkPowerPort of model `simplerest` has as host."""
        return "http://%s:%d/{index}/{value}" % (self.host, self.port)

    def url(self, index: int) -> str:
        """Return what a FumoBoard has as url."""
        return "http://%s:%d/%d" % (self.host, self.port, index)

    # -- what sim_power.answer wants ----------------------------------------------------------------------------------

    def on(self, index: int) -> None:
        """Give power."""
        with self._locks[index]:
            self.devices[index].on()

    def off(self, index: int) -> None:
        """Take power."""
        with self._locks[index]:
            self.devices[index].off()

    def cycle(self, index: int) -> None:
        """Take power and give it back."""
        with self._locks[index]:
            self.devices[index].off()
            time.sleep(_CYCLE_S)
            self.devices[index].on()

    def state(self, index: int) -> bool:
        """Tell whether a board has power."""
        return self.devices[index].runs

    # -- requests -----------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, str, str]:
        """Do what a request wants; return status, text and the type of the text."""
        try:
            parts = path.partition("?")[0].strip("/").split("/")
            board = self._board(parts[0])
            if parts[1:2] == ["files"]:
                return self._file(int(parts[0]), method, "/".join(parts[2:]), body)
            if parts[1:] == ["notify"] and method == "GET":
                return 200, str(board.notify_port or ""), _TEXT
            if method == "DELETE" or parts[1:2] == ["notify"]:
                return 405, "that can only be asked", _TEXT
            return sim_power.answer(self, method, path, body.decode(errors="replace"))
        except ToolError as e:
            return _STATUS.get(type(e), 500), str(e), _TEXT

    def _file(self, index, method, name, body):
        with self._locks[index]:
            if method == "PUT" and name:
                self.devices[index].put(name, body)
                return 201, "%d bytes" % len(body), _TEXT
            if method == "DELETE" and not name:
                self.devices[index].clear()
                return 200, "no files", _TEXT
        return 405, "PUT /INDEX/files/NAME or DELETE /INDEX/files", _TEXT

    def _board(self, text):
        if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) < len(self.devices)):
            raise NotFoundError("no such board: /INDEX, INDEX below %d" % len(self.devices))
        return self.devices[int(text)]

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> "BoardServer":
        """Begin to answer; no board is switched."""
        for console in self._consoles:
            console.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take everybody's power and end."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for board, console in zip(self.devices, self._consoles, strict=True):
            board.close()
            console.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()


def _listen(host, port, server):
    try:
        made = ThreadingHTTPServer((host, port), _handler(server))
    except OSError as e:
        raise ToolError("cannot listen at %s port %d: %s" % (host, port, e.strerror)) from None
    made.daemon_threads = True
    return made


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"
        timeout = _SILENCE_S

        def do_GET(self):
            """Tell or switch."""
            self._answer(*server.answer("GET", self.path, b""))

        def do_DELETE(self):
            """Forget files."""
            self._answer(*server.answer("DELETE", self.path, b""))

        def do_PUT(self):
            """Switch, or take a file."""
            size = self.headers.get("Content-Length", "")
            if not (size.isascii() and size.isdigit() and int(size) <= _MOST_FILE):
                self.close_connection = True
                self._answer(413, "a file has at most %d bytes, and says how many" % _MOST_FILE, _TEXT)
                return
            body = self.rfile.read(int(size))
            if len(body) == int(size):
                self._answer(*server.answer("PUT", self.path, body))

        def _answer(self, status, text, kind):
            data = text.encode(errors="replace")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            """Say nothing."""

    return Handler
