"""A power switch for simulated devices, spoken to over HTTP as labgrid's models `simplerest` and `rest` do.

    with PowerSwitch([SimProcess(command), ...]) as switch:
        switch.url      # http://127.0.0.1:40123/{index}/{value}

GET /INDEX says 1 or 0: whether the device has power; GET /INDEX/1, /INDEX/0 and /INDEX/cycle switch it; PUT /INDEX takes 1 or 0.
GET /INDEX/console gives the last lines, GET /INDEX/banks what is in the flash, as JSON. Devices are SimProcess or those of a Fleet.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from flash_tools.sim.sim_process import POWER_CUT

_MOST_BODY = 16
_SILENCE_S = 10
_LOOK_S = 0.05
_CYCLE_S = 0.2
_TEXT, _JSON = "text/plain; charset=utf-8", "application/json"
_WORDS = {"1": True, "0": False, "on": True, "off": False}


class PowerSwitch:
    """`dirty`: the power goes inside a flash operation; `back_s`: a device that lost power inside gets it again after that time."""

    def __init__(self, devices: list, port=0, host="127.0.0.1", dirty=False, back_s: float | None = None):
        self.devices, self._dirty, self._back_s = devices, dirty, back_s
        self._locks = [threading.Lock() for _ in devices]
        self._server = ThreadingHTTPServer((host, port), _handler(self))
        self._server.daemon_threads = True
        self.host, self.port = host, self._server.server_address[1]
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(_LOOK_S,), daemon=True)]
        if back_s is not None:
            self._threads.append(threading.Thread(target=self._bring_back, daemon=True))

    @property
    def url(self) -> str:
        """Return what labgrid's NetworkPowerPort of model `simplerest` has as host."""
        return "http://%s:%d/{index}/{value}" % (self.host, self.port)

    def on(self, index: int) -> None:
        """Give power."""
        with self._locks[index]:
            self.devices[index].on()

    def off(self, index: int) -> None:
        """Take power."""
        with self._locks[index]:
            self.devices[index].off(self._dirty)

    def cycle(self, index: int) -> None:
        """Take power and give it back."""
        with self._locks[index]:
            self.devices[index].off(self._dirty)
            time.sleep(_CYCLE_S)
            self.devices[index].on()

    def state(self, index: int) -> bool:
        """Tell whether the device has power: one that ended by itself has none."""
        return self.devices[index].runs

    def start(self) -> "PowerSwitch":
        """Begin to listen; no device is switched."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and take everybody's power."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()
        for lock, device in zip(self._locks, self.devices, strict=True):
            with lock:
                device.off()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    def _bring_back(self):
        while not self._stopping.wait(_LOOK_S):
            for index, device in enumerate(self.devices):
                if device.code == POWER_CUT and not self._stopping.wait(self._back_s):
                    with self._locks[index]:
                        if device.code == POWER_CUT:
                            device.on()


def answer(switch: PowerSwitch, method: str, path: str, body: str) -> tuple[int, str, str]:
    """Do what a request wants; return status, text and the type of the text."""
    parts = path.partition("?")[0].strip("/").split("/")
    if not _is_number(parts[0]) or int(parts[0]) >= len(switch.devices) or len(parts) > 2:
        return 404, "no such device: /INDEX or /INDEX/VALUE, INDEX below %d" % len(switch.devices), _TEXT
    index, value = int(parts[0]), parts[1] if len(parts) > 1 else ""
    if method == "GET" and value in _SHOWN:
        return 200, *_SHOWN[value](switch.devices[index])
    return *_switch(
        switch, index, body.strip() if method == "PUT" else "" if value == "value" else value, method
    ), _TEXT


def _is_number(text):
    return text.isascii() and text.isdigit() and len(text) < 9


def _switch(switch, index, value, method):
    """Switch, or tell; labgrid's example of `rest` has the word `value` at the end of the URL."""
    if value == "cycle":
        switch.cycle(index)
    elif value in _WORDS:
        (switch.on if _WORDS[value] else switch.off)(index)
    elif value or method == "PUT":
        return 400, "a value is 1, 0 or cycle"
    return 200, "1" if switch.state(index) else "0"


def _console(device):
    return "".join(line + "\n" for line in device.console()), _TEXT


def _banks(device):
    return json.dumps({"banks": device.banks()}), _JSON


_SHOWN = {"console": _console, "banks": _banks}


def _handler(switch):
    class Handler(BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"
        timeout = _SILENCE_S

        def do_GET(self):
            """Tell or switch."""
            self._answer(*answer(switch, "GET", self.path, ""))

        def do_PUT(self):
            """Switch."""
            size = self.headers.get("Content-Length", "")
            if not size.isdigit() or int(size) > _MOST_BODY:
                self.close_connection = True
                self._answer(400, "a value is 1 or 0", _TEXT)
                return
            body = self.rfile.read(int(size)).decode(errors="replace")
            self._answer(*answer(switch, "PUT", self.path, body))

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
