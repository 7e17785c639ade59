"""The rig of a board that labgrid handles: whatever the environment says it is, the scenarios see a Rig."""

from flash_tools.rig.wishes import Wishes
from tests.rig.tally import KILLED, Tally, phase_of
from tests.scenarios.rig import WAIT_S, Rig


class LabgridRig(Rig):
    """A renewed board with power; `options` are those of Wishes."""

    def __init__(self, strategy, server, tally: Tally, *, size=None, auth=("auto", "auto"), **options):
        super().__init__(server, strategy.board.device_id)
        wishes = Wishes(**options)
        self.xml, self.old, self.update_s = wishes.xml, strategy.board.old, strategy.update_s
        self.strategy, self.tally = strategy, tally
        strategy.fresh(wishes, server, self.device_id, auth, size)
        self.listener = strategy.listener
        self.listener.on_line = self.hear

    @property
    def alive(self):
        """Tell whether its console can be heard."""
        return self.listener.alive

    def power(self, on):
        """Switch the bench's power switch; with power, wait until the agent listens."""
        if on:
            self.address = self.strategy.start()
        else:
            self.strategy.power.off()

    def cut(self, phase=None):
        """Take the power in the middle of things, and count that."""
        emulated = hasattr(getattr(self.strategy.power, "program", None), "machine")
        self.tally.cut(phase or phase_of(list(self.heard)), KILLED if emulated else "")
        self.power(False)

    def cycle(self, why):
        """Take the power, and give it again."""
        self.note("the power goes: " + why)
        self.cut()
        self.note("the power is back")
        self.power(True)

    def type(self, line):
        """Type at the console."""
        self.strategy.console.write(line.encode() + b"\n")

    def hear(self, line):
        """Take what the console says; the rest of a line that a power cut tore is none of the agent's."""
        self.tally.heard(line)
        super().hear(line)

    def wait(self, *texts, since=0, timeout_s=WAIT_S):
        """Wait; a board takes the time that its environment says, if that is more."""
        return super().wait(*texts, since=since, timeout_s=max(timeout_s, self.strategy.boot_s))

    def update(self, version="2.0", behaviour="good", **options):
        """Make an update."""
        return self.strategy.board.update(version, behaviour, **options)
