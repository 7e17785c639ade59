"""SMP over a console: messages between other text, in lines of base64 with a CRC.

A frame is a length of two bytes (of what follows), the message, and its CRC-16/XMODEM. Its first line begins with 06 09, the
others with 04 14; at most 127 bytes a line. Whatever is damaged is dropped, the sender asks again; any 06 09 begins anew.
"""

import binascii
import struct

from agent.compat import const

_LINE = const(192)  # bytes of a line that is listened to: clients may use longer ones than we do
_RAW = const(93)  # bytes in a line of ours: 124 characters, two before and the newline
_START, _CONTINUE = b"\x06\x09", b"\x04\x14"
_LENGTH = const(2)
_CRC = const(2)
_HEADER = const(8)  # of SMP: no message is shorter
_TABLE = tuple([(n ^ n << 5 ^ n << 12) & 0xFFFF for n in range(16)])


def crc16(data):
    """Return the CRC-16/XMODEM."""
    crc = 0
    for byte in data:
        crc = (crc << 4 & 0xFFFF) ^ _TABLE[crc >> 12 ^ byte >> 4]
        crc = (crc << 4 & 0xFFFF) ^ _TABLE[crc >> 12 ^ byte & 15]
    return crc


def send(write, message):
    """Give a message to `write`, a line at a time."""
    frame = struct.pack(">H", len(message) + _CRC) + bytes(message) + struct.pack(">H", crc16(message))
    for at in range(0, len(frame), _RAW):
        write((_CONTINUE if at else _START) + binascii.b2a_base64(frame[at : at + _RAW]))


class Receiver:
    """Finds messages of at most `size` bytes, length and CRC included; gives each to `deliver`, which must not keep it."""

    def __init__(self, size, deliver):
        self._frame = memoryview(bytearray(size))
        self._line = memoryview(bytearray(_LINE))
        self._deliver = deliver
        self._used = 0  # bytes of the line; 0: not in a line of ours
        self._filled = -1  # bytes of the frame; -1: none has begun

    def feed(self, data):
        """Take what came."""
        line = self._line
        for byte in data:
            if byte == 6 or byte == 4:  # no base64: a line begins, whatever was before it
                self._used = 0
            elif not self._used:
                continue
            elif byte == 10:
                self._end_line(line[: self._used])
                self._used = 0
                continue
            elif self._used == _LINE:
                self._used = 0
                continue
            line[self._used] = byte
            self._used += 1

    def _end_line(self, line):
        if line[:2] == _START:
            self._filled = 0
        elif line[:2] != _CONTINUE or self._filled < 0:
            return
        try:
            raw = binascii.a2b_base64(line[2:])
        except ValueError:
            raw = b""  # a line without content breaks the frame, too
        end = self._filled + len(raw)
        if not raw or end > len(self._frame):
            self._filled = -1
            return
        self._frame[self._filled : end] = raw
        self._filled = end
        if end >= _LENGTH:
            self._end_frame(_LENGTH + struct.unpack_from(">H", self._frame, 0)[0])

    def _end_frame(self, end):
        if self._filled < end <= len(self._frame):
            return
        body = end - _CRC
        good = self._filled == end and body >= _LENGTH + _HEADER
        self._filled = -1
        if good and crc16(self._frame[_LENGTH:body]) == struct.unpack_from(">H", self._frame, body)[0]:
            self._deliver(self._frame[_LENGTH:body])
