"""What the management client keeps between sessions: tree, accounts, nonces, buffers, and the policy of the board."""

from agent.compat import const
from agent.dm_arena import Arena
from agent.mo_devinfo import DEVINFO
from agent.options import Headless
from agent.window import Out, Window

_MAX_SECURE = const(16384)  # bytes of a message that is read through a window
_BESIDE = const(1024)  # of the arena: the message before, as long as its answer may have to be sent again
_ID_TRIES = const(32)


class Client:
    """`random(size)` gives bytes; `insecure` lets md5 and basic go without TLS; `wbxml` chooses the encoding.

    `tree` is a Tree, or a function that makes one: it is then there only while somebody needs it.
    """

    insecure = False
    wbxml = xml = True
    small = False  # code that sends and code that receives are not in memory at the same time
    max_object = 1 << 20  # bytes of the largest package

    def __init__(self, tree, accounts, nonces, random, ui=None, arena_size=5120):
        self._tree, self._make_tree = (None, tree) if callable(tree) else (tree, None)
        self._samples = {} if callable(tree) else tree.samples  # how volatile leaves read in this session
        self.accounts, self.nonces, self.random = accounts, nonces, random
        self.ui = ui or Headless()
        self.arena, self.out, self.window = Arena(arena_size), Out(), Window()  # what is big comes first
        self.piece = bytearray(192)
        self.device_id = str(self.tree.value("DevInfo/DevId"), "utf-8")
        self.devinfo = [("./DevInfo/" + name, self.tree.value("DevInfo/" + name)) for name in DEVINFO]

    @property
    def tree(self):
        """Return the management tree."""
        if not self._tree:
            self._tree = self._make_tree()
            self._tree.samples = self._samples
        return self._tree

    def rest(self):
        """Give the tree up if that loses nothing: between two messages all that was changed is on flash."""
        if self._tree and self._make_tree and not self._tree.unsettled():
            self._tree = None

    def start_session(self):
        """Let volatile leaves be read anew."""
        self._samples.clear()

    def max_message(self, secure):
        """Return the MaxMsgSize to announce: what is proven before it is read can pass through, the rest must fit."""
        return _MAX_SECURE if secure else len(self.arena.buf) - _BESIDE

    def new_session_id(self):
        """Return sixteen random bits that none of the last sessions had."""
        for _ in range(_ID_TRIES):
            low, high = self.random(2)
            number = low | high << 8
            if number and not self.nonces.had_session(number):
                return number
        return self.nonces.counter & 0xFFFF or 1

    def resolve(self, url, uri):
        """Return where a RespURI leads; the present URL where it must not be followed."""
        from agent.url import follow

        return follow(url, uri) or url

    def log(self, text, *arguments):
        """Say something; a board replaces it."""
