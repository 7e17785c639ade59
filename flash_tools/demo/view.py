"""The live view in a terminal: where the page is, the device or the fleet, the campaign, what has happened."""

import shutil
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from flash_tools.demo.story import STATES
from flash_tools.errors import ToolError

_PER_SECOND = 8
_BAR = 40
_TALL = 40  # lines of a terminal that has room for everything
_CELLS = {"runs": "green", "trial": "yellow", "confirmed": "cyan", "spare": "blue", "empty": "bright_black"}
_WORDS = {
    "idle": "bright_black", "downloading": "blue", "verifying": "cyan", "ready": "cyan", "installing": "magenta",
    "on trial": "yellow", "updated": "green", "failed": "red", "no power": "white on red",
}  # fmt: skip


class View:
    """Shows a play; `campaign()` and `banks()` are asked for each picture, and may fail while things begin."""

    def __init__(self, play, stage):
        self._play, self._stage = play, stage
        self._campaign: dict = {}

    @contextmanager
    def live(self, console: Console | None = None):
        """Show it while the block runs."""
        with Live(get_renderable=self.picture, refresh_per_second=_PER_SECOND, console=console, transient=False):
            yield

    def picture(self):
        """Return what is to be seen now."""
        head = Text.assemble(("fumo-agent ", "bold"), "%6.1f s   " % self._play.story.seconds, "page: ")
        head.append(self._stage.link, "underline cyan")
        middle = self._device() if len(self._play.story.devices) == 1 else self._fleet()
        return Group(Panel(head), middle, self._campaign_panel(), self._happened())

    # -- panels -------------------------------------------------------------------------------------------------------

    def _device(self):
        seen = self._play.story.devices[0]
        table = Table.grid(padding=(0, 2))
        for bank in self._play.banks() if self._play.device else ():
            table.add_row(bank["name"], _bar(bank["fill"], _CELLS[bank["state"]]), bank["state"], Text(bank["version"]))
        state = "no power" if not seen.power else "%d, %s" % (seen.state, STATES.get(seen.state, ""))
        table.add_row("State", Text(state, _WORDS.get(seen.word, "")), "session" if seen.session else "", "")
        part = 1 if seen.state >= 40 else min(seen.progress / self._play.story.size, 1)
        table.add_row("download", _bar(part, "blue"), "%3d %%" % (100 * part), "")
        if _is_short():
            return Panel(table, title="device demo:1", title_align="left")
        lines = Text("\n".join(list(seen.lines)[-6:]), "bright_black", no_wrap=True, overflow="ellipsis")
        return Panel(Group(table, Text(), lines), title="device demo:1", title_align="left")

    def _fleet(self):
        story = self._play.story
        counts, total = story.counts(), len(story.devices)
        table = Table.grid(padding=(0, 2))
        for word, style in _WORDS.items():
            if _is_short() and not counts[word]:
                continue
            table.add_row(word, _bar(counts[word] / total, style.split()[-1]), "%d" % counts[word])
        dots = Text()
        for seen in story.devices:
            dots.append("■ ", _WORDS[seen.word].split()[-1])
        title = "%d devices, %s" % (total, story.cuts_text())
        return Panel(Group(table, Text(), dots), title=title, title_align="left")

    def _campaign_panel(self):
        try:
            self._campaign = self._stage.campaign()
        except ToolError:  # it has not begun
            return Panel("no campaign yet", title="campaign", title_align="left")
        table = Table.grid(padding=(0, 2))
        for group in self._campaign["groups"]:
            counts = group["counts"]
            ended = (counts["success"] + counts["failed"]) / max(group["size"], 1)
            said = ", ".join("%d %s" % (counts[word], word) for word in counts if counts[word])
            table.add_row(
                Text(group["name"]), _bar(ended, "red" if counts["failed"] else "green"), group["state"], said
            )
        title = "campaign %s: %s %s" % (self._campaign["name"], self._campaign["state"], self._campaign["reason"] or "")
        return Panel(table, title=Text(title), title_align="left")

    def _happened(self):
        count = 4 if _is_short() else 12
        said = list(self._play.story.said)[-count:]
        text = Text("\n".join("%7.2f s  %s" % each for each in said), no_wrap=True, overflow="ellipsis")
        return Panel(text, title="what happened", title_align="left", height=count + 2)


def _is_short():
    return shutil.get_terminal_size().lines < _TALL


def _bar(part, style):
    full = round(_BAR * min(max(part, 0), 1))
    return Text.assemble(("█" * full, style), ("░" * (_BAR - full), "bright_black"))
