"""Sends short messages by a modem on a serial line: AT commands of 3GPP 27.005, PDU mode, every wait bounded.

`line` reads and writes bytes as a serial.Serial does whose reads time out soon.
"""

import re
import time
from contextlib import suppress

from flash_tools.errors import BusyError, SilentError, ToolError
from flash_tools.server.log import plain
from flash_tools.waking.modem_errors import LOCKED, TEXTS

_COMMAND_S, _PROMPT_S, _SEND_S = 5.0, 10.0, 60.0
_HELLO_S, _HELLOS, _SETTLE_S = 1.0, 3, 2.0
_LONGEST = 1024  # of a line; what is longer is no modem
_END, _ABORT = b"\x1a", b"\x1b"
_PROMPT = re.compile(rb"(?:^|[\r\n])> ?$")
_ERROR = re.compile(r"\+(CM[SE]) ERROR: *(.*)")


class ModemError(ToolError):
    """The modem or its network does not want to."""


class Modem:
    """A modem that answers. Leave it by `close`, so that it never waits for the rest of a message."""

    def __init__(self, line, clock=time.monotonic):
        self._line, self._clock = line, clock
        self._pending = b""

    def start(self) -> None:
        """Find it, and make it ready to send PDUs."""
        self._write(_ABORT)  # it may still wait for the message of somebody who died
        self._settle()
        for _ in range(_HELLOS):
            try:
                self._command("AT", _HELLO_S)
                break
            except SilentError:
                continue
        else:
            raise SilentError(
                "no modem answers there: is it its AT port, and the rate right? (serial:/dev/ttyUSB2@115200)"
            )
        self._settle()  # what came late is no answer to the next command
        for quietly in ("ATE0", "AT+CMEE=1"):
            self._try(quietly)
        self._check_sim()
        self._command("AT+CMGF=0")

    def send(self, pdu) -> int:
        """Send one message; return the reference that the network gave it."""
        self._write(b"AT+CMGS=%d\r" % pdu.size)
        self._wait_for_prompt()
        self._write(pdu.text.encode() + _END)
        said = self._answer("AT+CMGS", _SEND_S)
        for line in said:
            found = re.fullmatch(r"\+CMGS: *(\d+).*", line)
            if found:
                return int(found[1])
        raise ToolError("the modem says OK and gives no reference: nobody knows whether the message was sent")

    def close(self) -> None:
        """End what may be half typed."""
        with suppress(ToolError):
            self._write(_ABORT)
        with suppress(OSError):
            self._line.close()

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _check_sim(self):
        said = self._try("AT+CPIN?")
        state = next((line[6:].strip() for line in said if line.startswith("+CPIN:")), "READY")
        if state != "READY":
            raise BusyError("the modem's SIM is locked, it wants %s: unlock it with AT+CPIN first" % plain(state[:20]))

    def _settle(self):
        until, count = self._clock() + _SETTLE_S, -1
        while count != len(self._pending) and self._clock() < until:
            count = len(self._pending)
            self._read_some(until)
        self._pending = b""

    def _try(self, command):
        """Return what it says, nothing where it does not know the command."""
        try:
            return self._command(command)
        except ModemError:
            return []

    def _command(self, command, timeout_s=None):
        self._write(command.encode() + b"\r")
        return self._answer(command, timeout_s or _COMMAND_S)

    def _answer(self, command, timeout_s):
        """Return the lines before OK."""
        lines, until = [], self._clock() + timeout_s
        while True:
            line = self._read_line(until, command)
            if line == "OK":
                return lines
            _check_error(line, command)
            lines.append(line)

    def _wait_for_prompt(self):
        until = self._clock() + _PROMPT_S
        while True:
            if _PROMPT.search(self._pending):
                self._pending = b""
                return
            if b"\n" in self._pending:
                _check_error(self._take_line(), "AT+CMGS")
                continue
            if not self._read_some(until):
                self._write(_ABORT)
                raise SilentError("the modem did not ask for the message within %d s: try again" % _PROMPT_S)

    def _read_line(self, until, command):
        while b"\n" not in self._pending:
            if not self._read_some(until):
                raise SilentError("the modem did not answer %s in time: look whether it is in use or hangs" % command)
        return self._take_line()

    def _take_line(self):
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("ascii", "replace").strip()

    def _read_some(self, until):
        """Read what there is; tell whether there was time left to."""
        if len(self._pending) > _LONGEST:
            raise ToolError("what answers there is no modem: it sends lines without an end")
        if self._clock() >= until:
            return False
        try:
            self._pending += self._line.read(self._line.in_waiting or 1)
        except (OSError, TypeError) as e:  # pyserial's error is an OSError; TypeError where the port went while it read
            raise SilentError("the modem's line dropped: %s" % plain(e)) from None
        return True

    def _write(self, data):
        try:
            self._line.write(data)
        except OSError as e:
            raise SilentError("the modem's line dropped: %s" % plain(e)) from None


def _check_error(line, command):
    found = _ERROR.fullmatch(line)
    if found:
        kind, code = found[1], found[2].strip()
        says = TEXTS[kind].get(code) or (code if not code.isdigit() else "it does not say more")
        error = BusyError if (kind, code) in LOCKED else ModemError
        raise error("the modem refuses %s: %s (+%s ERROR: %s)" % (command, plain(says[:80]), kind, plain(code[:20])))
    if line in ("ERROR", "COMMAND NOT SUPPORT", "NO CARRIER"):
        raise ModemError("the modem refuses %s: it does not say why" % command)
