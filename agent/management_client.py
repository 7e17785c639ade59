"""Makes the client of the management protocol with the objects of its tree, and answers what is asked rarely. See management.py."""

from agent.compat import const
from agent.dm_store import Store
from agent.late import later
from agent.management import Management
from agent.phases import tidy
from agent.sizes import largest

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
        parts = self.nonces, owner.port.random_bytes, owner.ui, board.arena_size, owner.identity.device["DevId"]
        client = Client(tree, None, *parts)
        client.insecure, client.wbxml, client.small = board.insecure, board.wbxml, board.small
        client.xml = board.xml
        client.max_object, client.log = self.capacity(), owner.log
        return client

    def make_tree(self):
        """Return the tree."""
        from agent.dm_properties import Properties
        from agent.dm_tree import Tree

        if not self._set:
            self._set = Store(self.settings, _PROPERTIES, _PROPERTIES_QUOTA)
        self._properties = Properties(self._set, later(self, "now"))
        tree = Tree(self._objects(), self._properties, self.settings, self._acls())
        tree.tnds = self._owner.board.tnds
        if self._owner.board.small:
            tree.tidy = tidy
        return tree

    def _objects(self):
        from agent.mo_devinfo import devdetail, devinfo

        owner = self._owner
        device = owner.identity.device
        return (
            ("DevInfo", devinfo(device)),
            ("DevDetail", devdetail(device, later(self, "firmware_version"))),
            ("DMAcc", later(self, "make_dmacc")),
            ("Inbox", later(self, "make_inbox")),
            (owner.board.root[2:], later(self, "make_fumo")),
            (owner.board.root[2:] + "/Ext", later(self, "make_ext")),
        ) + owner.board.objects

    def make_dmacc(self):
        """Return the object of the accounts."""
        from agent.mo_dmacc import DMAcc

        return DMAcc(self.store, self._properties)

    def make_inbox(self):
        """Return the object through which servers bring accounts."""
        from agent.mo_inbox import Inbox

        return Inbox()

    def make_fumo(self):
        """Return the firmware object."""
        from agent.mo_fumo import Fumo

        owner = self._owner
        if not self._urls:
            self._urls = Store(self.settings, _URLS, _URLS_QUOTA)
        push, held = later(self, "make_push"), later(self, "held_manifest")
        return Fumo(owner.board.root, self._urls, owner.update, push, held)

    # -- what its leaves say ----------------------------------------------------------------------------------------------

    def now(self):
        """Return the time as properties carry it, "" where it is not known."""
        owner = self._owner
        if not owner.wall_time or not owner.wall_time.known:
            return ""
        from agent.dm_time import stamp

        return stamp(owner.wall_time.unix())

    def firmware_version(self):
        """Return the version in the running bank's manifest."""
        running = self._owner.update.running_manifest()
        return running.version if running else ""

    def capacity(self):
        """Return the size of the largest package that is taken."""
        owner = self._owner
        return largest(owner.hardware.banks[1 - owner.hardware.boot.confirmed()].image.size)

    def make_push(self):
        """Return what takes a package that the server sends itself."""
        from agent.push import Push

        owner = self._owner
        return Push(owner.hardware, owner.record, owner.identity, owner.update.demands())

    def make_ext(self):
        """Return what lies below Ext of the firmware object."""
        from agent.mo_fumo_ext import details
        from agent.mo_leaves import Leaves

        owner = self._owner
        return Leaves("", details(owner.hardware, owner.record, owner.facts))

    def held_manifest(self, bank):
        """Return the manifest of the package that a bank holds."""
        from agent.verify import read_manifest

        owner = self._owner
        return read_manifest(owner.hardware.banks[bank], owner.identity)

    # -- helpers ------------------------------------------------------------------------------------------------------

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
