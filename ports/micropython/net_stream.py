"""One connection on MicroPython: TCP, then TLS where it is wanted. See net.py.

What must be known of mbedTLS: it speaks up to TLS 1.2 in most builds; reading and writing drive the handshake and give None
until it is done; a refused certificate is a ValueError that only has a text; the end of a connection is told once.
"""

import errno
import gc
import select
import socket

from agent.errors import LinkError
from ports.micropython.net import resolved, unreachable

_STARTED = (errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN)  # what a connect says that goes on by itself


class Stream:
    """One connection: TCP, then TLS where `context` (a function that gives one) is given, then bytes."""

    def __init__(self, address, port, host, context):
        self._host, self._context = host, context
        self._error = self._sock = self._tcp = None
        self._stands = self._ended = False
        self._poll = select.poll()
        try:
            info = resolved(address, port, socket.SOCK_STREAM)
            self._sock = self._tcp = socket.socket(info[0], socket.SOCK_STREAM)
            self._sock.setblocking(False)
            self._poll.register(self._sock, select.POLLOUT)
            self._sock.connect(info[-1])
        except OSError as e:
            if not self._sock or e.errno not in _STARTED:
                self._error = unreachable(e)

    def read_into(self, into):
        """Return the number of bytes read, 0 when the peer has closed, None when nothing is there yet."""
        if self._ended:
            return 0
        count = self._try(True, into)
        self._ended = count == 0
        return count

    def write(self, data):
        """Return the number of bytes taken, None when none can be taken now; then the same bytes must be offered again."""
        return self._try(False, data)

    def close(self):
        """Let go of the connection."""
        self._error = self._error or LinkError("the connection is closed", 503, 903)
        for sock in (self._sock, self._tcp):
            try:
                if sock:
                    sock.close()
            except OSError:
                pass  # it is broken already
        self._sock = self._tcp = None

    @property
    def is_open(self):
        """Tell whether nobody has closed it."""
        return self._sock is not None

    def _try(self, reading, data):
        if self._error:
            raise self._error
        try:
            if self._poll and not self._connected():
                return None
            count = self._sock.readinto(data) if reading else self._sock.write(data)
        except LinkError as e:  # of the TLS settings
            self._error = e
            raise
        except (OSError, ValueError) as e:
            if isinstance(e, OSError) and e.errno == errno.EAGAIN:
                return None
            error = self._translate(e)
            if not self._stands:
                self._error = error  # else what has been read before it broke may still be there
            raise error
        if count:
            self._stands = True
        return count

    def _connected(self):
        """Tell whether TCP stands; begin TLS then."""
        events = self._poll.poll(0)
        if not events:
            return False
        if events[0][1] & (select.POLLERR | select.POLLHUP):
            self._sock.recv(1)  # says why
            raise OSError(0, "refused")
        self._poll = None
        if self._context:
            context = self._context()
            gc.collect()  # a handshake needs several large pieces
            self._sock = context.wrap_socket(self._tcp, server_hostname=self._host, do_handshake_on_connect=False)
        return True

    def _translate(self, error):
        if self._poll:
            return unreachable(error)
        if isinstance(error, ValueError):
            from ports.micropython.tls import not_trusted

            return not_trusted(str(error))
        return LinkError("connection broken: %s" % error, 503, 903)
