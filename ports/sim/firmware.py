"""What stands for firmware on the simulated board: an image that begins with a line of text saying how it behaves.

The modules of a running Python system are simulated too: whatever the first stage leaves in the table shadows the bank's.
"""

_MODULES = ("agent", "agent.update", "agent.version", "hal", "hal.region", "ports", "board")
_LINE = 64

GOOD = "good"
CRASH = "crash"  # at its first instruction
HANG = "hang"
CRASH_CONFIRMED = "crash-confirmed"  # passes its trial, then crashes at each start
UNFIT = "unfit"  # its self-test never passes


def make_image(version, behaviour, size, seed=1):
    """Return an image of `size` bytes: the line, then bytes that compress as badly as code does."""
    line = ("SIMFW %s %s\n" % (version, behaviour)).encode()
    data = bytearray(line + b" " * (_LINE - len(line)))
    state = seed
    while len(data) < size:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        word = (state >> 12) & 0x3FF
        data.extend(b"%d %x;" % (word, word & 63))
    return bytes(data[:size])


class Firmware:
    """The firmware of one bank, as it starts."""

    def __init__(self, image):
        line = bytearray(_LINE)
        image.read(0, line)
        parts = bytes(line).split()
        if len(parts) < 3 or parts[0] != b"SIMFW":
            parts = [b"", b"?", CRASH.encode()]
        self.version = str(parts[1], "utf-8")
        self.behaviour = str(parts[2], "utf-8")

    def import_into(self, modules, stage_version, clear_modules):
        """Hand over as a first stage does; return what `import` then finds, a mixture if the old modules stayed."""
        for name in _MODULES[:3]:
            modules[name] = stage_version  # what the first stage had loaded for itself
        clear_modules(modules)
        for name in _MODULES:
            if name not in modules:
                modules[name] = self.version
        return modules
