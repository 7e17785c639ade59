"""Makes the client of the management protocol with the objects of its tree, and answers what is asked rarely. See management.py."""

from agent.compat import const
from agent.dm_store import Store
from agent.late import later
from agent.management import Management

_PROPERTIES = const(2)  # keys in the settings journal
_URLS = const(3)
_PROPERTIES_QUOTA = const(1024)
_URLS_QUOTA = const(2304)  # two of 1,024
_SPECIAL = ("DMAcc", "Inbox")


class Making(Management):
    """What a Management does once a session."""

    def first_account(self):
        """Return the account of the server that the device turns to by itself, None where there is none."""
        accounts = self.accounts
        names = accounts.names()
        return accounts.account(names[0]) if names else None

    def forget(self):
        """Put the settings back to what provisioning gave; the next start reads them so."""
        from agent.local import forget

        forget(self.settings)

    def make_client(self):
        """Return a client."""
        from agent.dm_client import Client

        owner = self._owner
        board = owner.board
        tree = later(self, "make_tree")
        client = Client(tree, None, self.nonces, owner.port.random_bytes, owner.ui, board.arena_size)
        client.insecure, client.wbxml, client.small = board.insecure, board.wbxml, board.small
        client.xml = board.xml
        client.max_object, client.log = owner.capacity(), owner.log
        return client

    def make_tree(self):
        """Return the tree."""
        from agent.dm_properties import Properties
        from agent.dm_tree import Tree

        if not self._set:
            self._set = Store(self.settings, _PROPERTIES, _PROPERTIES_QUOTA)
        self._properties = Properties(self._set, later(self._owner, "now"))
        tree = Tree(self._objects(), self._properties, self.settings, self._acls())
        tree.tnds = self._owner.board.tnds
        return tree

    def _objects(self):
        from agent.mo_devinfo import devdetail, devinfo

        owner = self._owner
        device = owner.identity.device
        return (
            ("DevInfo", devinfo(device)),
            ("DevDetail", devdetail(device, later(owner, "firmware_version"))),
            ("DMAcc", later(self, "make_dmacc")),
            ("Inbox", later(self, "make_inbox")),
            (owner.board.root[2:], later(self, "make_fumo")),
        ) + owner.board.objects

    def make_dmacc(self):
        """Return the object of the accounts."""
        from agent.mo_dmacc import DMAcc

        return DMAcc(self.store, self._properties)

    def make_inbox(self):
        """Return the object through which servers bring accounts."""
        from agent.mo_dmacc import MOI
        from agent.mo_inbox import Inbox

        return Inbox(((MOI, "DMAcc"),))

    def make_fumo(self):
        """Return the firmware object."""
        from agent.mo_fumo import Fumo

        owner = self._owner
        if not self._urls:
            self._urls = Store(self.settings, _URLS, _URLS_QUOTA)
        push, details, held = later(owner, "make_push"), later(owner, "details"), later(owner, "held_manifest")
        return Fumo(owner.board.root, self._urls, owner.update, push, details, held)

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
