"""How far the bank is written, in one journal note and a tally behind it.

A note goes out before each erase and names the last block boundary that is safely in flash; each block that follows is
tallied only after its last page was read back. The resume point is this, never what the flash reads as.
"""

from agent.late import late


class Progress:
    """Where in the package and in the image to go on, and whether cells may be in flux from there."""

    def __init__(self, journal):
        self._journal = journal
        self.clear()
        self._load()

    def __getattr__(self, name):  # begin, block_done, packed
        from agent.progress_notes import Notes

        return late(Notes, self, name)

    def clear(self):
        """Forget how far the last package was."""
        self.package_at = 0  # offset in the package of the first block that is not done
        self.image_at = 0  # what that block begins with in the image
        self.erase_end = 0  # an erase up to here was announced; 0 for none
        self.image = b""  # first eight bytes of the image's digest
        self._behind = False  # the note does not know of the last blocks: a tally behind it would be wrong
