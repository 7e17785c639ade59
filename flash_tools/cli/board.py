"""`fumo status`, `confirm`, `rollback`, `request-update`, `factory-reset`: one board, and what it runs."""


def register(app) -> None:
    """Add the commands to `fumo`."""
