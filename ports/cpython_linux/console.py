"""The owner's console of a Linux board: its serial line, and a socket for whoever is on the board itself.

What happens goes to both and to the service's log, a line an event; what is typed comes from both. Never waits, whatever is
sent: each turn takes a bounded part of it.
"""

import os
import socket

from agent.errors import AgentError

_LONGEST = 200
_CLIENTS = 4
_PIECES = 8  # of the serial line's input in one turn


class Lines:
    """Bytes as they come, made into lines of words; what is too long or no text is nothing."""

    def __init__(self):
        self._text = b""

    def feed(self, data):
        """Return the lines that end in `data`, each as its words."""
        *ended, rest = (self._text + data.replace(b"\r", b"\n")).split(b"\n")
        self._text = rest[:_LONGEST]
        return [words for words in (line[:_LONGEST].decode("ascii", "replace").split() for line in ended) if words]


class Console:
    """`uart` is the serial line or None; `path` that of the socket; `log` says what happens in the service's log."""

    def __init__(self, uart, path, log):
        self._uart, self._log = uart, log
        self._typed, self._buffer = Lines(), bytearray(256)
        self._clients = []
        self._server = _listen(path, log)

    @property
    def files(self):
        """Return what can be waited for."""
        found = [self._uart] if self._uart else []
        return found + ([self._server] if self._server else []) + [client for client, _ in self._clients]

    def say(self, *words):
        """Say an event."""
        line = "".join([c if c.isprintable() else "?" for c in " ".join([str(word) for word in words])])
        self._log("%s", line)
        self._welcome()  # who waits for the board's start is to hear its first line
        data = (line + "\r\n").encode("utf-8", "replace")
        self._to_uart(data)
        for client, _ in list(self._clients):
            self._to_client(client, data)

    def take(self):
        """Return what has been typed: a list of (words, function that answers a line)."""
        found = [(words, self.say) for words in self._from_uart()]
        self._welcome()
        for client, lines in list(self._clients):
            for words in self._from_client(client, lines):
                found.append((words, lambda text, client=client: self._to_client(client, (text + "\n").encode())))
        return found

    def close(self):
        """Let go of everything but the serial line."""
        for client, _ in self._clients:
            client.close()
        if self._server:
            self._server.close()

    # -- the serial line ----------------------------------------------------------------------------------------------

    def _to_uart(self, data):
        if self._uart:
            try:
                self._uart.write(data)
            except AgentError as e:
                self._lose_uart(e)

    def _from_uart(self):
        found = []
        for _ in range(_PIECES if self._uart else 0):
            try:
                count = self._uart.read_into(self._buffer)
            except AgentError as e:
                self._lose_uart(e)
                break
            if not count:
                break
            found += self._typed.feed(bytes(self._buffer[:count]))
        return found

    def _lose_uart(self, error):
        self._log("the console is given up: %s", error)
        self._uart = None

    # -- the socket ---------------------------------------------------------------------------------------------------

    def _welcome(self):
        try:
            for _ in range(_CLIENTS if self._server else 0):
                client, _ = self._server.accept()
                client.setblocking(False)
                self._clients.append((client, Lines()))
        except OSError:
            pass
        for client, _ in self._clients[:-_CLIENTS]:  # who says nothing must not keep others out
            self._drop(client)

    def _from_client(self, client, lines):
        try:
            data = client.recv(256)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return []
        return lines.feed(data)

    def _to_client(self, client, data):
        try:
            if client.send(data) == len(data):
                return
        except OSError:
            pass
        self._drop(client)  # it does not read

    def _drop(self, client):
        client.close()
        self._clients = [pair for pair in self._clients if pair[0] is not client]


def _listen(path, log):
    try:
        if os.path.lexists(path):
            os.unlink(path)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(path)
        os.chmod(path, 0o600)
        server.listen(_CLIENTS)
        server.setblocking(False)
        return server
    except OSError as e:
        log("there is no console at %s: %s", path, e.strerror)
        return None
