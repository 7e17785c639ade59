"""What portable tests need beyond `assert`. Must run on both interpreters, so it knows nothing of pytest."""


class Skip(Exception):
    """Raise it, or return one, where a test cannot run here; the text is the reason."""


class raises:
    """Fail unless the block raises `expected` or a subclass; the exception is kept in `error`."""

    def __init__(self, expected):
        self.expected = expected
        self.error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            raise AssertionError("nothing was raised, expected " + self.expected.__name__)
        self.error = error
        return issubclass(kind, self.expected)
