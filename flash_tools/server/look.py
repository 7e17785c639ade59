"""What is read of a device's tree: its version, the firmware object wherever it is, the rest of what people want to see.

x, the root of the firmware object, is found by its Type. Generators of packages of commands, as in play.py.
"""

import time

from flash_tools.server.dm.commands import Get

MOI = "urn:oma:mo:oma-fumo:1."
VERSION, LARGE = "./DevDetail/FwV", "./DevDetail/LrgObj"
_OLD_MOI = "org.openmobilealliance/1.0/FirmwareUpdateManagementObject"
_DETAILS = (VERSION, "./DevDetail/HwV", "./DevDetail/SwV", LARGE)
_EXTRAS = ("State", "Ext/PollInterval", "Ext/Diag")
_STRUCTURE = ".?list=Struct"
_MOST_NAMES, _MOST_TEXT = 64, 4096  # nodes below the root that are asked for, bytes of the list that are read
_FRESH_S = 86400  # so long what was read is good enough
_AT_REST = ("10", "20", "70", "80", "90", "100")  # values of State in which a device does nothing by itself


class Look:
    """`desk` keeps what was read."""

    def __init__(self, desk):
        self._desk = desk

    def get(self, device_id, uris, note=None):
        """Get nodes; return what was found."""
        command = Get(uris)
        yield [command]
        if note:
            note(command)
        self._desk.note_values(device_id, command)
        return Found(command.results)

    def version_and_root(self, device_id, hint, uris, note=None):
        """Get nodes and x: where it was or is said to be, in the whole tree, or below the root one by one.

        Return (what was found, x or None).
        """
        found = yield from self.get(device_id, [*uris, _type_of(hint) if hint else _STRUCTURE], note)
        root = hint if hint and _is_fumo(found.text(_type_of(hint)) or "") else None
        tree = found
        if root is None and hint:
            tree = yield from self.get(device_id, [_STRUCTURE], note)
        root = root or next((each.source for each in tree.results if _is_fumo(each.type)), None)
        if root is None:
            root = yield from self._search(device_id, note)
        if root:
            self._desk.found_root(device_id, root)
        return found, root

    def _search(self, device_id, note):
        """Ask each node below the root for its Type: not every client knows ?list."""
        found = yield from self.get(device_id, ["."], note)
        names = [name for name in (found.text(".") or "")[:_MOST_TEXT].split("/") if name][:_MOST_NAMES]
        if not names:
            return None
        found = yield from self.get(device_id, [_type_of("./" + name) for name in names], note)
        return next(("./" + name for name in names if _is_fumo(found.text(_type_of("./" + name)) or "")), None)

    def wants_inventory(self, device_id) -> bool:
        """Tell whether it is time to read what people want to see."""
        looked = self._desk.profile(device_id).looked_at
        return looked is None or time.time() - looked > _FRESH_S

    def inventory(self, device_id):
        """Read what people want to see."""
        profile = self._desk.profile(device_id)
        _, root = yield from self.version_and_root(device_id, profile.root, _DETAILS)
        profile.looked_at = time.time()
        if root:
            yield from self.get(device_id, ["%s/%s" % (root, name) for name in _EXTRAS])

    def back(self, order, extras: bool):
        """Read version and State in the session that brought the report."""
        names = (_EXTRAS if extras else _EXTRAS[:1]) if order.fumo else ()
        uris = [VERSION, *("%s/%s" % (order.fumo, name) for name in names)]
        found = yield from self.get(order.device_id, uris)
        order.look(found.text(VERSION), found.text(uris[1]) if order.fumo else None)

    def silent(self, order):
        """Ask a device that accepted an order and never reported what it runs."""
        order.asked_at = time.time()
        uris = [VERSION, *(["%s/State" % order.fumo] if order.fumo else [])]
        found = yield from self.get(order.device_id, uris)
        firmware, state = found.text(VERSION), found.text(uris[-1])
        if order.result != "waiting" or firmware is None:
            return
        order.firmware_version, order.state, order.verified = firmware, state, True
        if order.version and firmware == order.version:
            order.finish("found")
        elif state in _AT_REST or state is None:
            order.finish("silent", failure="the device never reported; it runs %s, State %s" % (firmware, state))


class Found:
    """The Results of a Get."""

    def __init__(self, results):
        self.results = results

    def text(self, uri) -> str | None:
        """Return a value as text, None where there was none."""
        for each in self.results:
            if uri and each.source.removeprefix("./") == uri.removeprefix("./"):
                return each.data.decode("utf-8", "replace").strip()
        return None


def _type_of(uri):
    return uri + "?prop=Type"


def _is_fumo(kind):
    return kind.strip().startswith(MOI) or kind.strip() == _OLD_MOI
