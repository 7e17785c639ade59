"""What a command brings for a node: bytes, format, Type, who sends it."""

from agent.dm_tree import FORMATS, refuse


class Value:
    """What a command brings: `form` is an index of FORMATS, 0 where the server left it out."""

    def __init__(self, data=b"", form=0, kind="", server="", correlator=None):
        self.data, self.form, self.kind = data, form, kind
        self.server, self.correlator = server, correlator


def value_of(arena, item, command, server):
    """Return the Value that an Item brings; Meta may stand at the Item or at its command."""
    form = (arena.text(item, 0x87) or arena.text(command, 0x87)).lower()
    if form not in FORMATS:
        refuse(415)  # no such format
    kind = arena.text(item, 0x93) or arena.text(command, 0x93)
    return Value(arena.field(item, 0x0F) or b"", FORMATS.index(form), kind, server)
