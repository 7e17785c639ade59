"""Pins of the fake board: outputs are remembered, inputs are what the settings or pins.json say."""

import fake_state as state

edges = []  # functions (line, level) for outputs that move
looks = []  # functions called whenever the program touches the hardware
levels = {}  # what outputs have, and what tests put on inputs


def look():
    """The program touches the hardware."""
    for function in looks:
        function()


class Pin:
    """One line, a number or a name."""

    IN, OUT, OPEN_DRAIN, PULL_UP, PULL_DOWN = 0, 1, 2, 1, 2

    def __init__(self, id, mode=-1, pull=-1, value=None):
        if isinstance(id, Pin):
            id = id.line
        if isinstance(id, int) and not 0 <= id < 64 or isinstance(id, str) and not id:
            raise ValueError("invalid pin")
        self.line, self._mode, self._pull = id, mode, pull
        self.init(mode, pull, value)

    def init(self, mode=-1, pull=-1, value=None):
        """Set it up anew."""
        if mode != -1:
            self._mode = mode
        if pull != -1:
            self._pull = pull
        if value is not None:
            self.value(value)

    def value(self, level=None):
        """Set or tell the level."""
        look()
        if level is None:
            return self._level()
        before, levels[self.line] = levels.get(self.line), 1 if level else 0
        if before != levels[self.line]:
            for function in edges:
                function(self.line, levels[self.line])

    __call__ = value

    def on(self):
        """Set it high."""
        self.value(1)

    def off(self):
        """Set it low."""
        self.value(0)

    def _level(self):
        """Return what the wire has: an output what it drives, an input what somebody drives, else what it is pulled to."""
        if self._mode == Pin.OUT or self.line in levels:
            return levels.get(self.line, 0)
        name = str(self.line)
        found = state.read_json("pins.json", {}).get(name, state.settings["pins"].get(name))
        return (1 if self._pull == Pin.PULL_UP else 0) if found is None else found
