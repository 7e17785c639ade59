"""What management sessions need: accounts, nonces and settings for as long as the device runs, the rest for one session."""

from agent.compat import const
from agent.dm_nonces import Nonces
from agent.dm_store import Store
from agent.journal import Journal
from agent.late import late

_ACCOUNTS = const(1)  # key in the settings journal
_ACCOUNTS_QUOTA = const(3072)


class Management:
    """`owner` is the Agent: its identity, board, update and details make up the tree."""

    def __init__(self, owner, journal):
        self._owner = owner
        identity = owner.identity
        self.settings = Journal(owner.hardware.settings)
        self.store = Store(self.settings, _ACCOUNTS, _ACCOUNTS_QUOTA, identity.accounts)
        self.nonces = Nonces(journal, identity.device_key)
        self.drop()

    def __getattr__(self, name):  # first_account, forget, make_client
        from agent.management_client import Making

        return late(Making, self, name)

    @property
    def accounts(self):
        """Return the accounts; who needs one does not need the others."""
        from agent.account import Accounts

        return Accounts(self.store)

    def client(self):
        """Return the client of the management protocol."""
        if not self._client:
            self._client = self.make_client()
        return self._client

    def drop(self):
        """Give up what only a session needs."""
        self._client = self._properties = self._set = self._urls = None  # the last two are stores
