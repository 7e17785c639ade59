"""Programming of SST25-type parts, which have no page program: single bytes, and words with the address counting up by itself.

A word takes 10 microseconds, so a page is written inside one call, polled between the words; only the last one is left running.
"""

from agent.compat import const

_BYTE = const(0x02)
_WORD = const(0xAD)
_END = b"\x04"
_LIMIT_MS = const(2)


class AutoIncrement:
    """The programming side of such a chip; `nor` lends waiting and commands."""

    def __init__(self, nor):
        self._nor = nor
        self._head = bytearray(4)
        self._next = bytes((_WORD,))

    def program(self, addr, data):
        """Write `data`: a byte up to an even address, words, a byte that is left over."""
        view, start, end = memoryview(data), 0, len(data)
        if addr & 1:
            self._byte(addr, view[:1])
            start = 1
        words_end = start + (end - start) // 2 * 2
        if words_end > start:
            self._words(addr + start, view[start:words_end])
        if words_end < end:
            self._byte(addr + words_end, view[words_end:])

    def _byte(self, addr, data):
        self._nor.wait()
        self._nor.enable_write()
        self._nor.command(self._addressed(_BYTE, addr), data)
        self._nor.started(_LIMIT_MS)

    def _words(self, addr, data):
        self._nor.wait()
        self._nor.enable_write()
        self._nor.command(self._addressed(_WORD, addr), data[:2])
        for start in range(2, len(data), 2):
            self._finish_word()
            self._nor.command(self._next, data[start : start + 2])
        self._finish_word()
        self._nor.command(_END)

    def _finish_word(self):
        self._nor.started(_LIMIT_MS)
        self._nor.wait()

    def _addressed(self, opcode, addr):
        self._head[0], self._head[1] = opcode, addr >> 16 & 0xFF
        self._head[2], self._head[3] = addr >> 8 & 0xFF, addr & 0xFF
        return self._head
