"""The Pin contract over machine.Pin: 1 is active, whatever the level on the wire. port_parts.py makes them."""

from agent.errors import FlashError


class OutputPin:
    """A line that is driven. `inverted` is 1 for one that is active when low."""

    def __init__(self, pin, value, inverted):
        self._pin, self._value, self._inverted = pin, value, inverted

    def __call__(self, value=None):
        """Drive the line where a value is given; return what it has."""
        if value is not None:
            self._value = 1 if value else 0
            self._pin(self._value ^ self._inverted)
        return self._value


class InputPin:
    """A line that is read."""

    def __init__(self, pin, inverted):
        self._pin, self._inverted = pin, inverted

    def __call__(self, value=None):
        """Return what the line has."""
        if value is not None:
            raise FlashError("%s is an input: it cannot be driven" % self._pin)
        return self._pin() ^ self._inverted
