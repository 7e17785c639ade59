"""A board's console at a TCP port, raw: what the board says goes to who is connected, what comes is typed.

Like a serial line it keeps nothing: what nobody takes is lost. One client at a time; who comes later has it, because a client whose
computer died must not keep a board from others.
"""

import contextlib
import socket
import threading

from flash_tools.errors import ToolError

_LOOK_S = 0.2
_STUCK_S = 2.0  # a client that takes nothing for so long is let go
_PIECE = 4096


class ConsolePort:
    """`board` has write(data), and on_bytes, which is set here."""

    def __init__(self, board, host: str, port: int = 0):
        self._board, self._client, self._ends = board, None, threading.Event()
        self._lock = threading.Lock()
        try:
            self._server = socket.create_server((host, port))
        except OSError as e:
            raise ToolError("cannot listen at %s port %d: %s" % (host, port, e.strerror)) from None
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._server.settimeout(_LOOK_S)
        self._board.on_bytes = self._said
        self._thread.start()

    def stop(self) -> None:
        """Hang up."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join()
        self._replace(None)
        self._server.close()

    def _accept(self):
        while not self._ends.is_set():
            with contextlib.suppress(TimeoutError):
                client = self._server.accept()[0]
                client.settimeout(_STUCK_S)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._replace(client)
                threading.Thread(target=self._typed, args=(client,), daemon=True).start()

    def _replace(self, client):
        with self._lock:
            old, self._client = self._client, client
        if old:
            with contextlib.suppress(OSError):
                old.shutdown(socket.SHUT_RDWR)
            old.close()

    def _said(self, data):
        with self._lock:
            client = self._client
        if client:
            try:
                client.sendall(data)
            except OSError:
                self._drop(client)

    def _typed(self, client):
        while not self._ends.is_set():
            try:
                data = client.recv(_PIECE)
            except TimeoutError:
                continue
            except OSError:
                break
            if not data:
                break
            self._board.write(data)
        self._drop(client)

    def _drop(self, client):
        with self._lock:
            mine = self._client is client
        if mine:
            self._replace(None)
