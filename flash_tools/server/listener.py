"""Listens on a TCP port in a thread of its own: uvicorn's HTTP protocol on an event loop that can be stopped at once.

Counts the bytes above TLS in both directions, can refuse connections and come back on the same port, and hands the
application the bare connection (`scope["wire"]`), so that scripted faults can do what no HTTP library lets one do.
"""

import asyncio
import contextlib
import fcntl
import gc
import resource
import socket
import ssl
import struct
import tempfile
import threading

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from flash_tools.errors import ToolError
from flash_tools.server.pki import Certificate

_CALL_S = 10
_HANDSHAKE_S, _SHUTDOWN_S = 10, 1
_REQUEST_S = 30  # from the first byte of a request to the last one
_TAKE_S = 300  # in which a peer takes a part of what is sent: 48 KiB
_BACKLOG = 2048  # connections that wait to be taken; the kernel's limit may be lower
_NOT_SENT = 0x894B  # SIOCOUTQNSD of Linux; what was sent may still wait for its acknowledgement
_GOODBYES = 50  # turns of the loop that connections have to end in
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


class Wire:
    """One connection: a transport that counts, that can wait for more to send, and that can be broken."""

    def __init__(self, transport, number: int):
        self._transport = transport
        self._held = None
        self.number = number
        self.received = self.sent = 0
        self.patient = False  # the application sees to it that the body comes in time

    def __getattr__(self, name):
        return getattr(self._transport, name)

    def write(self, data: bytes):
        """Send."""
        self.sent += len(data)
        if self._held is None:
            self._transport.write(data)
        else:
            self._held.append(data)

    def hold(self):
        """Keep what is written until `flush`, so that an answer's head and body leave together."""
        self._held = []

    def flush(self):
        """Send what was kept."""
        held, self._held = self._held, None
        if held:
            self._transport.write(b"".join(held))

    def close(self):
        """Close the connection when all is sent."""
        self.flush()
        self._transport.close()

    async def drained(self, seconds: float = 2):
        """Wait until the peer's kernel has everything, so that breaking the connection does not take it back."""
        tick = 0.002
        for _ in range(int(seconds / tick)):
            if self._transport.is_closing() or not (self._transport.get_write_buffer_size() or self._unsent()):
                return
            await asyncio.sleep(tick)

    def _unsent(self):
        number = self._transport.get_extra_info("socket").fileno()
        return number >= 0 and struct.unpack("i", fcntl.ioctl(number, _NOT_SENT, bytes(4)))[0]

    def reset(self):
        """Break the connection with a TCP reset."""
        break_off(self._transport)


