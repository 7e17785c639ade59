"""The Pin contract over machine.Pin: 1 is active, whatever the level on the wire. A line is a number or a name ("LED")."""

from machine import Pin

from agent.errors import FlashError


class OutputPin:
    """A line that is driven; it has `value` from its first moment on."""

    def __init__(self, line, value=0, active_low=False):
        self._inverted = 1 if active_low else 0
        self._value = 1 if value else 0
        self._pin = _make(line, Pin.OUT, value=self._value ^ self._inverted)

    def __call__(self, value=None):
        """Drive the line where a value is given; return what it has."""
        if value is not None:
            self._value = 1 if value else 0
            self._pin(self._value ^ self._inverted)
        return self._value


class InputPin:
    """A line that is read. One that is pulled up is active when low, as a button to ground is.

    `pull_up`: True pulls up, False down, None not at all; then `active_low` says which level is active.
    """

    def __init__(self, line, pull_up=True, active_low=False):
        self._line = line
        self._inverted = 1 if (active_low if pull_up is None else pull_up) else 0
        pull = None if pull_up is None else Pin.PULL_UP if pull_up else Pin.PULL_DOWN
        self._pin = _make(line, Pin.IN, pull)

    def __call__(self, value=None):
        """Return what the line has."""
        if value is not None:
            raise FlashError("pin %s is an input: it cannot be driven" % self._line)
        return self._pin() ^ self._inverted


def _make(line, *how, **more):
    try:
        return Pin(line, *how, **more)
    except (ValueError, TypeError, OSError) as e:
        raise FlashError("pin %s cannot be used so (%s): see the board's pinout" % (line, e))
