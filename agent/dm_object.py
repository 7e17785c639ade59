"""A large object on its way into the tree: chunks over several messages, one value at the end.

A node that streams gets every piece at once (DM push of a package into the bank); the value of any other node is
collected in RAM. A chunk that comes a second time, because its message broke, is skipped up to the bytes taken.
Size counts what travels: base64 text before decoding.
"""

from agent.compat import const
from agent.dm_tree import refuse

MAX_COLLECTED = const(4096)
_STREAM = const(128)
_REPLACE = const(32)
_B64 = const(6)
_PIECE = const(192)


class LargeObject:
    """Begin with what the first chunk says; raises ProtocolError with the status that the chunk deserves."""

    def __init__(self, tree, op, path, value, size, max_size):
        self.op, self.path, self.size, self.value = op, path, size, value
        self._tree = tree
        self.streams = bool(tree.kind(path) & _STREAM)
        if max_size and size > max_size or not self.streams and size > MAX_COLLECTED:
            refuse(413)  # the object is too large
        self._decoder = None
        if value.form == _B64:
            from agent.base64 import Decoder

            self._decoder = Decoder()
        self._carried = 0  # bytes that came, as they travel
        self._chunk_start = self._raw = self._skip = 0
        self._piece = bytearray(_PIECE)
        self._waiting = memoryview(b"")
        if self.streams:
            tree.may(_REPLACE, path, value.server)
            self._thing, self._inside = tree.find(path)
            code = self._thing.check(op, self._inside, value)
            if code >= 300:
                refuse(code, "the object is not taken")
        else:
            if size < 0:
                refuse(411)  # the first chunk says no Size
            self._collected = bytearray(max(size, 1))

    def begin_chunk(self):
        """Begin, or begin again, the chunk that follows the last one that was kept."""
        self._skip = self._carried - self._chunk_start

    def keep(self):
        """The message with the chunk is whole and authentic: the next chunk is another one."""
        self._chunk_start = self._carried

    def take(self, data):
        """Take some of `data`; return how many bytes, 0 where the flash is busy."""
        if self._skip:
            count = min(self._skip, len(data))
            self._skip -= count
            return count
        if not self._write():
            return 0
        if 0 <= self.size < self._carried + len(data):
            refuse(424)  # the object is longer than announced
        count = min(len(data), _PIECE)
        self._carried += count
        if self._decoder:
            decode = self._decoder.decode
            size = decode(data[:count], self._piece)
        else:
            self._piece[:count] = data[:count]
            size = count
        self._waiting = memoryview(self._piece)[:size]
        self._write()
        return count

    def _write(self):
        """Move the waiting bytes on; tell whether all of them went."""
        while len(self._waiting):
            count = len(self._waiting)
            if self.streams:
                count = self._thing.write(self._inside, self._raw, self._waiting)
            else:
                self._collected[self._raw : self._raw + count] = self._waiting
            if not count:
                return False
            self._raw += count
            self._waiting = self._waiting[count:]
        return True

    def finish(self):
        """The last chunk came: return the status of the command, 0 where the flash is still busy."""
        if not self._write():
            return 0
        if self._carried != self.size >= 0:
            refuse(424)  # the object is shorter than announced
        if self._decoder:
            self._decoder.finish()
        if self.streams:
            self.value.data = None
            return self._thing.apply(_REPLACE, self._inside, self.value)
        self.value.data = memoryview(self._collected)[: self._raw]
        return 200

    def abandon(self):
        """Drop what came."""
        if self.streams:
            self._thing.abandon(self._inside)
