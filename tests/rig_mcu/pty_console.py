"""The microcontroller's console as a serial port of this machine: what a tool opens by its name, as it would a USB adapter."""

import contextlib
import os
import select
import socket
import threading
import tty

_PART = 128  # what the board's UART is given at once


class PtyConsole:
    """A console for `Microcontroller(console=PtyConsole)`; `port` is what is opened."""

    def __init__(self, channel: socket.socket):
        self._channel = channel
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._stopped, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Pull the cable."""
        os.close(self._stop)
        self._thread.join(10)
        for fd in (self._stopped, self._master, self._slave):
            os.close(fd)
        self._channel.close()

    def _carry(self):
        with contextlib.suppress(OSError):  # the power is gone
            while True:
                ready = select.select([self._stopped, self._master, self._channel], [], [])[0]
                if self._stopped in ready:
                    return
                if self._master in ready:
                    self._channel.sendall(os.read(self._master, _PART))
                if self._channel in ready:
                    data = self._channel.recv(4096)
                    if not data:
                        return
                    os.write(self._master, data)
