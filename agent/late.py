"""Methods that an object has in a module of their own: it is brought in when one of them is called, and goes with its phase.

    class Journal:
        def __getattr__(self, name):  # asked only for what the object itself does not have
            from agent.journal_copies import Copies

            return late(Copies, self, name)

`Copies` is a subclass of Journal that nobody makes an object of. A board that lives long on little memory holds objects of
many kinds all the time; with this it holds only what they need in any phase. See phases.py.
"""


def late(part, owner, name):
    """Return the method of the class `part` by that name, as one of `owner`.

    Only a class binds a method without a call of its own around it, which would cost an RP2040 of its 8 KiB stack at each
    level: so the class has it for as long as it takes to ask for it, and does not keep its module.
    """
    kind = type(owner)
    setattr(kind, name, getattr(part, name))
    try:
        return getattr(owner, name)
    finally:
        setattr(
            kind, name, None
        )  # MicroPython leaves the value of what is deleted in its place, where it would be found alive
        delattr(kind, name)


def later(owner, name):
    """Return what calls that method of `owner`, to be handed out: it is looked for at each call, and held by nobody."""

    def call(*arguments):
        return getattr(owner, name)(*arguments)

    return call
