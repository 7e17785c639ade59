"""What must outlive a session: its counter, the last session ids, and for each account the nonces of both directions.

Nonces for servers are derived from the device key, a session counter and a message number; only numbers are kept. The
counter is noted before a session's first message. A cut may take the notes of one flash sector with it, so the first
session after an unclean boot skips as many counters, for good: none is ever used twice. The rest may fall back.
"""

from agent.compat import const
from agent.late import late

SESSION = const(5)  # journal keys
NONCES = const(16)  # and the three behind it


class Nonces:
    """Numbers are counter << 8 | message; 0 stands for the nonce that provisioning gave."""

    def __init__(self, journal, device_key):
        self.load(journal, device_key)

    def __getattr__(self, name):  # everything that it does
        from agent.dm_nonces_kept import Kept

        return late(Kept, self, name)
