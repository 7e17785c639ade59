"""How far the bank is written, in one journal note and a tally behind it.

A note goes out before each erase and names the last block boundary that is safely in flash; each block that follows is
tallied only after its last page was read back. The resume point is this, never what the flash reads as.
"""

from agent.late import late


class Progress:
    """Where in the package and in the image to go on, and whether cells may be in flux from there."""

    def __init__(self, journal):
        self.load(journal)

    def __getattr__(self, name):  # all that it does
        from agent.progress_notes import Notes

        return late(Notes, self, name)
