"""A message of the server that was executed: where its records are, and what the user typed for it. See dm_entries."""

from agent.compat import const

_ALERT = const(0x06)
_KEPT = const(0x03)
_NO_COMMANDS = b"\x29\x22\x14\x02\x03"  # Status, Results, Item, late fields, kept values


class Program:
    """The records from `start` to `end` of the arena; `answers` holds what the user typed, by record."""

    def __init__(self, arena, start, message):
        self._arena, self.start, self.message = arena, start, message
        self.end = arena.fill
        self.answers = {}

    def executed(self):
        """Keep only what the answer needs: the room is for the next message."""
        moved = self._arena.strip(self.start, _KEPT)
        self.answers = {moved[record]: texts for record, texts in self.answers.items()}
        self.end = self._arena.fill

    def has_commands(self, but_alerts=False):
        """Tell whether anything but Statuses came."""
        at = self.start
        while at < self.end:
            kind = self._arena.kind(at)
            if kind not in _NO_COMMANDS and not (but_alerts and kind == _ALERT):
                return True
            at = self._arena.next(at)
        return False
