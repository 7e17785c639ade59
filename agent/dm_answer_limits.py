"""Messages that are nearly full: what of a Results goes into one, and whether an Atomic's answer will. See dm_answer.py."""

from agent.compat import const
from agent.dm_answer import TAIL, Answer
from agent.dm_entries import answers

_LEAST_CHUNK = const(64)


class Limits(Answer):
    """What an Answer does then."""

    def _chunk(self, number, make, arguments):
        """Send as much of the Data as there is room for, if that is worth it."""
        source, offset = arguments[2:]
        self._id -= 1
        size = self._room() - self._measure(make(*arguments, 0))
        if self.writer.data_size(3, source.binary) == 4:
            size = size // 4 * 3
        size = min(size, source.size - offset)  # escapes may make a rest too large that is shorter than the room
        while size >= _LEAST_CHUNK:
            self._id -= 1
            size = source.cut(offset, size)
            node = make(*arguments, size)
            if self._measure(node) <= self._room():
                yield from self._write(node)
                self.end = number, offset + size
                return
            size = size * 3 // 4

    def fits(self, program, first, last):
        """Tell whether what is answered to some records would fit into one message with nothing else."""
        size = self._measure(self._head()) + self._measure(self._header_status()) + 2 * TAIL
        for make, arguments, _ in answers(program, self, first, last):
            size += self._measure(make(*arguments)) + 2
        return size <= self.session.peer_limit
