"""What a driver of a board with the agent can do beside power and console: make it anew, and make updates for it."""

import abc


class FumoBoardProtocol(abc.ABC):
    """The rest of a board."""

    @abc.abstractmethod
    def renew(self, bundle: dict, wishes, size: int | None = None):
        """Make it a board with confirmed firmware and this account; it has no power, or loses it."""

    @abc.abstractmethod
    def update(self, version: str, behaviour: str = "good", **options) -> bytes:
        """Make an update package for the board as it was renewed."""

    @abc.abstractmethod
    def address(self, port: int) -> tuple[str, int]:
        """Return where its notifications go; `port` is what it says it listens at."""
