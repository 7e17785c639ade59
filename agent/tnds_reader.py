"""Takes a device description (TNDS) into the tree: XML, WBXML, or the fragment that dm_incoming keeps of an inline one.

It is read twice, first only to see whether it can be understood. What fails when it is applied is rolled back. Every node
passes the tree's own checks: to Replace a subtree one needs the rights to Delete and to Add what is in it.
"""

from agent.compat import const
from agent.dm_acl import for_creator
from agent.dm_arena import to_text
from agent.dm_commit import roll_back, snapshot
from agent.dm_edit import replace
from agent.dm_edit_nodes import add, change_property, decoded, delete
from agent.dm_tree import FORMATS, refuse
from agent.dm_uri import is_below, join, name, normalise, parse
from agent.dm_value import Value
from agent.errors import ProtocolError
from agent.syncml_tags import name as tag_name
from agent.window import END, NEED_DATA, START, TEXT, Window

_ADD = const(0x05)
_REPLACE = const(0x20)
_BIT_ADD = const(1)
_BIT_REPLACE = const(32)
_DYNAMIC = const(64)
_NODE = const(1)
_BIN = const(5)
_B64 = const(6)
_MAX_VALUE = const(1024)
_T_ACL = const(0x206)
_T_DDF_NAME = const(0x211)
_T_FORMAT = const(0x21C)
_T_MGMT_TREE = const(0x220)
_T_MIME = const(0x221)
_T_NAME = const(0x223)
_T_NODE = const(0x224)
_T_NODE_NAME = const(0x226)
_T_PATH = const(0x22C)
_T_PROPERTIES = const(0x22F)
_T_TITLE = const(0x233)
_T_TYPE = const(0x235)
_T_VALUE = const(0x236)
_T_VER_DTD = const(0x237)
# element, where it stands
_FIELDS = (
    (_T_NODE_NAME, _T_NODE), (_T_PATH, _T_NODE), (_T_VALUE, _T_NODE), (_T_VER_DTD, _T_MGMT_TREE),
    (_T_ACL, _T_PROPERTIES), (_T_NAME, _T_PROPERTIES), (_T_TITLE, _T_PROPERTIES), (_T_MIME, _T_TYPE),
    (_T_DDF_NAME, _T_TYPE),
)  # fmt: skip


def merge(tree, kind, path, value):
    """Execute an Add or a Replace whose value is a description; return the status."""
    if kind not in (_ADD, _REPLACE):
        refuse(405)
    keep, reader = snapshot(tree), _Reader(tree, path, value)
    try:
        reader.run()
        reader.begin(kind == _REPLACE)
        reader.run()
    except ProtocolError as e:
        if reader.acting and not roll_back(tree, keep):
            refuse(516)
        refuse(415 if e.code == 400 else e.code)
    return 200


