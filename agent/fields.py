"""A bag of plain attributes. It is all that stays of an object when the code that made it is unloaded."""


class Fields:
    """Whoever makes one says what it has."""
