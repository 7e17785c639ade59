"""The CrashCounter of a board where nobody counts crashes."""


class NoCounter:
    """Remembers nothing."""

    remembers = False

    def get(self):
        """Return 0."""
        return 0

    def set(self, value):
        """Forget it."""
