"""How nonces, their numbers and the session ids are made, noted and read back. See dm_nonces.py."""

import hashlib
import struct

from agent.compat import const, crc32
from agent.dm_nonces import NONCES, SESSION, Nonces

_FORMAT = "<IB8HHIHIHIHI"  # counter, used numbers, session ids; name and last known number of each account
_SIZE = const(45)
_SLOTS = const(4)
_AHEAD = const(8)
_LOST = const(64)  # slots of one sector: so many notes may go with a cut
_NOTE = const(58)  # bytes that a note may have


class Kept(Nonces):
    """What a Nonces does."""

    def load(self, journal, device_key):
        """Take up what is kept."""
        self._journal, self._key = journal, device_key
        data = bytearray(64)
        self.fresh = journal.get(SESSION, data) < _SIZE  # nothing known: the special nonce may be tried, once
        fields = list(struct.unpack_from(_FORMAT, bytes(_SIZE) if self.fresh else data, 0))
        self.counter = self.before = fields[0]  # `before` is that of the session before the last one
        self._used, self._ids = fields[1], fields[2:10]
        self._names, self._known = fields[10::2], fields[11::2]
        self._sure = journal.was_clean  # else the counter may be behind

    def begin(self, session_id):
        """Count a session, before its first message."""
        self.before = self.counter
        self.counter = self.counter + (1 if self._sure else _LOST) & 0xFFFFFF
        self._ids = self._ids[1:] + [session_id]
        self._save(self._sure)  # the journal's first write would be a put in any case
        self._sure = True

    def settle(self):
        """A reset comes after which nothing looks lost: what an unclean boot may have taken is made up for now."""
        if not self._sure:
            self.counter = self.counter + _LOST & 0xFFFFFF
            self._save(False)
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
        known = self._known[slot]
        first = max(known, counter << 8) + 1
        return ([] if self._used >> slot & 1 else [known]) + list(range(first, first + _AHEAD))

    def last(self, account):
        """Return the last known number, though the server may have proved itself with it."""
        return self._known[self._slot(account)]

    def server_nonce(self, account, number):
        """Return the bytes of a number, the provisioned ones for number 0."""
        return self.derive(number) if number else account.server.nonce

    def proved(self, account, number):
        """The server has proved itself with this number: never again with it or one before."""
        slot = self._slot(account)
        self._known[slot] = number
        self._used |= 1 << slot
        self._save()

    def client_nonce(self, account):
        """Return the nonce that the server gave last, that of the provisioning where it gave none."""
        data = bytearray(128)
        slot = self._slot(account)
        size = self._journal.get(NONCES + slot, data)
        if size > 2 and struct.unpack_from("<H", data, 0)[0] == self._names[slot]:
            return bytes(memoryview(data)[2:size])
        return account.client.nonce

    def end(self, account, client_nonce, number):
        """Note at a session's end, from authentic messages only: the next client nonce, the last number issued."""
        slot = self._slot(account)
        if number > self._known[slot]:
            self._known[slot] = number
            self._used &= ~(1 << slot)
            self._save()
        if client_nonce and client_nonce != self.client_nonce(account):
            data = struct.pack("<H", self._names[slot]) + client_nonce
            self._write(NONCES + slot, data, len(data) <= _NOTE)

    def _slot(self, account):
        """Return the account's place; a new account takes an empty one, else the first."""
        name = crc32(account.name.encode()) & 0xFFFF or 1
        for i in range(_SLOTS):
            if self._names[i] in (name, 0):
                self._names[i] = name
                return i
        self._names[0], self._known[0] = name, 0
        self._used &= ~1
        return 0

    def _save(self, as_note=True):
        self.fresh = False
        fields = [self.counter, self._used] + self._ids
        for i in range(_SLOTS):
            fields += self._names[i], self._known[i]
        self._write(SESSION, struct.pack(_FORMAT, *fields), as_note)

    def _write(self, key, data, as_note):
        if as_note:
            self._journal.note(key, data)
        else:
            self._journal.put(((key, data),))
