"""What ends a simulated boot: power that goes, a reset that comes. No handler of the product may catch either."""


class PowerCut(BaseException):
    """The power went; everything in RAM is gone."""


class Reset(BaseException):
    """The board starts again; `cause` is what the next boot reads of it, the flash chip has kept its power."""

    def __init__(self, cause):
        super().__init__(cause)
        self.cause = cause


class Violation(BaseException):
    """The product did what must never happen: a defect that the harness reports."""
