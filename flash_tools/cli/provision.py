"""`fumo provision`: who a board is and whom it trusts, into its factory region."""


def register(app) -> None:
    """Add the commands to `fumo`."""
