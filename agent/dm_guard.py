"""Who has proven what in a session: our credentials towards the server, the server's towards us, and the challenges.

Each account has a floor: without TLS it is MAC in both directions. A challenge below the floor, or with an empty or zero
nonce, ends the session before anything is said. The server of a verified TLS connection counts as proven.
"""

from agent.compat import const
from agent.late import late

_MAC = const(3)


class Guard:
    """Both directions of one session; `secure` says that TLS has verified the server, `insecure` waives the floor."""

    def __init__(self, account, nonces, secure, insecure, resync):
        self.set_up(account, nonces, secure, insecure, resync)

    def __getattr__(self, name):
        if name in ("cred", "header"):
            from agent.dm_guard_signing import Signing as Part
        else:  # on_status, check, challenge, end
            from agent.dm_guard_judging import Judging as Part
        return late(Part, self, name)

    @property
    def signs(self):
        """Tell whether the next message carries a MAC."""
        return self.kind == _MAC and not self._silent
