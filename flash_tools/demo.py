"""make run: one complete update over OMA DM, from the server's notification to the report, its power cut in the middle.

A server with TLS and a simulated device, two processes on real sockets. Exit code 0 only if it really went that way: the power
went inside a flash operation of the download, the right firmware runs at the end, and the server was told so, once.
"""

import sys
import tempfile
import time
from pathlib import Path

from flash_tools import sim_files
from flash_tools.errors import ToolError
from flash_tools.server.bench import BenchServer
from flash_tools.sim_process import POWER_CUT, SimProcess, command
from ports.sim import firmware

_ID = "demo:1"
_SIZE = 256 << 10
_WAIT_S = 60
_BAR = 40
_TRANSCRIPT = Path("build/transcripts/make-run.txt")
_STATES = {
    "10": "idle", "30": "downloading", "40": "downloaded, is being verified", "50": "ready to update", "60": "updating",
    "20": "the download failed", "70": "failed, the package is held", "80": "failed", "90": "updated", "100": "updated",
}  # fmt: skip


class Story:
    """Prints what happens as it happens."""

    def __init__(self, size):
        self._size, self._started = size, time.monotonic()
        self._words = {
            "boot": self._boot, "state": self._state, "progress": self._progress, "cut": self._cut,
            "session": lambda words: self.say("a management session is %s" % ("open" if words[0] == "open" else "over")),
            "reset": lambda words: self.say("the board restarts"),
            "result": lambda words: self.say("the result is %s: it waits in the journal" % words[0]),
            "reported": lambda words: self.say("the server has taken the result %s" % words[0]),
        }  # fmt: skip

    def say(self, text):
        """Print a line with the time."""
        print("%7.2f s  %s" % (time.monotonic() - self._started, text), flush=True)

    def line(self, text):
        """Take a line of the device."""
        word, *words = text.split()
        if word in self._words:
            self._words[word](words)

    def _boot(self, words):
        self.say(
            "power on: firmware %s runs from bank %s, %s"
            % (words[5], words[2], "on trial" if words[3] == "trial" else words[3])
        )

    def _state(self, words):
        self.say("State %s: %s" % (words[0], _STATES.get(words[0], "")))

    def _progress(self, words):
        done = int(words[0]) * _BAR // self._size
        self.say("[%s%s]" % ("#" * done, "." * (_BAR - done)))

    def _cut(self, words):
        self.say("*** the power is cut inside a flash operation: %s ***" % words[0])


def _cut_and_go_on(device, server, size):
    """Take the power in the middle of the download, give it back; tell whether it really went inside an operation."""
    device.wait_for("listening", _WAIT_S)
    server.notify(_ID, ("127.0.0.1", device.port()))
    line, start = "progress 0", 0
    while int(line.split()[1]) < size // 2:
        line = device.wait_for("progress", _WAIT_S, start)
        start = device.lines.index(line) + 1
    device.send("cut half")
    code = device.wait(_WAIT_S)
    time.sleep(0.5)
    device.on()
    return code == POWER_CUT


def run(behaviour, folder):
    """Play it; return the exit code."""
    with BenchServer() as server:
        files = sim_files.make(folder, server.add_device(_ID), size=_SIZE)
        package = server.add_package(files.update("2.0", behaviour, _SIZE))
        story = Story(len(package.data))
        story.say("a server with TLS, a device with firmware 1.0; version 2.0 (%s) is ordered" % behaviour)
        order = server.order(_ID, package, confirm="Update now?")
        options = ("--notify-port", 0, "--trial-s", 2, "--speed", 0.5, "--watchdog-ms", 2500)
        with SimProcess(command(files.flash, files.provision, *options), story.line) as device:
            cut = _cut_and_go_on(device, server, len(package.data))
            outcome = order.wait(_WAIT_S)
            device.wait_for("reported", _WAIT_S)
        server.transcript.write(_TRANSCRIPT)
    codes = [alert.code for alert in outcome.alerts]
    wanted = ([200], "2.0") if behaviour == firmware.GOOD else ([410], "1.0")
    good = cut and (codes, outcome.firmware_version) == wanted
    print("every message of it is in %s" % _TRANSCRIPT)
    told = "the server was told %s and reads version %s" % (codes, outcome.firmware_version)
    print("%s: the power was %scut in mid-write, %s" % ("done" if good else "FAILED", "" if cut else "not ", told))
    return 0 if good else 1


def main():
    """Run the demonstration; return the exit code."""
    behaviour = sys.argv[1] if len(sys.argv) > 1 else firmware.GOOD
    try:
        with tempfile.TemporaryDirectory() as folder:
            return run(behaviour, folder)
    except ToolError as e:
        print("FAILED: %s" % e)
        return 1


if __name__ == "__main__":
    sys.exit(main())
