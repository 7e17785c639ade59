"""Large objects for the session tests: packages in chunks, and the ways in which a server breaks one off."""

from flash_tools.server.dm.commands import Item, Replace
from flash_tools.server.dm.element import Element, leaf
from tests.dm.hold import Packages, edit, hold

DATA = bytes([33 + i * 7 % 91 for i in range(3000)])  # printable: what validates bytes in WBXML is slow
BINARY = bytes([i * 7 & 255 for i in range(3000)])


def push(data=DATA, target="./FUMO/PkgData"):
    """Return the Replace that brings a package."""
    return Replace(Item(target, data, format="bin"))


def hold_chunks(*packages, size=1000, **options):
    """Hold a session whose server cuts objects into pieces of so many bytes."""
    policy = Packages(*packages, before=lambda session: setattr(session, "chunk_max", size))
    return hold(policy=policy, **options)


def chunk(root):
    """Return the Item of a message's Replace."""
    return root.find("SyncBody", "Replace", "Item")


def resize(number, size):
    """Return the fault that changes the Size that message `number` announces, or takes it away."""

    def change(root):
        found = chunk(root).find("Meta")
        found.children = [child for child in found.children if child.tag_name != "Size"]
        if size is not None:
            found.children.append(leaf("Size", size))

    return {"faults": edit((number, change))}


def dropped(out):
    """Tell whether nothing of a package is left."""
    return not out.device.bank.got and "package" not in [entry[0] for entry in out.device.bank.log]


def give(root, size):
    """Announce a Size."""
    chunk(root).find("Meta").children.append(leaf("Size", size))


BREAKS = {
    "another value": lambda root: chunk(root).__init__(
        "Item", [Element("Target", [leaf("LocURI", "./Area/fixed")]), leaf("Data", "x")]
    ),
    "the same from the start": lambda root: give(root, 77),
    "a Get": lambda root: root.find("SyncBody").children.__setitem__(
        -1, Element("Get", [leaf("CmdID", "9"), Element("Item", [Element("Target", [leaf("LocURI", "./FUMO")])])])
    ),
}
