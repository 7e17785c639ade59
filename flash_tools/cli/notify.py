"""`fumo notify`: package 0, so that a device comes to its server."""


def register(app) -> None:
    """Add the commands to `fumo`."""
