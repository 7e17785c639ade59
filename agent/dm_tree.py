"""The management tree: which object answers for a path, what is there, and who may do what with it.

Rights are checked here, once, above the objects; what a node is and does is the objects' matter (hal/contracts.py,
ManagementObject). Refusals come out as ProtocolError with the DM status. dm_edit changes the tree.
"""

from agent.compat import const
from agent.dm_uri import add_children, below, is_below, parent
from agent.errors import ProtocolError

_ADD = const(1)
_GET = const(16)
_VOLATILE = const(4096)
_NODE = const(1)
_MAX_SAMPLE = const(1024)
_FIRST_SAMPLE = const(64)
_RIGHTS = ((1, "Add"), (4, "Delete"), (8, "Exec"), (16, "Get"), (32, "Replace"))
_IMPLIED = const(_NODE << 8 | _GET)
_ROOT = const(_NODE << 8 | _GET | _ADD)
FORMATS = ("", "node", "chr", "int", "bool", "bin", "b64", "xml", "null", "date", "time", "float")


def refuse(code, text="refused"):
    """Raise the refusal."""
    raise ProtocolError(text, code)


def allows(acl, bit, server):
    """Tell whether an ACL lets the server do what the access bit stands for."""
    for entry in acl.split("&"):
        command, _, ids = entry.partition("=")
        if (bit, command) in _RIGHTS:
            ids = ids.split("+")
            return "*" in ids or server in ids
    return False


class Tree:
    """Objects mounted at paths: `objects` has (path, object), `acls` (path, ACL) as the factory set them.

    A function in the place of an object is called when the object is needed first.
    """

    tnds = True  # device descriptions can be asked for and brought
    tidy = None  # forgets what making an object, or a volatile reading, has brought into memory

    def __init__(self, objects, properties, settings, acls=(("", "Add=*&Get=*"),)):
        self.objects, self.properties, self.settings = list(objects), properties, settings
        self._acls = dict(acls)
        self.samples = {}  # the first readings of volatile leaves, which stay for a session

    # -- what is there ------------------------------------------------------------------------------------------------

    def find(self, path):
        """Return (object, the path inside it); the object is None where nobody answers."""
        objects, best = self.objects, -1
        for i in range(len(objects)):
            top = objects[i][0]
            if is_below(path, top) and (best < 0 or len(top) > len(objects[best][0])):
                best = i
        if best < 0:
            return None, path
        top, thing = objects[best]
        if callable(thing):
            thing = thing()
            objects[best] = (top, thing)
            if self.tidy:
                self.tidy()
        return thing, below(path, top)

    def unsettled(self):
        """Tell whether an object knows what is not on flash."""
        for _, thing in self.objects:
            if getattr(thing, "unsettled", False):
                return True
        return False

    def kind(self, path):
        """Return the node's kind, 0 where there is none."""
        thing, inside = self.find(path)
        if thing:
            return thing.kind(inside)
        if not path:
            return _ROOT
        return _IMPLIED if self.children(path) else 0

    def demand(self, path):
        """Return the node's kind; 404 where there is none."""
        return self.kind(path) or refuse(404)  # no such node

    def children(self, path):
        """Return the names below the node, those of what is mounted there at the end."""
        return list(self.each_child(path))

    def each_child(self, path):
        """Yield the same names without having all of them in memory."""
        thing, inside = self.find(path)
        mounted = add_children([], self.objects, path)
        for name in thing.children(inside) if thing else ():
            if name not in mounted:
                yield name
        for name in mounted:
            yield name

    def type_of(self, path):
        """Return the Type property."""
        thing, inside = self.find(path)
        return thing.type_of(inside) if thing else ""

    def size(self, path):
        """Return the bytes that `read` gives of the leaf."""
        if self.kind(path) & _VOLATILE:
            return len(self._sample(path))
        thing, inside = self.find(path)
        return thing.size(inside)

    def read(self, path, offset, into):
        """Read a part of the leaf's value; a volatile one keeps its first reading for the whole session."""
        thing, inside = self.find(path)
        if not self.kind(path) & _VOLATILE:
            return thing.read(inside, offset, into)
        part = self._sample(path)[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)

    def _sample(self, path):
        if path not in self.samples:
            thing, inside = self.find(path)
            for most in (_FIRST_SAMPLE, _MAX_SAMPLE):  # a reading that fills the buffer is made once more, in one piece
                buffer = memoryview(bytearray(most))
                size = thing.read(inside, 0, buffer)
                if size < most:
                    break
            self.samples[path] = bytes(buffer[:size])
            if self.tidy:
                self.tidy()
        return self.samples[path]

    def value(self, path):
        """Return the whole value of a small leaf."""
        data = bytearray(self.size(path))
        self.read(path, 0, memoryview(data))
        return data

    # -- who may ------------------------------------------------------------------------------------------------------

    def own_acl(self, path):
        """Return the ACL of the node itself, empty where it inherits."""
        acl = self.properties.acl(path)
        return self._acls.get(path, "") if acl is None else acl

    def allowed(self, bit, path, server):
        """Tell whether the first ACL that is not empty, from the node upwards, lets the server do it; None may all."""
        if server is None:
            return True
        while True:
            acl = self.own_acl(path)
            if acl or not path:
                return allows(acl, bit, server)
            path = parent(path)

    def may(self, bit, path, server):
        """Refuse with 404, 405 or 425 what the node or the ACL does not let the server do; return the kind."""
        kind = self.demand(path)
        if not kind & bit:
            refuse(405)  # the node has no such command
        if not self.allowed(bit, path, server):
            refuse(425)  # the ACL refuses
        return kind