class _Reader:
    """`nodes` are the Nodes that are open, each [path, ACL, Title]; those two are set last: they may lock us out."""

    def __init__(self, tree, path, value):
        self._tree, self._path, self._creator = tree, path, value.server
        self._server = value.server
        self._data = memoryview(value.data)
        self._first = self._data[0] if len(self._data) else 0x3C
        self._text = bytearray(_MAX_VALUE)
        self._places = getattr(tree.find(path)[0], "places", None)  # an Inbox decides where a node goes
        self.acting = self._replacing = False

    def begin(self, replacing):
        """From now on act."""
        self.acting, self._replacing = True, replacing
        tree, path, server = self._tree, self._path, self._server
        if self._places:
            if replacing:
                refuse(405)
            tree.may(_BIT_ADD, path, server)
            self._server = None  # where it goes is not the server's choice, hence not a matter of its rights
        elif replacing:
            tree.demand(path)
            if not tree.allowed(_BIT_REPLACE, path, server):
                refuse(425)
            self._clear(path)

    def _clear(self, path):
        for child in list(self._tree.children(path)):
            child = join(path, child)
            if self._tree.kind(child) & _DYNAMIC:
                delete(self._tree, child, Value(b"", 0, "", self._server))
            else:
                self._clear(child)

    def run(self):
        """Go through the document."""
        window, at, data = Window(), 0, self._data
        if 8 < self._first:
            from agent.xml_reader import XmlReader

            reader = XmlReader(window)
        else:
            from agent.wbxml_reader import WbxmlReader

            reader = WbxmlReader(window, None if self._first else 0)
        self._tags, self._nodes, self._field, self._got = [0], [], 0, {}
        for event in reader.events:
            if event == START:
                self._start(reader.tag)
            elif event == END:
                self._end()
            elif event == TEXT:
                if self._field:
                    self._append(reader.text)
            elif event == NEED_DATA:
                if at == len(data):
                    window.close()
                at += window.feed(data[at:])

    def _start(self, tag):
        above = self._tags[-1]
        if self._field or not above and tag != _T_MGMT_TREE:
            refuse(415)
        self._tags.append(tag)
        if tag == _T_NODE:
            if above == _T_NODE:
                self._settle(_NODE)
            elif above != _T_MGMT_TREE:
                refuse(415)
            self._nodes.append(["", "", ""])
            self._got, self._form, self._settled = {}, 0, False
        elif above == _T_FORMAT:
            form = str(tag_name(tag), "utf-8")
            if form not in FORMATS:
                refuse(415)
            self._form = FORMATS.index(form)
        elif (tag, above) in _FIELDS:
            self._field, self._fill = tag, 0

    def _append(self, data):
        end = self._fill + len(data)
        if end > _MAX_VALUE:
            refuse(413)
        self._text[self._fill : end] = data
        self._fill = end

    def _end(self):
        tag = self._tags.pop()
        if self._field:
            self._field = 0
            data = bytes(memoryview(self._text)[: self._fill])
            if tag != _T_VALUE:
                data = to_text(data).strip()
            if tag != _T_VER_DTD:
                self._got[tag] = data
            elif data != "1.2":
                refuse(415)
        elif tag == _T_NODE:
            self._settle(0)
            path, acl, title = self._nodes.pop()
            if self.acting:
                for what, text in (("title", title), ("acl", acl)):
                    if text:
                        change_property(self._tree, _REPLACE, path, "prop", what, text, self._server)

    def _settle(self, form):
        """All that the node says of itself is known: make it."""
        if self._settled:
            return
        self._settled, got = True, self._got
        path = self._where(got.get(_T_NAME) or got.get(_T_NODE_NAME, ""))
        if parse("./" + path)[0] != path:
            refuse(415)
        kind, data = got.get(_T_DDF_NAME, ""), got.get(_T_VALUE)
        form = self._form or form or (_NODE if kind else 0)
        if data and (form == _B64 or form == _BIN and not 0 < self._first < 9):
            form, data = _BIN, decoded(data)
        self._nodes[-1] = [path, got.get(_T_ACL), got.get(_T_TITLE)]
        if self.acting:
            mime = got.get(_T_MIME, kind)
            self._make(path, data, form, "" if mime == "text/plain" else mime)

    def _where(self, node):
        target, path = self._path, normalise(self._got.get(_T_PATH, ""))
        if "/" in node:
            refuse(415)
        if len(self._nodes) > 1:
            return join(self._nodes[-2][0], node)
        if self._places:
            return self._place(self._got.get(_T_DDF_NAME), node)
        if path:
            path = join(path, node)
            return path if is_below(path, target) else join(target, path)
        return target if node in ("", name(target)) else join(target, node)

    def _place(self, moi, name):
        """Return the path of a node that does not exist yet, where what is described belongs."""
        for known, top in self._places:
            if known == moi:
                number, path = 0, join(top, name)
                while not name or self._tree.kind(path):
                    number += 1
                    name = "x%d" % number
                    path = join(top, name)
                return path
        refuse(415, "nobody knows what to do with it")

    def _make(self, path, data, form, kind):
        tree, value = self._tree, Value(data or b"", form, kind, self._server)
        old = tree.kind(path)
        if not old or not self._replacing:
            add(tree, path, value)
            if self._places and self._creator and len(self._nodes) == 1:
                tree.properties.set_acl(path, for_creator(self._creator))
        elif data is not None or form not in (0, old >> 8 & 15):
            replace(tree, path, value)
