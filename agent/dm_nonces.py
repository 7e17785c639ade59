"""What must outlive a session: its counter, the last session ids, and for each account the nonces of both directions.

Nonces for servers are derived from the device key, a session counter and a message number; only numbers are kept. The
counter is noted before a session's first message. A cut may take the notes of one flash sector with it, so the first
session after an unclean boot skips as many counters, for good: none is ever used twice. The rest may fall back.
"""

import hashlib
import struct

from agent.compat import const, crc32

SESSION = const(5)  # journal keys
NONCES = const(16)  # and the three behind it
_FORMAT = "<IB8H" + "HI" * 4
_SIZE = const(45)
_IDS = const(8)
_SLOTS = const(4)
_AHEAD = const(8)
_LOST = const(64)  # slots of one sector: so many notes may go with a cut
_NOTE = const(56)


class Nonces:
    """Numbers are counter << 8 | message; 0 stands for the nonce that provisioning gave."""

    def __init__(self, journal, device_key):
        self._journal, self._key = journal, device_key
        data = bytearray(64)
        self.fresh = journal.get(SESSION, data) != _SIZE  # nothing known: the special nonce may be tried, once
        fields = struct.unpack_from(_FORMAT, bytes(_SIZE) if self.fresh else data, 0)
        self.counter, self._used = fields[:2]
        self.before = self.counter  # that of the session before the last one
        self._sure = journal.was_clean  # else the counter may be behind
        self._ids = list(fields[2 : 2 + _IDS])
        self._slots = [list(fields[at : at + 2]) for at in range(2 + _IDS, 2 + _IDS + 2 * _SLOTS, 2)]

    def begin(self, session_id):
        """Count a session, before its first message."""
        self.before = self.counter
        self.counter = self.counter + (1 if self._sure else _LOST) & 0xFFFFFF
        self._ids = self._ids[1:] + [session_id]
        if self._sure:
            self._note()
        else:  # the journal's first write would be a put in any case
            self.fresh = False
            self._journal.put(((SESSION, self._record()),))
            self._sure = True

    def had_session(self, session_id):
        """Tell whether one of the last sessions had this id."""
        return session_id in self._ids

    def derive(self, number):
        """Return the nonce of a number."""
        return hashlib.sha256(self._key + struct.pack("<I", number)).digest()[:16]

    def number(self, message):
        """Return the number for a message of this session."""
        return self.counter << 8 | min(message, 255)

    def candidates(self, account, counter):
        """Return the numbers that a server may still prove itself with: the last known, and those issued since.

        `counter` is that of the last session before this one: how far it got, nobody knows.
        """
        slot = self._slot(account)
        known = self._slots[slot][1]
        found = [] if self._used >> slot & 1 else [known]
        first = max(known + 1, (counter << 8) + 1)
        return found + [first + i for i in range(_AHEAD)]

    def server_nonce(self, account, number):
        """Return the bytes of a number, the provisioned ones for number 0."""
        return self.derive(number) if number else account.server.nonce

    def proved(self, account, number):
        """The server has proved itself with this number: never again with it or one before."""
        slot = self._slot(account)
        self._slots[slot][1] = number
        self._used |= 1 << slot
        self._note()

    def client_nonce(self, account):
        """Return the nonce that the server gave last, that of the provisioning where it gave none."""
        data = bytearray(128)
        slot = self._slot(account)
        size = self._journal.get(NONCES + slot, data)
        if size > 2 and struct.unpack_from("<H", data, 0)[0] == self._slots[slot][0]:
            return bytes(memoryview(data)[2:size])
        return account.client.nonce

    def end(self, account, client_nonce, number):
        """Note at a session's end, from authentic messages only: the next client nonce, the last number issued."""
        slot = self._slot(account)
        if number > self._slots[slot][1]:
            self._slots[slot][1] = number
            self._used &= ~(1 << slot)
            self._note()
        if client_nonce and client_nonce != self.client_nonce(account):
            data = struct.pack("<H", self._slots[slot][0]) + client_nonce
            if len(client_nonce) <= _NOTE:
                self._journal.note(NONCES + slot, data)
            else:
                self._journal.put(((NONCES + slot, data),))

    def _slot(self, account):
        """Return the account's place; a new account takes an empty one, else the first."""
        name = crc32(account.name.encode()) & 0xFFFF or 1
        for i in range(_SLOTS):
            if self._slots[i][0] in (name, 0):
                self._slots[i][0] = name
                return i
        self._slots[0] = [name, 0]
        self._used &= ~1
        return 0

    def _note(self):
        self.fresh = False
        self._journal.note(SESSION, self._record())

    def _record(self):
        fields = [self.counter, self._used] + self._ids
        for slot in self._slots:
            fields += slot
        return struct.pack(_FORMAT, *fields)
