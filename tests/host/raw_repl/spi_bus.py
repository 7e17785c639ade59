"""The wires between a SPI master that clocks bytes and the model of a chip that takes whole transactions; both interpreters."""

# How many bytes an opcode has before its data begins, where that is not all of them.
_HEADS = {0x01: 1, 0x02: 4, 0x12: 5, 0xAD: 4}
# How many bytes come before the answer begins.
_QUERIES = {0x03: 4, 0x13: 5, 0x05: 1, 0x9F: 1, 0x5A: 5}
_READS = (0x03, 0x13)


class Bus:
    """One chip-select line; `chip` is a ports.sim.spi_chip.SpiChip. `stuck`: bits that are always set in what the master reads."""

    def __init__(self, chip, stuck=0):
        self.chip, self._stuck = chip, stuck
        self._sent = None
        self._answered = 0

    def select(self):
        """Pull chip select low."""
        self._sent, self._answered = bytearray(), 0

    def deselect(self):
        """Let chip select go: what was sent is a command now."""
        sent, self._sent = self._sent, None
        if sent and not self._answered:
            size = len(sent)
            if sent[0] in _HEADS and not (sent[0] == 0xAD and self.chip.in_aai):
                size = _HEADS[sent[0]]
            elif sent[0] == 0xAD:
                size = 1
            self.chip.command(sent[:size], sent[size:])

    def write(self, data):
        """Clock bytes out."""
        if self._sent is not None:
            self._sent.extend(data)

    def read(self, count):
        """Clock bytes in: those after the head are the chip's answer, and nobody drives the line without a chip select."""
        if not self._sent or len(self._sent) < _QUERIES.get(self._sent[0], 1 << 30):
            return b"\xff" * count
        head = bytearray(self._sent[: _QUERIES[self._sent[0]]])
        answer = bytearray(count)
        for start in range(0, count, self.chip.max_query):
            piece = bytearray(min(count - start, self.chip.max_query))
            self.chip.query(self._forward(head), piece)
            answer[start : start + len(piece)] = piece
            self._answered += len(piece)
        if self._stuck:
            for at in range(count):
                answer[at] |= self._stuck
        return answer

    def exchange(self, data):
        """Clock bytes out and in at once, a whole transaction, as spidev does; return what came in."""
        self.select()
        size = min(_QUERIES.get(data[0], len(data)), len(data)) if data else 0
        self.write(data[:size])
        answer = bytes(size) + bytes(self.read(len(data) - size) if len(data) > size else b"")
        self.deselect()
        return answer

    def _forward(self, head):
        """Return the head for the bytes that come next: a chip goes on where it was within one chip select."""
        if head[0] not in _READS or not self._answered:
            return head
        addr = int.from_bytes(head[1:], "big") + self._answered
        return bytes((head[0],)) + addr.to_bytes(len(head) - 1, "big")
