"""A serial line of the board as a pseudo-terminal: its path stays the same while the board loses its power and gets it back."""

import os
import select
import socket
import threading
import tty
from contextlib import suppress

_SIZE = 4096
_PATIENCE_S = 0.2


class SerialRelay:
    """Carries bytes between a pseudo-terminal and the board's UART; without power, what the host sends is lost."""

    def __init__(self):
        self._master, self._slave = os.openpty()  # our own hold of the far end keeps it alive while nobody has it open
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._wake_in, self._wake_out = os.pipe()
        self._uart, self._unread = None, False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._carry, name="rig-serial", daemon=True)
        self._open = True
        self._thread.start()

    def connect(self, uart: socket.socket | None) -> None:
        """Carry to and from this UART from now on; None: the board has no power."""
        with self._lock:
            old, self._uart = self._uart, uart
        os.write(self._wake_out, b"\0")
        if old:
            old.close()

    def close(self) -> None:
        """Give the pseudo-terminal back."""
        if self._open:
            self._open = False
            self.connect(None)
            self._thread.join(5)
            for handle in (self._master, self._slave, self._wake_in, self._wake_out):
                os.close(handle)

    def _carry(self):
        while self._open:
            uart = self._uart
            sources = [self._master, self._wake_in] + ([uart] if uart else [])
            try:
                ready = select.select(sources, [], [])[0]
            except (OSError, ValueError):  # the UART was closed meanwhile
                continue
            if self._wake_in in ready:
                os.read(self._wake_in, 1)  # another UART, or none: look at all of them again
            elif self._master in ready:
                self._to_board(uart)
            elif uart in ready:
                self._to_host(uart)

    def _to_board(self, uart):
        with suppress(OSError):
            data = os.read(self._master, _SIZE)
            if uart:
                uart.sendall(data)

    def _to_host(self, uart):
        data = b""
        with suppress(OSError):
            data = uart.recv(_SIZE)
        if not data:
            self._forget(uart)
            return
        self._deliver(data)

    def _deliver(self, data):
        """Wait a little for a host that reads; one that does not read loses bytes, as with a real UART."""
        while data:
            if not select.select([], [self._master], [], 0 if self._unread else _PATIENCE_S)[1]:
                self._unread = True
                return
            self._unread = False
            data = data[os.write(self._master, data) :]

    def _forget(self, uart):
        with self._lock:
            if self._uart is uart:
                self._uart = None
