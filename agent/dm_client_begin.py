"""What a management client does when it is made and where a session begins. See dm_client.py."""

from agent.compat import const
from agent.dm_arena import Arena
from agent.dm_client import Client
from agent.options import Headless

_MAX_SECURE = const(16384)  # bytes of a message that is read through a window
_BESIDE = const(1024)  # of the arena: the message before, as long as its answer may have to be sent again
_ID_TRIES = const(32)


class Beginning(Client):
    """What a Client does then."""

    def set_up(self, tree, accounts, nonces, random, ui=None, arena_size=5120, device_id=""):
        """Take what it is made of; the tree is asked for the device's id where it is not told."""
        self._tree, self._make_tree = (None, tree) if callable(tree) else (tree, None)
        self._samples = {} if callable(tree) else tree.samples  # how volatile leaves read in this session
        self.accounts, self.nonces, self.random = accounts, nonces, random
        self.ui = ui or Headless()
        self.arena = Arena(arena_size)  # what is big comes first
        self.device_id = device_id or str(self.tree.value("DevInfo/DevId"), "utf-8")

    def begin_session(self, session_id):
        """Let volatile leaves be read anew; return the number of the session, sixteen random bits if it is given none."""
        self._samples.clear()
        number = session_id or self._new_session_id()
        self.nonces.begin(number)
        return number

    def _new_session_id(self):
        """Return a number that none of the last sessions had."""
        for _ in range(_ID_TRIES):
            low, high = self.random(2)
            number = low | high << 8
            if number and not self.nonces.had_session(number):
                return number
        return self.nonces.counter & 0xFFFF or 1

    def max_message(self, secure):
        """Return the MaxMsgSize to announce: what is proven before it is read can pass through, the rest must fit."""
        return _MAX_SECURE if secure else len(self.arena.buf) - _BESIDE
