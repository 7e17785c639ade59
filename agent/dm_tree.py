"""The management tree: which object answers for a path, who may do what there, and the commands that change it.

Rights are checked here, once, above the objects; what a node is and does is the objects' matter (hal/contracts.py,
ManagementObject). Refusals come out as ProtocolError with the DM status. Nothing is on flash before `commit`.
"""

from agent import dm_acl
from agent.compat import const
from agent.dm_uri import below, is_below, join, name, parent
from agent.errors import ProtocolError

_ADD = const(1)
_COPY = const(2)
_DELETE = const(4)
_EXEC = const(8)
_GET = const(16)
_REPLACE = const(32)
_DYNAMIC = const(64)
_VOLATILE = const(4096)
_NODE = const(1)
_BIN = const(5)
_MAX_SAMPLE = const(64)
_IMPLIED = const(_NODE << 8 | _GET)
_ROOT = const(_NODE << 8 | _GET | _ADD)
FORMATS = ("", "node", "chr", "int", "bool", "bin", "b64", "xml", "null", "date", "time", "float")


def refuse(code, text="refused"):
    """Raise the refusal."""
    raise ProtocolError(text, code)


class Value:
    """What a command brings: `form` is an index of FORMATS, 0 where the server left it out."""

    def __init__(self, data=b"", form=0, kind="", server="", correlator=None):
        self.data, self.form, self.kind = data, form, kind
        self.server, self.correlator = server, correlator


