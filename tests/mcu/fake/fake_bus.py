"""SPI, I2C and UART of the fake board, with the arguments and the refusals of the real ports."""

import select

import fake_pins as pins
import fake_state as state

_BUSES = {"rp2": (0, 1), "rp2350": (0, 1), "esp32": (1, 2), "stm32": (1, 2, 3), "mimxrt": (0, 1), "samd": (0, 1)}
_UARTS = {"rp2": (0, 1), "rp2350": (0, 1), "esp32": (0, 1, 2), "stm32": range(1, 9), "mimxrt": range(1, 9)}
_HEADS = {0x01: 1, 0x02: 4, 0x12: 5, 0xAD: 4}  # bytes before the data of a command
_QUERIES = {0x03: 4, 0x13: 5, 0x05: 1, 0x9F: 1, 0x5A: 5}  # bytes before an answer begins
_READS = (0x03, 0x13)

devices = {}  # address: I2cLink of a model, on every bus
chip = None  # what SPI is wired to


def _number(kind, bus, numbers=_BUSES):
    if bus not in numbers.get(state.settings["port"], (bus,)):
        raise ValueError("%s(%s) doesn't exist" % (kind, bus))


class Wires:
    """One chip select and what was clocked since it went low."""

    def __init__(self):
        self.sent, self.answered = None, 0

    def edge(self, line, level):
        """A pin has moved."""
        wanted = state.settings["cs"]
        if wanted is None or line == wanted:
            if not level:
                self.sent, self.answered = bytearray(), 0
            elif self.sent is not None:
                self._deselect()

    def _deselect(self):
        sent, self.sent = self.sent, None
        if sent and not self.answered and chip:
            size = _HEADS.get(sent[0], len(sent))
            if sent[0] == 0xAD and chip.in_aai:
                size = 1
            chip.command(sent[:size], sent[size:])

    def read(self, into):
        """Clock bytes in: nobody drives the line where no chip is selected."""
        head = self.sent and _QUERIES.get(self.sent[0], 1 << 30)
        if not chip or not head or len(self.sent) < head:
            into[:] = b"\xff" * len(into)
            return
        view, sent = memoryview(into), bytes(self.sent[:head])
        for start in range(0, len(view), chip.max_query):
            piece = view[start : start + chip.max_query]
            if sent[0] in _READS and self.answered:
                addr = int.from_bytes(self.sent[1:head], "big") + self.answered
                sent = sent[:1] + addr.to_bytes(head - 1, "big")
            chip.query(sent, piece)
            self.answered += len(piece)
        if state.settings["stuck"]:
            for at in range(len(view)):
                view[at] |= state.settings["stuck"]


_wires = Wires()
pins.edges.append(_wires.edge)


class SPI:
    """A bus with one flash on it."""

    MSB, LSB = 0, 1

    def __init__(
        self, id=-2, baudrate=1000000, polarity=0, phase=0, bits=8, firstbit=0, sck=None, mosi=None, miso=None
    ):
        _number("SPI", id)
        if baudrate <= 0 or polarity or phase:
            raise ValueError("this chip wants mode 0")
        self.baudrate = baudrate

    def init(self, baudrate=1000000, **more):
        """Set it up anew."""
        self.baudrate = baudrate

    def deinit(self):
        """Let go of it."""

    def write(self, data):
        """Clock out."""
        pins.look()
        if _wires.sent is not None and not _wires.answered:
            _wires.sent.extend(data)

    def readinto(self, into, write=0):
        """Clock in."""
        pins.look()
        _wires.read(into)

    def read(self, count, write=0):
        """Clock in."""
        data = bytearray(count)
        self.readinto(data)
        return bytes(data)

    def write_readinto(self, data, into):
        """Clock out and in; of a chip that is sent its command the first bytes answer nothing."""
        if len(data) != len(into):
            raise ValueError("buffers must be the same length")
        head = min(_QUERIES.get(data[0], len(data)), len(data)) if data and not _wires.sent else 0
        self.write(data[:head] if head else data)
        answer = bytearray(len(into) - head)
        _wires.read(answer)
        into[:] = b"\xff" * head + answer


