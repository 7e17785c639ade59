"""A serial cable between a fake board and a program of the host: two pseudo-terminals, and what goes from one to the other."""

import os
import select
import threading
import tty


class Cable:
    """`board` and `host` are the paths of its ends."""

    def __enter__(self):
        pairs = [os.openpty() for _ in range(2)]
        self._masters, self._slaves = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        for slave in self._slaves:
            tty.setraw(slave)
        self.board, self.host = (os.ttyname(slave) for slave in self._slaves)
        self._stop, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception):
        os.write(self._wake, b"x")
        self._thread.join(5)
        for fd in (*self._masters, *self._slaves, self._stop, self._wake):
            os.close(fd)

    def _pump(self):
        one, other = self._masters
        while True:
            ready, _, _ = select.select([one, other, self._stop], [], [])
            if self._stop in ready:
                return
            for source, sink in ((one, other), (other, one)):
                if source in ready:
                    os.write(sink, os.read(source, 4096))
