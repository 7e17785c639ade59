"""What a serial recovery answers to SMP, the protocol of mcumgr: one message in, one out; SMP versions 1 and 2.

Knows neither lines nor flash. The target (agent/serial_install.py) is asked
    images()              list of (slot, version, hash, bootable, pending, confirmed, active) of what could be booted;
                          slot 0: what boots if nothing comes, slot 1: where an upload goes
    begin(size, sha)      -> offset at which a file of `size` bytes goes on, 0 anew; sha: its SHA-256, or None
    write(offset, data)   -> offset of the next piece that it wants; another piece than that changes nothing
    match()               -> is the whole file there, and its image verified
    test(hash)            -> has that image (None: the uploaded one) been given its trial; False: there is none
    reset()               take note that the board is about to start again
    buffer_size           the largest message, 1024 at least
and raises PackageError or FlashError. A client whose answer was lost asks again: nothing of this may mind.
"""

import struct

from agent.compat import const
from agent.errors import AgentError, PackageError
from hal import cbor

_HEADER = ">BBHHBB"  # operation and version, flags, length, group, sequence, command
_HEADER_SIZE = const(8)
_READ = const(0)
_WRITE = const(2)
_OS = const(0)
_IMAGE = const(1)
_HASH_SIZE = const(32)
_DAMAGED = const(402)
_MAX_REASON = const(100)  # characters
# Answers of the whole protocol
_FAULT = const(1)
_WRONG = const(3)
_ABSENT = const(5)
_NOT_SUPPORTED = const(8)
_CORRUPT = const(9)
_DENIED = const(11)
_TOO_NEW = const(13)
# Answers of a group, in SMP 2 only
_NO_ANSWER = const(3)
_HASH_UNKNOWN = const(8)
_BAD_LENGTH = const(21)
_BAD_HASH = const(24)
_OVERRUN = const(31)
_CONFIRM_DENIED = const(32)
_FLAGS = ("bootable", "pending", "confirmed", "active")


class _Refused(Exception):
    """`rc` is for everybody, `group_rc` for those who speak SMP 2; a text can only go with the first."""

    def __init__(self, rc, text, group_rc=0):
        super().__init__(text)
        self.rc, self.group_rc, self.text = rc, group_rc, text


