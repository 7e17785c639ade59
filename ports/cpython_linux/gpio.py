"""The Pin contract over gpiozero: LED, button, write-protect and hold pins, reset of a co-processor, an outer watchdog.

A line is the number of a GPIO on a Raspberry Pi, through whatever pin factory gpiozero finds there ("GPIO17" and "BOARD11"
are numbers too), or "gpiochip1:17" on any board, through gpio_chip.py. For numbers, a `Device.pin_factory` that somebody has
set counts, such as gpiozero's mock in tests.
"""

import errno
import os
import tempfile
import warnings

from agent.errors import FlashError

_WHY = {
    errno.EACCES: "%s may not be opened: join the group gpio (sudo usermod -aG gpio $USER) and log in again",
    errno.EPERM: "%s may not be opened: join the group gpio (sudo usermod -aG gpio $USER) and log in again",
    errno.EINVAL: "%s: the chip has no such line, or it cannot be used so (see `gpioinfo`)",
    errno.ENOTTY: "%s is no GPIO chip, or the kernel is older than 5.10",
}
_CHIPS = []  # one factory a process: it knows which lines are taken


class OutputPin:
    """A line that is driven: 1 is active, whatever the level on the wire. It has `value` from its first moment on."""

    def __init__(self, line, value=0, active_low=False):
        self._line = line
        self._device = _make(line, "OutputDevice", active_high=not active_low, initial_value=bool(value))

    def __call__(self, value=None):
        """Drive the line where a value is given; return what it has."""
        try:
            if value is not None:
                self._device.value = bool(value)
            return int(self._device.value)
        except Exception as e:
            raise _refusal(self._line, e) from e

    def close(self):
        """Let go of the line; calling it twice is allowed."""
        self._device.close()


class InputPin:
    """A line that is read: 1 is active. One that is pulled up is active when low, as a button to ground is.

    `pull_up`: True pulls up, False down, None not at all; then `active_low` says which level is active. Where the chip
    cannot pull, nothing does, and nobody says so: the board needs a resistor.
    """

    def __init__(self, line, pull_up=True, active_low=False):
        self._line = line
        active = {"active_state": not active_low} if pull_up is None else {}
        self._device = _make(line, "InputDevice", pull_up=pull_up, **active)

    def __call__(self, value=None):
        """Return what the line has."""
        if value is not None:
            raise FlashError("GPIO %s is an input: it cannot be driven" % self._line)
        try:
            return int(self._device.value)
        except Exception as e:
            raise _refusal(self._line, e) from e

    def close(self):
        """Let go of the line; calling it twice is allowed."""
        self._device.close()


def _make(line, name, **options):
    gpiozero = _gpiozero()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one for each factory that is not there
            return getattr(gpiozero, name)(line, pin_factory=_chips() if ":" in str(line) else None, **options)
    except Exception as e:  # gpiozero's own, the kernel's, and those of the library below it, which is not known here
        raise _refusal(line, e) from e


def _chips():
    """Return the factory for lines that are named by their chip."""
    if not _CHIPS:
        from ports.cpython_linux.gpio_chip import ChipFactory

        _CHIPS.append(ChipFactory())
    return _CHIPS[0]


def _gpiozero():
    # lgpio leaves a pipe in the working folder, which a service may not write to; it goes to LG_WD with the whole process
    os.environ.setdefault("LG_WD", os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or tempfile.gettempdir())
    try:
        import gpiozero
    except ImportError as e:
        raise FlashError(
            "the Python module gpiozero is missing: pip install gpiozero, or apt install python3-gpiozero"
        ) from e
    return gpiozero


def _refusal(line, error):
    """Return a FlashError that says what to do."""
    where = "GPIO %s" % line
    number = getattr(error, "errno", None)
    if number in _WHY:
        return FlashError(_WHY[number] % where)
    if number == errno.EBUSY:
        return FlashError("%s is in use: %s" % (where, _user(line)))
    kind = type(error).__name__
    if kind == "GPIOPinInUse":
        return FlashError("%s is in use: another part of this program has it" % where)
    if kind == "BadPinFactory":
        text = "%s: gpiozero finds no Raspberry Pi (apt install python3-lgpio on one); write gpiochip0:%s elsewhere"
        return FlashError(text % (where, line))
    return FlashError("%s: %s" % (where, (getattr(error, "strerror", None) or str(error) or kind).split("\n")[0]))


def _user(line):
    try:
        return "%s has it (see `gpioinfo`)" % (_chips().pin(line).user() or "another program")
    except Exception:  # no more than a better text is lost
        return "another program has it (see `gpioinfo`)"