class Tree:
    """Objects mounted at paths: `objects` is a tuple of (path, object), `acls` of (path, ACL) as the factory set them."""

    def __init__(self, objects, properties, settings, acls=(("", "Add=*&Get=*"),)):
        self.objects, self.properties, self._settings = objects, properties, settings
        self._acls = acls
        self._samples = {}

    # -- what is there ------------------------------------------------------------------------------------------------

    def find(self, path):
        """Return (object, the path inside it); the object is None where nobody answers."""
        best, found = -1, None
        for top, thing in self.objects:
            if is_below(path, top) and len(top) > best:
                best, found = len(top), (thing, below(path, top))
        return found or (None, path)

    def kind(self, path):
        """Return the node's kind, 0 where there is none."""
        thing, inside = self.find(path)
        if thing:
            return thing.kind(inside)
        if not path:
            return _ROOT
        for top, _ in self.objects:
            if is_below(top, path):
                return _IMPLIED
        return 0

    def demand(self, path):
        """Return the node's kind; 404 where there is none."""
        return self.kind(path) or refuse(404, "no such node")

    def children(self, path):
        """Return the names below the node."""
        thing, inside = self.find(path)
        names = list(thing.children(inside)) if thing else []
        for top, _ in self.objects:
            if top != path and is_below(top, path):
                child = below(top, path).split("/")[0]
                if child not in names:
                    names.append(child)
        return names

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
        if path not in self._samples:
            thing, inside = self.find(path)
            buffer = memoryview(bytearray(_MAX_SAMPLE))
            self._samples[path] = bytes(buffer[: thing.read(inside, 0, buffer)])
        return self._samples[path]

    def value(self, path):
        """Return the whole value of a small leaf."""
        data = bytearray(self.size(path))
        self.read(path, 0, memoryview(data))
        return data

    def start_session(self):
        """Let volatile leaves be read anew."""
        self._samples = {}

    # -- who may ------------------------------------------------------------------------------------------------------

    def own_acl(self, path):
        """Return the ACL of the node itself, empty where it inherits."""
        acl = self.properties.acl(path)
        if acl is not None:
            return acl
        for where, acl in self._acls:
            if where == path:
                return acl
        return ""

    def allowed(self, bit, path, server):
        """Tell whether the first ACL that is not empty, from the node upwards, lets the server do it."""
        acl = self.own_acl(path)
        while not acl and path:
            path = parent(path)
            acl = self.own_acl(path)
        return dm_acl.allows(acl, bit, server)

    def may(self, bit, path, server):
        """Refuse with 404, 405 or 425 what the node or the ACL does not let the server do; return the kind."""
        kind = self.demand(path)
        if not kind & bit:
            refuse(405, "the node has no such command")
        if not self.allowed(bit, path, server):
            refuse(425, "the ACL refuses")
        return kind

    # -- commands -----------------------------------------------------------------------------------------------------

    def add(self, path, value):
        """Create a node, and the interior ones on the way to it."""
        if self.kind(path):
            refuse(418, "there is such a node")
        top, missing = parent(path), []
        while not self.kind(top):
            missing.append(top)
            top = parent(top)
        kind = self.kind(top)
        if kind >> 8 & 15 != _NODE or not kind & _ADD:
            refuse(405, "nothing may be added there")
        if not self.allowed(_ADD, top, value.server):
            refuse(425, "the ACL refuses")
        for node in reversed(missing):
            self._create(node, Value(b"", _NODE, "", value.server))
        self._create(path, value)
        return 200

    def _create(self, path, value):
        self._apply(_ADD, path, value)
        server = value.server
        if value.form == _NODE and server and not self.allowed(_REPLACE, parent(path), server):
            self.properties.set_acl(path, dm_acl.for_creator(server))
        self.properties.touch(path)

    def replace(self, path, value):
        """Overwrite a leaf."""
        kind = self.may(_REPLACE, path, value.server)
        if kind >> 8 & 15 == _NODE:
            refuse(405, "an interior node has no value")
        return self._change(_REPLACE, path, value)

    def delete(self, path, value):
        """Remove a node and all below it."""
        kind = self.demand(path)
        if not path or not kind & _DYNAMIC:
            refuse(405, "the node is permanent")
        self.may(_DELETE, path, value.server)
        code = self._apply(_DELETE, path, value)
        self.properties.forget(path)
        return code

    def execute(self, path, value):
        """Run the node's command."""
        self.may(_EXEC, path, value.server)
        return self._apply(_EXEC, path, value)

    def copy(self, source, path, value):
        """Write the value of one leaf over another, or into a new one."""
        kind = self.may(_GET, source, value.server)
        if kind >> 8 & 15 == _NODE or source == path:
            refuse(403, "only a leaf can be copied, and to another place")
        value.data, value.form, value.kind = self.value(source), kind >> 8 & 15, self.type_of(source)
        return self.replace(path, value) if self.kind(path) else self.add(path, value)

    def _change(self, op, path, value):
        code = self._apply(op, path, value)
        self.properties.touch(path)
        return code

    def _apply(self, op, path, value):
        thing, inside = self.find(path)
        if not thing:
            refuse(405, "nothing may be changed there")
        code = thing.check(op, inside, value)
        if code >= 300:
            refuse(code, "the object refuses")
        return thing.apply(op, inside, value)

    def rename(self, path, new):
        """Give a dynamic node another name, its children and properties go with it."""
        kind = self.demand(path)
        target = join(parent(path), new)
        if not path or not kind & _DYNAMIC:
            refuse(405, "the node is permanent")
        if self.kind(target):
            refuse(418, "a sibling has that name")
        thing, inside = self.find(path)
        thing.rename(inside, join(parent(inside), name(target)))
        self.properties.rename(path, target)
        return 200

    # -- all or nothing -----------------------------------------------------------------------------------------------

    def snapshot(self):
        """Return what `roll_back` needs."""
        return [self.properties.snapshot()] + [thing.snapshot() for _, thing in self.objects]

    def roll_back(self, snapshot):
        """Undo everything since the snapshot; tell whether every object could."""
        self.properties.restore(snapshot[0])
        good = True
        for i in range(len(self.objects)):
            good = self.objects[i][1].restore(snapshot[i + 1]) and good
        return good

    def commit(self):
        """Put what has changed, all at once."""
        changes = self.properties.changes()
        for _, thing in self.objects:
            changes += thing.changes()
        if changes:
            self._settings.put(changes)
            self.properties.saved()
            for _, thing in self.objects:
                thing.saved()