class SoftSPI(SPI):
    """The same in software, on any pins."""

    def __init__(self, baudrate=500000, polarity=0, phase=0, bits=8, firstbit=0, sck=None, mosi=None, miso=None):
        if None in (sck, mosi, miso):
            raise TypeError("SoftSPI wants sck, mosi and miso")
        super().__init__(_BUSES.get(state.settings["port"], (0,))[0], baudrate)


class I2C:
    """A bus with the models in `devices`."""

    def __init__(self, id=-2, scl=None, sda=None, freq=400000, timeout=50000):
        _number("I2C", id)
        self.freq = freq

    def scan(self):
        """Return who answers."""
        return sorted(devices)

    def writeto_mem(self, addr, memaddr, data, addrsize=8):
        """Write behind an address."""
        self._talk(addr, addrsize, lambda device: device.write(memaddr, bytes(data)))

    def readfrom_mem_into(self, addr, memaddr, into, addrsize=8):
        """Read behind an address."""
        self._talk(addr, addrsize, lambda device: device.read(memaddr, into))

    def writeto(self, addr, data, stop=True):
        """Write."""
        self._talk(addr, 0, lambda device: device.write(0, bytes(data)))
        return len(data)

    def readfrom_into(self, addr, into, stop=True):
        """Read."""
        self._talk(addr, 0, lambda device: device.read(0, into))

    def _talk(self, addr, bits, act):
        pins.look()
        device = devices.get(addr)
        silent = 5 if state.settings["port"] in ("rp2", "rp2350") else 19
        if device is None or getattr(device, "address_bits", bits) != bits:
            raise OSError(silent, "no ACK")
        try:
            act(device)
        except Exception as e:
            if type(e).__name__ != "FlashError":
                raise
            raise OSError(silent, "no ACK")


class SoftI2C(I2C):
    """The same in software, on any pins."""

    def __init__(self, scl, sda, freq=400000, timeout=50000):
        super().__init__(_BUSES.get(state.settings["port"], (0,))[0], scl, sda, freq)


class UART:
    """A line whose other end is a terminal of the host, settings["uart"], or an object in `lines`."""

    lines = {}
    waited = 0  # how often more was asked for than was there, for which a real one waits

    def __init__(self, id, baudrate=9600, bits=8, parity=None, stop=1, tx=None, rx=None, rxbuf=256, timeout=0, **more):
        _number("UART", id, _UARTS)
        self._waiting, self._most = bytearray(), rxbuf
        self._line = UART.lines.get(id) or _Terminal(state.settings["uart"].get(str(id)))

    def any(self):
        """Return the number of bytes that wait."""
        pins.look()
        while len(self._waiting) < self._most:
            byte = self._line.take()
            if not byte:
                break
            self._waiting.extend(byte)
        return len(self._waiting)

    def readinto(self, into, count=None):
        """Read what is there, None where nothing is."""
        count, there = len(into) if count is None else count, self.any()
        UART.waited += count > there
        count = min(count, there)
        into[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count or None

    def read(self, count=None):
        """Read what is there, None where nothing is."""
        data = bytearray(self.any() if count is None else count)
        found = self.readinto(data)
        return bytes(data[:found]) if found else None

    def write(self, data):
        """Send; return how much was taken, None where nothing was."""
        pins.look()
        return self._line.give(
            bytes(data, "utf-8") if isinstance(data, str) else bytes(data)
        )  # machine.UART takes texts, too

    def deinit(self):
        """Let go of it."""


class _Terminal:
    """A terminal by its path, or nothing at all."""

    def __init__(self, path):
        self._file = open(path, "r+b", buffering=0) if path else None
        self._poll = select.poll()
        if self._file:
            self._poll.register(self._file, select.POLLIN)

    def take(self):
        """Return the next byte, nothing where none is there."""
        ready = self._poll.poll(0) if self._file else ()
        return self._file.read(1) if ready and ready[0][1] & select.POLLIN else b""

    def give(self, data):
        """Send."""
        return self._file.write(data) if self._file else len(data)
