"""Our credentials towards the server: what a message of ours carries. See dm_guard.py."""

from agent import dm_auth
from agent.compat import const
from agent.dm_guard import Guard

_BASIC = const(1)  # as in dm_auth
_MAC = const(3)


class Signing(Guard):
    """What a Guard does for a message that goes out."""

    def cred(self):
        """Return (type, Data) of the Cred for the next message, None where there is none to send."""
        client = self._account.client
        if self._silent or self._accepted or self.kind == _MAC:
            return None
        if self.kind == _BASIC:
            data = dm_auth.basic(client.user, client.secret)
        else:
            data = dm_auth.b64(dm_auth.digest(client.user, client.secret, self.nonce))
        return dm_auth.TYPES[self.kind], data

    def header(self, body_hash):
        """Return the value of x-syncml-hmac for a body."""
        client = self._account.client
        return dm_auth.header(client.user, dm_auth.mac(client.user, client.secret, self.nonce, body_hash))
