"""Large objects in both directions (omadm.md 2.5): what the client sends in pieces, and how it takes the server's pieces."""

from tests.dm.message import need


class Outgoing:
    """An object that the client sends in pieces."""

    def __init__(self):
        self._open = None
        self._size = self._have = 0
        self.max_object = None  # the server's MaxObjSize

    def server(self, message):
        """Forget the object when the server refuses a piece; return what it was (see `_identity`)."""
        if "MaxObjSize" in message.meta:
            self.max_object = int(message.meta["MaxObjSize"])
        if any(s.cmd in ("Results", "Alert") and (s.code or "") >= "400" for s in message.statuses):
            gone, self._open = self._open, None
            return gone
        return None

    def client(self, message):
        """Check the pieces of one message; return the Items that are whole."""
        parts = [(c, item) for c in message.all if c.name in ("Results", "Alert", "Replace") for item in c.items]
        if message.has_alert("1223"):
            self._open = None
        if self._open is not None:
            need(parts and _identity(*parts[0]) == self._open, "%s is not continued", self._open)
        for command, item in parts[:-1]:
            need(not item.more, "%s: a piece is not the last of its message", _identity(command, item))
        need(not (parts and parts[-1][1].more and message.final), "MoreData and Final")
        whole = []
        for command, item in parts:
            if self._open is not None or item.more:
                self._piece(_identity(command, item), item)
            else:
                need(self.max_object is None or len(item.data or b"") <= self.max_object, "over MaxObjSize")
                whole.append((command, item))
        return whole

    def _piece(self, identity, item):
        if self._open is None:
            need("Size" in item.meta, "%s: the first piece has no Size", identity)
            self._open, self._size, self._have = identity, int(item.meta["Size"]), 0
            need(self.max_object is None or self._size <= self.max_object, "%s: over MaxObjSize", identity)
        else:
            need("Size" not in item.meta, "%s: Size in a later piece", identity)
        self._have += len(item.data or b"")
        if not item.more:
            need(self._have == self._size, "%s: Size %d, but %d came", identity, self._size, self._have)
            self._open = None

    def close(self):
        """Check that nothing is half sent."""
        need(self._open is None, "%s was never finished", self._open)


class Incoming:
    """An object that the server sends in pieces; a broken one wants Alert 1225."""

    def __init__(self):
        self._open = None
        self._broken = False

    def server(self, message):
        """Follow the pieces; note whether the server breaks an object off."""
        commands = [c for c in message.commands if not (c.name == "Alert" and c.code in ("1222", "1223"))]
        if self._open is not None and (commands or message.final):
            continued = commands and _target(commands[0]) == self._open and "Size" not in commands[0].items[0].meta
            self._broken = bool(commands) and not continued
            self._open = None
        last = commands[-1] if commands else None
        if last is not None and last.more:
            self._open = _target(last)

    def client(self, message):
        """Check Alert 1225 against what the server did; a refused piece is no open object."""
        need(self._broken or not message.has_alert("1225"), "Alert 1225, but no object was broken off")
        header = message.header_status()
        waived = message.has_alert("1223") or (header is not None and header.code >= "400")
        need(
            not self._broken or waived or message.has_alert("1225"),
            "an object was broken off, but there is no Alert 1225",
        )
        self._broken = False
        if not any(s.code == "213" for s in message.statuses):
            self._open = None


def _target(command):
    return command.name, command.items[0].target if command.items else None


def _identity(command, item):
    return command.name, command.msg_ref, command.cmd_ref, item.source or item.target
