"""A management tree for tests: every kind of node there is, over a journal that is a dict."""

from agent.account import Accounts
from agent.dm_edit import replace
from agent.dm_edit_nodes import add
from agent.dm_properties import Properties
from agent.dm_store import Store
from agent.dm_tree import Tree
from agent.dm_value import Value
from agent.mo_devinfo import devdetail, devinfo
from agent.mo_dmacc import DMAcc
from agent.mo_inbox import Inbox
from agent.mo_stored import StoredObject

NODE, CHR, INT, BOOL, BIN = 1, 2, 3, 4, 5
ADD, DELETE, EXEC, GET, REPLACE, DYNAMIC = 1, 4, 8, 16, 32, 64
IDENTITY = {
    "DevId": "urn:x:1", "Man": "Acme", "Mod": "Valve", "DmV": "1.2", "Lang": "en", "DevTyp": "valve", "OEM": "Acme",
    "SwV": "1", "HwV": "A",
}  # fmt: skip
ROWS = (
    ("", NODE << 8 | GET | ADD, "urn:x:app", 0),
    ("Level", INT << 8 | GET | REPLACE, "", 11),
    ("Box", NODE << 8 | GET | ADD | REPLACE, "", 0),
    ("Box/*", NODE << 8 | DYNAMIC | GET | ADD | DELETE | REPLACE, "", 0),
    ("Box/*/Text", CHR << 8 | DYNAMIC | GET | ADD | DELETE | REPLACE, "", 1024),
    ("Box/*/On", BOOL << 8 | DYNAMIC | GET | ADD | DELETE | REPLACE, "", 5),
    ("Box/*/Raw", BIN << 8 | DYNAMIC | GET | ADD | DELETE | REPLACE, "", 1024),
    ("Box/*/Pin", CHR << 8 | DYNAMIC | ADD | DELETE | REPLACE, "", 16),
    ("Box/*/Fixed", CHR << 8 | DYNAMIC | GET, "", 16),
)
OWNER = "Add=*&Delete=boss&Get=*&Replace=boss"
ACLS = (("", "Add=*&Get=*"), ("App", OWNER), ("DMAcc", "Add=boss&Get=*"), ("Inbox", "Add=boss"))


class DictJournal:
    """Keeps what is put."""

    def __init__(self):
        self.kept, self.puts = {}, 0

    was_clean = True

    def get(self, key, into):
        data = self.kept.get(key)
        if data is None:
            return -1
        into[: len(data)] = data
        return len(data)

    def put(self, changes):
        self.puts += 1
        for key, data in changes:
            self.kept[key] = bytes(data)

    def note(self, key, data):
        self.kept[key] = bytes(data)


def make_tree(journal=None, quota=16384, now=None, acls=ACLS):
    """Return a tree; over a journal that was used before, one with what was committed there."""
    journal = journal or DictJournal()
    properties = Properties(Store(journal, 1, quota), now)
    accounts = DMAcc(Store(journal, 2, quota), properties)
    app = StoredObject(Store(journal, 3, quota), ROWS)
    objects = (
        ("DevInfo", devinfo(IDENTITY)),
        ("DevDetail", devdetail(IDENTITY, lambda: "1.0")),
        ("DMAcc", accounts),
        ("Inbox", Inbox()),
        ("App", app),
    )
    tree = Tree(objects, properties, journal, acls)
    tree.journal, tree.accounts = journal, Accounts(accounts.store)
    return tree


def node(server="boss"):
    """Return the Value of an interior node."""
    return Value(b"", NODE, "", server)


def leaf(data=b"x", form=0, server="boss", kind=""):
    """Return the Value of a leaf."""
    return Value(data, form, kind, server)


def filled(**options):
    """Return a tree with a box in it: two leaves of each kind, secrets, ACLs, a title."""
    tree = make_tree(**options)
    for name, data in (("a", b"one"), ("b", "zwei & <drei> \u20ac".encode())):
        box = "App/Box/" + name
        add(tree, box, node(None))
        add(tree, box + "/Text", leaf(data, CHR, None))
        add(tree, box + "/On", leaf(b"true", BOOL, None))
        add(tree, box + "/Raw", leaf(bytes(range(200)), BIN, None))
        add(tree, box + "/Pin", leaf(b"1234", CHR, None))
    tree.properties.set_title("App/Box/a", "A <title>")
    tree.properties.set_acl("App/Box/b", "Add=boss&Get=*&Replace=boss+other")
    replace(tree, "App/Level", leaf(b"-7", INT, "boss"))
    return tree


def dump(tree, path="", secrets=True):
    """Return every node below `path` as a list of (path, kind, Type, value, ACL, Title), sorted."""
    found, waiting = [], [path]
    while waiting:
        path = waiting.pop()
        kind = tree.kind(path)
        if kind & GET or secrets and kind >> 8 & 15 != NODE:
            value = None if kind >> 8 & 15 == NODE else bytes(tree.value(path))
            found.append((path, kind, tree.type_of(path), value, tree.own_acl(path), tree.properties.load(path)[4]))
        if kind >> 8 & 15 == NODE:
            waiting += [path + "/" + child if path else child for child in tree.children(path)]
    return sorted(found, key=lambda row: row[0])


def status(function, *arguments):
    """Return the status that a command gives or is refused with."""
    from agent.errors import ProtocolError

    try:
        return function(*arguments)
    except ProtocolError as e:
        return e.code
