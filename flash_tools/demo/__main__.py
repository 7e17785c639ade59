"""make run: one command, a real server with its page, devices, one campaign, and the power that fails in the middle of it.

Exit code 0 only if it really went that way; see verdict.py. Without a terminal every step is a line, and it ends by itself.
"""

import argparse
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from flash_tools.demo.many import MOST, ManyDevices
from flash_tools.demo.one import OneDevice
from flash_tools.demo.stage import Stage
from flash_tools.errors import ToolError
from ports.sim import firmware

FOLDER = Path("build/run")
TRANSCRIPT = Path("build/transcripts/make-run.txt")
_KINDS = {
    "contact": "is there", "ordered": "ordered", "woken": "woken", "accepted": "has accepted", "offered": "was told",
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return what knows the options."""
    made = argparse.ArgumentParser("make run", description="One update, from the campaign to the report.")
    made.add_argument("--firmware", default=firmware.GOOD, choices=(firmware.GOOD, firmware.CRASH, firmware.HANG))
    made.add_argument("--devices", type=int, default=1, help="1 to %d" % MOST)
    made.add_argument(
        "--cuts", default="none", choices=("none", "random"), help="of a fleet; one device is always cut once"
    )
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--folder", type=Path, default=FOLDER)
    return made


def say(seconds: float, text: str) -> None:
    """Print a step."""
    print("%7.2f s  %s" % (seconds, text), flush=True)


def run(given, live: bool = False) -> int:
    """Play it; return the exit code."""
    with Stage(given.folder) as stage, ExitStack() as stack:
        play = _make_play(given, stage, None if live else say)
        stage.server.office.subscribe(play.story.event)
        found = _show(play, stage, stack, live)
        stage.server.office.transcript.write(TRANSCRIPT)
        print(_end_text(play, stage, found))
        if live:
            _stay(stage)
    return 1 if found else 0


def _make_play(given, stage, on_say):
    if given.devices == 1:
        return OneDevice(stage, given.firmware, on_say)
    return ManyDevices(stage, given.devices, given.firmware, given.cuts, given.seed, on_say)


def _show(play, stage, stack, live):
    """Play, and show it."""
    play.story.say("the server is at %s, its page at %s" % (stage.server.url, stage.server.page_url))
    stack.enter_context(play)
    if live:
        from flash_tools.demo.view import View

        with View(play, stage).live():
            return play.play()
    with _heartbeat(play.story):
        return play.play()


class _heartbeat:
    """Prints every second what a fleet does; one device speaks for itself."""

    def __init__(self, story):
        self._story, self._over = story, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        if len(self._story.devices) > 1:
            self._thread.start()

    def __exit__(self, *exception):
        self._over.set()

    def _run(self):
        while not self._over.wait(1):
            counts = ", ".join("%d %s" % (count, word) for word, count in self._story.counts().most_common())
            self._story.say("%s; %s" % (counts, self._story.cuts_text()))


def _end_text(play, stage, found):
    lines = []
    if len(play.story.devices) == 1:
        lines.append("what the server has noted of the device:")
        events = stage.client.get("/api/events", device="demo:1", limit=200)
        lines += ["  %s  %s" % (time.strftime("%H:%M:%S", time.localtime(each["at"])), _words(each)) for each in events]
    lines.append("every message of it is in %s" % TRANSCRIPT)
    lines += ["FAILED: " + text for text in found] or [_good_end(play)]
    return "\n".join(lines)


def _good_end(play):
    wanted = play.wanted
    who = "the device runs" if wanted.devices == 1 else "all %d devices run" % wanted.devices
    again = "" if wanted.good else " again"
    told = "%s version %s%s, the server was told %d, once" % (who, wanted.version, again, wanted.code)
    return "done: %s; %s" % (play.story.cuts_text(), told)


def _words(event):
    kind = _KINDS.get(event["kind"], event["kind"])
    return "%s%s" % (kind, ": " + event["text"] if event["text"] else "")


def _stay(stage):
    print("the page stays until you press Enter: %s" % stage.link)
    try:
        input()
    except (EOFError, KeyboardInterrupt):
        pass


def main(words=None) -> int:
    """Run the demonstration; return the exit code."""
    given = parser().parse_args(words)
    live = sys.stdout.isatty() and sys.stdin.isatty()
    try:
        code = run(given, live)
    except ToolError as e:
        print("FAILED: %s" % e)
        return 1
    except KeyboardInterrupt:
        return 130
    if not live:
        print("`.venv/bin/fumo server run %s` opens the same again" % (given.folder / "server"))
    return code


if __name__ == "__main__":
    sys.exit(main())
