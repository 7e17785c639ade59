"""What the management client keeps between messages: tree, accounts, nonces, buffers, and the policy of the board."""

from agent.late import late


class Client:
    """`random(size)` gives bytes; `insecure` lets md5 and basic go without TLS; `wbxml` chooses the encoding.

    `tree` is a Tree, or a function that makes one: it is then there only while somebody needs it.
    """

    insecure = False
    wbxml = xml = True
    small = False  # code that sends and code that receives are not in memory at the same time
    max_object = 1 << 20  # bytes of the largest package

    def __init__(self, *parts):  # tree, accounts, nonces, random, ui=None, arena_size=5120, device_id=""
        self.set_up(*parts)

    def __getattr__(self, name):
        from agent.dm_client_begin import Beginning

        return late(Beginning, self, name)

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

    def log(self, text, *arguments):
        """Say something; a board replaces it."""
