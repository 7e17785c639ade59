"""`python -m flash_tools.fleet`: a fleet as a process of its own; docs/simulator.md describes what it prints and obeys.

python -m flash_tools.fleet --folder build/fleet --bundles bundles.jsonl --cuts random
"""

import argparse
import json
import queue
import resource
import sys
import threading

from flash_tools.errors import ToolError
from flash_tools.fleet.files import read_bundles
from flash_tools.fleet.fleet import CUTS, Fleet
from flash_tools.sim.sim_power import PowerSwitch
from ports.sim.process import DEFECT

_MAKE = ("version", "size", "chip_kib", "product", "model")
_WITHIN_S = 10**6


def parser() -> argparse.ArgumentParser:
    """Return what knows the options."""
    made = argparse.ArgumentParser("python -m flash_tools.fleet", description="Many simulated devices in one process.")
    made.add_argument("--folder", required=True, help="files of the fleet, see flash_tools/fleet/files.py")
    made.add_argument("--bundles", help="accounts, JSON lines or a folder of such files: makes a device for each")
    made.add_argument("--version", default="1.0", help="of the first firmware (1.0)")
    made.add_argument("--size", type=int, default=64, help="of the first firmware in KiB (64)")
    made.add_argument("--chip-kib", type=int, default=1024)
    made.add_argument("--product", default="bench")
    made.add_argument("--model", default="sim")
    for name, kind, default in (
        ("trial-s", float, 1), ("trial-max-s", float, 600), ("poll-s", int, 86400), ("speed", float, 0), ("root", str, "./FUMO"),
        ("watchdog-ms", int, 8388), ("recovery-s", int, 600), ("notify-base", int, 0), ("cuts-each", int, 3), ("seed", int, 1),
    ):  # fmt: skip
        made.add_argument("--" + name, type=kind, default=default)
    made.add_argument("--user", choices=("yes", "no", "ask"), default="yes")
    made.add_argument(
        "--cuts", choices=CUTS, default="none", help="random: power fails inside and between flash operations"
    )
    for name in ("needs-server", "xml", "insecure", "until-idle", "request-update"):
        made.add_argument("--" + name, action="store_true")
    made.add_argument("--in-files", action="store_true", help="flash in files of the folder instead of memory")
    made.add_argument("--off", action="store_true", help="begin without power")
    made.add_argument("--power-port", type=int, help="a power switch at this TCP port, 0 for any; prints its URL first")
    made.add_argument("--within-s", type=float, default=_WITHIN_S, help="end after so many seconds")
    return made


class Printer:
    """Prints lines from a thread of its own: whoever reads slowly must not stop the devices."""

    def __init__(self):
        self._lines = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def line(self, *words):
        """Print words as a line, soon."""
        self._lines.put(" ".join(map(str, words)))

    def end(self):
        """Print what is left."""
        self._lines.put(None)
        self._thread.join(5)

    def _run(self):
        try:
            while (text := self._lines.get()) is not None:
                sys.stdout.write(text + "\n")
                if self._lines.empty():
                    sys.stdout.flush()
            sys.stdout.flush()
        except OSError:  # nobody reads any more
            sys.stdin.close()


def make_fleet(given) -> Fleet:
    """Return the fleet that the options ask for."""
    make = {name: getattr(given, name) for name in _MAKE}
    make["size"] *= 1024
    shared = (
        "trial_s",
        "trial_max_s",
        "poll_s",
        "speed",
        "root",
        "watchdog_ms",
        "recovery_s",
        "notify_base",
        "cuts_each",
        "seed",
    )
    flags = ("user", "cuts", "needs_server", "xml", "insecure", "until_idle", "request_update")
    settings = {name: getattr(given, name) for name in shared + flags}
    bundles = read_bundles(given.bundles) if given.bundles else None
    return Fleet(given.folder, bundles, make=make, in_memory=not given.in_files, **settings)


def obey(fleet: Fleet, line: str, say) -> None:
    """Do what a line on stdin says: the index of a device, then on, off, cycle or a command for the device."""
    first, _, command = line.strip().partition(" ")
    if not first.isdigit() or int(first) >= len(fleet.devices) or not command:
        say("error no such device")
        return
    device = fleet.devices[int(first)]
    action = {"on": device.on, "off": device.off, "cycle": device.cycle}.get(command)
    if command == "banks":
        say(first, "banks", json.dumps(device.banks()))
    elif action:
        action()
    else:
        device.send(command)


def listen(fleet, say, over):
    """Obey until stdin ends."""
    try:
        for line in sys.stdin:
            obey(fleet, line, say)
    except (OSError, ValueError):
        pass
    over.set()


def run(given) -> int:
    """Run the fleet until stdin ends, or the time, or everybody is done; return the exit code."""
    fleet, printer, over = make_fleet(given), Printer(), threading.Event()
    switch = None
    with fleet:
        try:
            if given.power_port is not None:
                switch = PowerSwitch(fleet.devices, given.power_port).start()
                printer.line("power", switch.url)
            fleet.start(printer.line, on=not given.off)
            threading.Thread(target=listen, args=(fleet, printer.line, over), daemon=True).start()
            _wait(fleet, given, over)
            code = DEFECT if any(device.code == DEFECT for device in fleet.devices) else 0
        finally:
            if switch:
                switch.stop()
    printer.end()
    return code


def _wait(fleet, given, over):
    threading.Thread(target=lambda: given.until_idle and fleet.wait(given.within_s) and over.set(), daemon=True).start()
    over.wait(given.within_s)


def main() -> int:
    """Run; what the user can mend is one line."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # three open files a device
    try:
        return run(parser().parse_args())
    except ToolError as e:
        text = str(e)
    except OSError as e:
        text = "cannot listen: %s" % e
    except KeyboardInterrupt:
        return 130
    sys.stderr.write("fleet: %s\n" % text)
    return 1


if __name__ == "__main__":
    sys.exit(main())
