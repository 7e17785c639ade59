"""`fumo monitor`: the console of a board, with its lines explained."""


def register(app) -> None:
    """Add the commands to `fumo`."""
