"""Methods that an object has in a module of their own: it is brought in when one of them is called, and goes with its phase.

    class Journal:
        def __getattr__(self, name):  # asked only for what the object itself does not have
            from agent.journal_copies import Copies

            return late(Copies, self, name)

`Copies` is a subclass of Journal that nobody makes an object of. A board that lives long on little memory holds objects of
many kinds all the time; with this it holds only what they need in any phase. See phases.py.
"""


def late(part, owner, name):
    """Return the method of the class `part` by that name, as one of `owner`."""
    method = getattr(part, name)

    def call(*arguments, **named):
        return method(owner, *arguments, **named)

    return call


def later(owner, name):
    """Return what calls that method of `owner`, to be handed out: it is looked for at each call, and held by nobody."""

    def call(*arguments):
        return getattr(owner, name)(*arguments)

    return call