class Smp:
    """The answering side."""

    def __init__(self, target):
        self._target = target
        self._out = memoryview(bytearray(target.buffer_size))
        self._size = 0  # of the file that is being uploaded
        self._sha = None
        self._armed = False  # uploaded as what is to boot, without another word
        self.reset_asked = False
        self._commands = {
            (_OS, 0, _WRITE): self._echo,
            (_OS, 0, _READ): self._echo,
            (_OS, 5, _WRITE): self._reset,
            (_OS, 6, _READ): self._parameters,
            (_OS, 8, _READ): self._bootloader,
            (_IMAGE, 0, _READ): self._images,
            (_IMAGE, 0, _WRITE): self._set_state,
            (_IMAGE, 1, _WRITE): self._upload,
            (_IMAGE, 5, _WRITE): self._erase,
        }

    def answer(self, message):
        """Return the answer, valid until the next one; None for what is no request."""
        size = len(message) - _HEADER_SIZE
        if size < 0:
            return None
        first, _, length, group, sequence, command = struct.unpack_from(_HEADER, message, 0)
        op, version = first & 7, first >> 3 & 3
        if length != size or op not in (_READ, _WRITE):
            return None
        try:
            if version > 1:
                raise _Refused(_TOO_NEW, "use SMP 1 or 2")
            fields = self._run((group, command, op), message[_HEADER_SIZE:])
            end = cbor.write(fields, self._out, _HEADER_SIZE)
        except _Refused as e:
            end = cbor.write(_refusal(e, group, version), self._out, _HEADER_SIZE)
        end_size = end - _HEADER_SIZE
        struct.pack_into(_HEADER, self._out, 0, op + 1 | min(version, 1) << 3, 0, end_size, group, sequence, command)
        return self._out[:end]

    def _run(self, name, payload):
        command = self._commands.get(name)
        if not command:
            raise _Refused(_NOT_SUPPORTED, "no such command in recovery")
        try:
            fields = cbor.read(payload) if len(payload) else {}
        except ValueError as e:
            raise _Refused(_WRONG, str(e))
        if not isinstance(fields, dict):
            raise _Refused(_WRONG, "a request is a map")
        try:
            return command(fields)
        except PackageError as e:
            raise _Refused(_CORRUPT if e.code == _DAMAGED else _DENIED, str(e) or "refused")
        except AgentError as e:
            raise _Refused(_FAULT, str(e) or "failed")

    # -- the board ----------------------------------------------------------------------------------------------------

    def _echo(self, fields):
        return {"r": _field(fields, "d", str)}

    def _reset(self, fields):
        self._target.reset()
        self.reset_asked = True
        return {}

    def _parameters(self, fields):
        return {"buf_size": len(self._out), "buf_count": 1}

    def _bootloader(self, fields):
        if "query" in fields:
            raise _Refused(_NOT_SUPPORTED, "no such query", _NO_ANSWER)
        return {"bootloader": "fumo"}

    # -- images -------------------------------------------------------------------------------------------------------

    def _images(self, fields):
        images = []
        for image in self._target.images():
            entry = {"slot": image[0], "image": 0, "version": image[1][:64], "hash": image[2]}
            for name, value in zip(_FLAGS, image[3:]):
                entry[name] = bool(value)
            images.append(entry)
        return {"images": images}

    def _set_state(self, fields):
        if fields.get("confirm"):
            raise _Refused(_DENIED, "only firmware that runs can be confirmed: test it", _CONFIRM_DENIED)
        wanted = fields.get("hash")
        if wanted is not None:
            wanted = _hash(wanted)
            if wanted == self._sha:  # of the file, which is all that a client knows that cannot look into it
                wanted = None
        if not self._target.test(wanted):
            raise _Refused(_ABSENT, "no such image: upload it", _HASH_UNKNOWN)
        return self._images(fields)

    def _erase(self, fields):
        raise _Refused(_NOT_SUPPORTED, "an upload erases by itself")

    def _upload(self, fields):
        offset, data = _field(fields, "off", int), _field(fields, "data", memoryview)
        if offset == 0:
            at = self._begin(fields)
            if at:
                return self._told(at)
        elif not self._size:
            return {"off": 0}  # a client that does not know of our reset begins again
        if offset + len(data) > self._size:
            raise _Refused(_WRONG, "more data than announced", _OVERRUN)
        return self._told(self._target.write(offset, data) if len(data) else 0)

    def _begin(self, fields):
        if not fields.get("len"):
            raise _Refused(_WRONG, "the first piece needs len", _BAD_LENGTH)
        size, image, sha = _field(fields, "len", int), fields.get("image", 0), fields.get("sha")
        if image not in (0, 1):
            raise _Refused(_WRONG, "image has to be 0 or 1")
        sha = None if sha is None else _hash(sha)
        self._size = 0
        at = self._target.begin(size, sha)
        self._size, self._sha, self._armed = size, sha, image == 0
        return at

    def _told(self, at):
        if at != self._size:
            return {"off": at}
        match = self._target.match()
        if match and self._armed:
            match = self._target.test(None)
        return {"off": at, "match": bool(match)}


def _field(fields, name, kind):
    value = fields.get(name)
    if not isinstance(value, kind) or value is True or value is False or kind is int and value < 0:
        raise _Refused(_WRONG, "the field %s is missing or wrong" % name)
    return value


def _hash(value):
    if not isinstance(value, memoryview) or len(value) != _HASH_SIZE:
        raise _Refused(_WRONG, "a hash has %d bytes" % _HASH_SIZE, _BAD_HASH)
    return bytes(value)


def _refusal(refused, group, version):
    if version == 1 and refused.group_rc:
        return {"err": {"group": group, "rc": refused.group_rc}}
    return {"rc": refused.rc, "rsn": refused.text[:_MAX_REASON]}
