"""Serial recovery: a loop that answers SMP on a UART until the board is to start again.

For a first stage that has nothing to start, and for whoever asked for it. `target` is what hal/smp.py describes; what it
does for long it feeds for itself.
"""

from agent.compat import const
from hal.smp import Smp
from hal.smp_frame import Receiver, send

RESET = const(1)  # the client wants the board to start
TIMEOUT = const(2)  # nobody has said anything for that long
_CHUNK = const(256)
_IDLE_MS = const(5)
_DRAIN_MS = const(50)  # for an answer to leave the UART
_BLINK_MS = const(250)


def run(uart, clock, feed, target, until_ms, led=None):
    """Answer until a reset is asked for, or no good message has come for `until_ms`; return which."""
    loop = _Loop(uart, clock, target)
    while not loop.smp.reset_asked:
        feed()
        if led:
            led(clock.ms() // _BLINK_MS & 1)
        if not loop.step():
            clock.sleep_ms(_IDLE_MS)
        if clock.since(loop.heard_ms) >= until_ms:  # also in the middle of noise
            return TIMEOUT
    clock.sleep_ms(_DRAIN_MS)
    return RESET


class _Loop:
    def __init__(self, uart, clock, target):
        self._uart = uart
        self._clock = clock
        self._chunk = memoryview(bytearray(_CHUNK))
        self._receiver = Receiver(target.buffer_size, self._deliver)
        self.smp = Smp(target)
        self.heard_ms = clock.ms()

    def step(self):
        """Take what is there; tell whether anything was."""
        count = self._uart.read_into(self._chunk)
        self._receiver.feed(self._chunk[:count])
        return count

    def _deliver(self, message):
        answer = self.smp.answer(message)
        if answer is not None:
            send(self._uart.write, answer)
            self.heard_ms = self._clock.ms()