def break_off(transport):
    """Close a transport with a TCP reset."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


class _Protocol(H11Protocol):
    count = 0
    _stuck = None

    def connection_made(self, transport):
        type(self).count += 1
        wire = self.wire = Wire(transport, type(self).count)
        super().connection_made(wire)
        app = self.app
        self.app = lambda scope, receive, send: app(dict(scope, wire=wire), receive, send)
        # What happens to a request that takes too long to come; who connects and says nothing is such a one.
        self._late = self.loop.call_later(_REQUEST_S, self.wire.close)

    def data_received(self, data):
        self.wire.received += len(data)
        super().data_received(data)

    def handle_events(self):
        super().handle_events()
        comes = self.conn.their_state is h11.SEND_BODY or (
            self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]
        )
        if comes and self._late is None and not self.wire.patient:
            self._late = self.loop.call_later(_REQUEST_S, self.wire.close)
        elif (not comes or self.wire.patient) and self._late is not None:
            self._stop_waiting()

    def pause_writing(self):
        super().pause_writing()
        self._stuck = self.loop.call_later(_TAKE_S, self.wire.abort)  # who reads nothing would keep it for ever

    def resume_writing(self):
        self._stop_stuck()
        super().resume_writing()

    def _stop_stuck(self):
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def connection_lost(self, exc):
        self._stop_waiting()
        self._stop_stuck()
        super().connection_lost(exc)

    def _stop_waiting(self):
        if self._late is not None:
            self._late.cancel()
            self._late = None


class Listener:
    """`app` is an ASGI application, `context` an SSLContext or None."""

    def __init__(self, app, host: str, port: int, context: ssl.SSLContext | None, keep_alive_s: float = 15):
        self._host, self._context = host, context
        options = {"http": type("Protocol", (_Protocol,), {"count": 0}), "ws": "none", "lifespan": "off"}
        options |= {"log_config": None, "access_log": False, "proxy_headers": False, "server_header": False}
        self._config = uvicorn.Config(app, interface="asgi3", timeout_keep_alive=keep_alive_s, **options)
        self._state = ServerState()
        self._socket = bound(host, port)
        self.port = self._socket.getsockname()[1]
        self._server = None
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fumo server", daemon=True)

    def start(self):
        """Begin to answer."""
        self._config.load()
        self._thread.start()
        self.run(self._listen())

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, coroutine):
        """Do something on the loop, from another thread, and return what it gives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(_CALL_S)

    async def _listen(self):
        secure = {"ssl": self._context} if self._context else {}
        if self._context:
            secure |= {"ssl_handshake_timeout": _HANDSHAKE_S, "ssl_shutdown_timeout": _SHUTDOWN_S}
        self._server = await self.loop.create_server(self._make_protocol, sock=self._socket, backlog=_BACKLOG, **secure)

    def _make_protocol(self):
        return self._config.http_protocol_class(config=self._config, server_state=self._state, app_state={})

    def call(self, function, *arguments):
        """Call something on the loop, from whatever thread."""

        async def call():
            function(*arguments)

        if threading.current_thread() is self._thread:
            function(*arguments)
        else:
            self.run(call())

    def refuse(self):
        """Refuse connections, and keep the port."""
        self.call(self._close_port)

    def _close_port(self):
        self._server.close()
        self._socket = bound(self._host, self.port)  # bound, not listening: nobody else gets it

    def accept(self):
        """Accept connections again."""
        self.spawn(self._listen())

    def spawn(self, coroutine):
        """Do something on the loop; only from another thread it is waited for."""
        if threading.current_thread() is self._thread:
            self.loop.create_task(coroutine)
        else:
            self.run(coroutine)

    def drop(self, reset: bool = True):
        """Break all connections that stand."""
        self.call(self._drop, reset)

    def _drop(self, reset):
        for connection in list(self._state.connections):
            if reset:
                break_off(connection.transport)
            else:
                connection.transport.abort()

    def stop(self):
        """Stop at once, whatever is under way."""
        if self.loop.is_closed():
            return
        if not self._thread.is_alive():
            self.loop.close()
            return self._socket.close()
        self.run(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_CALL_S)
        self.loop.close()
        self._socket.close()

    async def _end(self):
        self._server.close()
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        self._drop(False)
        for _ in range(_GOODBYES):
            if self._state.connections:
                await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


def calm_collector():
    """Let the garbage collector look seldom, in a process that is a server and nothing else.

    A message makes hundreds of objects and hardly a cycle among them; looking for cycles costs a tenth of the time.
    """
    gc.freeze()
    gc.set_threshold(50000, 20, 100)


def take_files():
    """Let this process have as many open files as it may: each connection is one, and a shell usually gives 1024."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def bound(host: str, port: int) -> socket.socket:
    """Take a port; nobody is answered before somebody listens."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio leaves Nagle on
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise ToolError(
            "cannot listen at %s:%d: %s; stop what has it, or take another port" % (host, port, error.strerror)
        ) from error
    return sock


def server_context(certificate: Certificate, client_ca_pem: str | None = None) -> ssl.SSLContext:
    """Make the TLS context of a server; with `client_ca_pem` a client must have a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load(context, certificate)
    if client_ca_pem:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_ca_pem)
    return context


def load(context: ssl.SSLContext, certificate: Certificate):
    """Let a context use the certificate for connections to come; the standard library wants it in a file."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate.pem + certificate.key_pem)
        file.flush()
        context.load_cert_chain(file.name)
