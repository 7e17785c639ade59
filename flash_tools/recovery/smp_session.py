"""SMP with a board over a line that may drop bytes, change them, or be gone for a while.

The library smpclient speaks it; here is what it leaves open: a line opened for one program alone, whatever a bad line makes
of an answer, and asking again until it works or was silent for too long. Every request may be repeated: the board minds none.
"""

import asyncio
import binascii
import logging
import struct
import time
from dataclasses import dataclass

import cbor2
import serial
from smp.exceptions import SMPException
from smpclient import SMPClient
from smpclient.exceptions import SMPBadSequence, SMPClientException, SMPUploadError
from smpclient.generics import success
from smpclient.requests.os_management import MCUMgrParametersRead
from smpclient.transport import SMPTransportDisconnected
from smpclient.transport.serial import Auto, SMPSerialTransport

from flash_tools.errors import SilentError, ToolError, VerifyError
from flash_tools.serial_line import open_line
from flash_tools.target import Target

_SLOT = 1  # where uploads go, and wait for their test; what goes to slot 0 would be armed without asking
_MOST, _LEAST = 4096, 64  # bytes of a message that a board may ask for
_REOPEN_S = 0.3
_MOST_WAITS = 8  # as long as one answer may take
_STUCK = 50  # answers in a row that ask for the same piece
_FAULTS = (
    AssertionError, EOFError, OSError, RecursionError, TypeError, ValueError, asyncio.QueueEmpty, binascii.Error,
    cbor2.CBORError, serial.SerialException, struct.error, SMPException, SMPClientException, SMPTransportDisconnected,
)  # fmt: skip

for _name in ("smp", "smpclient"):
    logging.getLogger(_name).addHandler(logging.NullHandler())  # otherwise they speak to the user by themselves


@dataclass(frozen=True)
class Patience:
    """How long to wait for a board."""

    answer_s: float = 2.5  # for one answer
    first_s: float = 12.0  # for the answer to the first piece: the board may erase all it needs
    hello_s: float = 6.0  # for any sign of a recovery
    silence_s: float = 30.0  # without progress
    whole_s: float | None = None  # for the whole upload; None: by its size and the baud rate


class Answered(Exception):
    """The board answered with an error; `response` is the library's."""

    def __init__(self, response):
        super().__init__(str(response))
        self.response = response


class _Transport(SMPSerialTransport):
    def __init__(self, target: Target):
        super().__init__(Auto())
        self._target = target

    async def connect(self, address: str, timeout_s: float) -> None:
        """Open the line unless it is open; forget what came on it."""
        self._reset_state()
        if not self._conn.is_open:
            self._conn = open_line(self._target)
        self._conn.reset_input_buffer()

    async def quiet(self, wait_s: float) -> None:
        """Let a line that is behind with its answers come to an end."""
        now = heard_at = began = time.monotonic()
        while now - heard_at < wait_s and now - began < _MOST_WAITS * wait_s:
            if self._conn.in_waiting:
                self._conn.reset_input_buffer()
                heard_at = now
            await asyncio.sleep(self._POLLING_INTERVAL_S)
            now = time.monotonic()

    def drop(self) -> None:
        """Close what does not work any more."""
        self._conn.close()

    @property
    def baud(self) -> int:
        """Return the speed of the line."""
        return self._conn.baudrate


class Session:
    """A conversation with one board; `async with` opens the line and finds out whether a recovery answers."""

    def __init__(self, target: Target, patience: Patience):
        self._target, self._patience = target, patience
        self._transport = _Transport(target)
        self._client = SMPClient(self._transport, str(target), patience.answer_s)
        self._answer_s = patience.answer_s  # grows where answers come too late
        self.faults = 0  # answers that were lost or damaged

    async def __aenter__(self):
        await self._transport.connect("", 0)
        try:
            size = (await self.ask(MCUMgrParametersRead(), self._patience.hello_s)).buf_size
            if size >= _LEAST:
                self._transport.initialize(min(size, _MOST))
        except Answered:
            pass  # small messages will do
        except BaseException:
            await self._transport.disconnect()
            raise
        return self

    async def __aexit__(self, *_):
        await self._transport.disconnect()

    async def ask(self, request, within_s: float | None = None):
        """Return the answer to a request; ask again as often as it takes."""
        end = time.monotonic() + (within_s or self._patience.silence_s)
        while True:
            try:
                response = await self._client.request(request, self._answer_s)
                break
            except _FAULTS as e:
                await self._mend(e, end)
        if not success(response):
            raise Answered(response)
        return response

    async def upload(self, data: bytes, progress=None) -> int:
        """Send a file, going on where the board has it from; return the offset where it went on, 0 anew."""
        patience, began = self._patience, time.monotonic()
        whole_s = patience.whole_s or 120 + len(data) * 60 / self._transport.baud
        flow = _Flow(len(data), progress)
        while True:
            try:
                waits = {"first_timeout_s": patience.first_s, "subsequent_timeout_s": self._answer_s}
                async for offset in self._client.upload(data, _SLOT, **waits):
                    flow.took(offset)
                    if time.monotonic() > began + whole_s:
                        raise SilentError("%s is too slow: given up after %d s" % (self._target, whole_s))
                return flow.first if flow.first > self._transport.max_unencoded_size else 0
            except SMPUploadError as e:
                if not isinstance(e.args[0], str):
                    raise Answered(e.args[0]) from None
                if flow.at == len(data):
                    raise VerifyError("the board got something else than was sent: send it again") from None
                fault = e
            except _FAULTS as e:
                fault = e
            await self._mend(fault, min(flow.moved_at + patience.silence_s, began + whole_s))

    async def _mend(self, error: Exception, end: float) -> None:
        """Get the line into a state to ask again; give up where it is too late for that."""
        self.faults += 1
        if isinstance(error, OSError | SMPTransportDisconnected) and not isinstance(error, TimeoutError):
            self._transport.drop()
        late = isinstance(error, SMPBadSequence)
        while True:
            if time.monotonic() >= end:
                raise SilentError(self._silence(error)) from None
            try:
                await self._transport.connect("", 0)
                if late:  # an answer to what was asked before: another request now would be behind, too
                    self._answer_s = min(2 * self._answer_s, _MOST_WAITS * self._patience.answer_s)
                    await self._transport.quiet(self._answer_s)
                return
            except (ToolError, OSError):
                self._transport.drop()
                await asyncio.sleep(_REOPEN_S)

    def _silence(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return "%s does not answer: is it in recovery? (its button, or `fumo recover enter`)" % self._target
        if isinstance(error, OSError | SMPTransportDisconnected):
            return "the line to %s dropped: connect it and start again, it goes on from there" % self._target
        return "%s answers, but nothing that can be read: check the baud rate and the line" % self._target


class _Flow:
    """How an upload goes on."""

    def __init__(self, size: int, progress):
        self._size, self._progress = size, progress
        self.first, self.at, self._stuck = -1, 0, 0
        self.moved_at = time.monotonic()

    def took(self, offset: int) -> None:
        """Take note of what the board wants next."""
        if not 0 <= offset <= self._size:
            raise SilentError("the board wants a piece that the file does not have: reset it and start again")
        self.first = offset if self.first < 0 else self.first
        self._stuck = self._stuck + 1 if offset <= self.at else 0
        if self._stuck > _STUCK:
            raise SilentError("the board takes nothing more: reset it and start again")
        if offset > self.at:
            self.at, self.moved_at = offset, time.monotonic()
        if self._progress:
            self._progress(offset, self._size)
