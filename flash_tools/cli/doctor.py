"""`fumo doctor`: what is wrong on this machine or with this board."""


def register(app) -> None:
    """Add the commands to `fumo`."""
