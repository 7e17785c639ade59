"""`fumo deploy`: the agent's own code, onto a board."""


def register(app) -> None:
    """Add the commands to `fumo`."""
