"""The boot record of a board that runs: what it has said is kept; reading and writing are in memory only while that is done."""

from agent.late import late
from hal.boot_facts import BootFacts


class BootKept(BootFacts):
    """A BootRecord whose methods are looked for when they are called: see agent/late.py."""

    def __init__(self, region):
        from hal.boot_record import BootRecord

        BootRecord.__init__(self, region)

    def __getattr__(self, name):
        from hal.boot_record import BootRecord

        return late(BootRecord, self, name)
