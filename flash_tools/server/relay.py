"""A TCP relay in front of the server, which breaks connections below TLS by script.

Connections are numbered from 1. `relay.add(after=1000, direction="down")`: the next connection is reset when 1,000 bytes
have gone down to the device, of whatever kind: in the middle of a TLS handshake, too.
"""

import asyncio
from dataclasses import dataclass

from flash_tools.errors import ToolError
from flash_tools.server.listener import bound, break_off

ACTIONS = ("reset", "close", "stall")
_PIECE, _TICKS = 16384, 20


@dataclass
class Rule:
    """What happens to one connection (None: to each) in one direction, up to the server or down to the device."""

    direction: str = "down"
    connection: int | None = None
    after: int | None = None  # bytes that still pass; None: all of them
    action: str = "reset"
    rate: int | None = None  # bytes a second
    times: int | None = 1  # connections that it is good for
    used: int = 0

    def wants(self, number: int) -> bool:
        """Tell whether it is this connection's turn; counts."""
        wanted = self.connection in (None, number) and (self.times is None or self.used < self.times)
        self.used += wanted
        return wanted


class Relay:
    """Runs on the event loop of the server's thread; `target` is (host, port)."""

    def __init__(self, host: str, port: int, target: tuple[str, int]):
        self._host, self._target = host, target
        self._rules: list[Rule] = []
        self.connections = 0
        self.bytes = {"up": 0, "down": 0}
        self._socket, self._server = bound(host, port), None
        self.port = self._socket.getsockname()[1]

    def add(self, direction: str = "down", **options) -> Rule:
        """Add a rule; see Rule for the options."""
        rule = Rule(direction, **options)
        if direction not in self.bytes or rule.action not in ACTIONS:
            raise ToolError("a relay knows the directions up and down and the actions %s" % ", ".join(ACTIONS))
        self._rules.append(rule)
        return rule

    def clear(self):
        """Forget all rules; connections that stand keep theirs."""
        self._rules.clear()

    async def start(self):
        """Accept connections."""
        self._server = await asyncio.start_server(self._connected, sock=self._socket)

    def refuse(self):
        """Refuse connections, and keep the port; those that stand go on."""
        self._server.close()
        self._socket = bound(self._host, self.port)

    def stop(self):
        """Stop listening; the connections end with the loop's tasks."""
        self._server.close()
        self._socket.close()

    async def _connected(self, reader, writer):
        self.connections += 1
        number = self.connections
        rules = {
            way: next((r for r in self._rules if r.direction == way and r.wants(number)), None) for way in self.bytes
        }
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            return break_off(writer.transport)
        pair = writer.transport, far_writer.transport
        ways = (self._pump("up", reader, far_writer, rules["up"], pair),)
        ways += (self._pump("down", far_reader, writer, rules["down"], pair),)
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            for transport in pair:
                transport.abort()

    async def _pump(self, way, reader, writer, rule, pair):
        """Carry bytes one way until the end or the rule's point."""
        try:
            left = rule.after if rule else None
            while left is None or left > 0:
                data = await reader.read(_PIECE if left is None else min(left, _PIECE))
                if not data:
                    return writer.write_eof()
                await self._send(writer, data, rule.rate if rule else None)
                self.bytes[way] += len(data)
                left = None if left is None else left - len(data)
            await self._end(rule.action, reader, pair)
        except OSError:
            await self._end("reset", reader, pair)  # what one side sees the other shall see

    async def _send(self, writer, data, rate):
        step = len(data) if rate is None else max(1, rate // _TICKS)
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])
            await writer.drain()
            if rate is not None:
                await asyncio.sleep(step / rate)

    async def _end(self, action, reader, pair):
        if action == "stall":
            while await reader.read(_PIECE):  # swallowed, until that side goes
                pass
            return
        for transport in pair:
            break_off(transport) if action == "reset" else transport.close()
