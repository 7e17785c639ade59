"""The `check_flash` of a board with one flash, which lives long: what it needs is imported when it is called."""


def check_of(flash, boot, start, banks):
    """Return the function; `start` is where the boot record's region begins."""

    def check():
        """Raise FlashError where the spare bank must not be written."""
        from hal.spare_bank import require_room

        require_room(flash, boot, start, banks)

    return check
