"""What management sessions need: accounts, nonces and settings for as long as the device runs, the rest for one session."""

from agent.compat import const
from agent.dm_nonces import Nonces
from agent.dm_store import Store
from agent.journal import Journal

_ACCOUNTS = const(1)  # keys in the settings journal
_PROPERTIES = const(2)
_URLS = const(3)
_ACCOUNTS_QUOTA = const(3072)
_PROPERTIES_QUOTA = const(1024)
_URLS_QUOTA = const(2304)  # two of 1,024
_SPECIAL = ("DMAcc", "Inbox")


class Management:
    """`owner` is the Agent: its identity, board, update and details make up the tree."""

    def __init__(self, owner, journal):
        self._owner = owner
        identity = owner.identity
        self.settings = Journal(owner.hardware.settings)
        self.store = Store(self.settings, _ACCOUNTS, _ACCOUNTS_QUOTA, identity.accounts)
        self.nonces = Nonces(journal, identity.device_key)
        self._client = None

    @property
    def accounts(self):
        """Return the accounts; who needs one does not need the others."""
        from agent.account import Accounts

        return Accounts(self.store)

    def client(self):
        """Return the client of the management protocol."""
        if not self._client:
            self._client = self._make_client()
        return self._client

    def first_account(self):
        """Return the account of the server that the device turns to by itself, None where there is none."""
        accounts = self.accounts
        names = accounts.names()
        return accounts.account(names[0]) if names else None

    def drop(self):
        """Give up what only a session needs."""
        self._client = None

    def forget(self):
        """Put the settings back to what provisioning gave; the next start reads them so."""
        from agent.local import forget

        forget(self.settings)

    def _make_client(self):
        from agent.dm_client import Client
        from agent.dm_properties import Properties
        from agent.dm_tree import Tree

        owner = self._owner
        board = owner.board
        self._properties = Properties(Store(self.settings, _PROPERTIES, _PROPERTIES_QUOTA), owner.now)
        tree = Tree(self._objects(), self._properties, self.settings, self._acls())
        client = Client(tree, None, self.nonces, owner.port.random_bytes, owner.ui, board.arena_size)
        client.insecure, client.wbxml, client.small = board.insecure, board.wbxml, board.small
        client.max_object, client.log = owner.capacity(), owner.log
        return client

    def _objects(self):
        from agent.mo_devinfo import devdetail, devinfo

        owner = self._owner
        device = owner.identity.device
        return (
            ("DevInfo", devinfo(device)),
            ("DevDetail", devdetail(device, owner.firmware_version)),
            ("DMAcc", self._dmacc),
            ("Inbox", self._inbox),
            (owner.board.root[2:], self._fumo),
        ) + owner.board.objects

    def _dmacc(self):
        from agent.mo_dmacc import DMAcc

        return DMAcc(self.store, self._properties)

    def _inbox(self):
        from agent.mo_dmacc import MOI
        from agent.mo_inbox import Inbox

        return Inbox(((MOI, "DMAcc"),))

    def _fumo(self):
        from agent.mo_fumo import Fumo

        owner = self._owner
        urls = Store(self.settings, _URLS, _URLS_QUOTA)
        return Fumo(owner.board.root, urls, owner.update, owner.make_push, owner.details, owner.held_manifest)

    def _acls(self):
        """The firmware servers may use the object and the accounts; everybody may look.

        A device that was provisioned without any takes those that bootstrap brought.
        """
        servers = "+".join(self._owner.identity.servers or self._brought())
        acls = [("", "Add=*&Get=*"), (self._owner.board.root[2:], "Get=*&Replace=%s&Exec=%s" % (servers, servers))]
        for path in _SPECIAL:
            acls.append((path, "Get=*&Add=%s&Replace=%s" % (servers, servers)))
        return acls

    def _brought(self):
        accounts = self.accounts
        return [accounts.account(name).server_id for name in accounts.names()]
