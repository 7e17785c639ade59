"""`fumo dump`: everything that a flash tells of a device, dead or alive."""


def register(app) -> None:
    """Add the commands to `fumo`."""
