"""What must hold in every boot of a device with the whole agent in it, and what its servers may see of it."""

from agent.dm_store import Store
from agent.job import ACCEPTED, ARM, DOWNLOAD, IDLE, NO_BANK, READY, TRIAL
from ports.sim.power import Violation
from tests.powercut.session_books import Books, Servers
from tests.powercut.watch import Watch

_SETTINGS = (1, 2, 3)  # keys: accounts, properties, URLs
_URLS, _URLS_SIZE = 3, 2304
_MOST_S = 1800
_POSTS = 3
_STATES = {DOWNLOAD: (30, 40), READY: (50,), ARM: (60,), TRIAL: (60,)}
_HELD, _DONE, _FAILED = 50, 90, 70


class SessionOracle(Watch):
    """The watcher of an AgentDevice; `marks` is told of everything between two flash operations that a cut may part."""

    def __init__(self, world, marks):
        super().__init__(world)
        self.settings = [{}]
        self.proved = ()  # numbers of the nonces with which a server has proven itself
        self.disturbed = False  # a cut has hurt more than it was writing: notes may be lost
        self.books, self.servers = Books(), None
        self._marks = marks
        self._posts = self._end_us = 0
        self._hooked = None

    # -- snapshots ----------------------------------------------------------------------------------------------------

    def state(self):
        """Return what survives a cut; the last part does not tell states apart."""
        puts = [tuple(tuple(sorted(c.items())) for c in books) for books in (self.candidates, self.settings)]
        flags = (self.confirmed, self.unsure, self.trial_cuts, self.trial_resets, self.fell_back, self.disturbed)
        aside = (self.device.clock.us, self.device._seed) if self.device else (0, 1)
        return (self.books.state(), flags, tuple(puts), self.proved, aside)

    def set_state(self, state):
        """Go back to a state; the servers have forgotten their sessions."""
        books, flags, puts, self.proved, aside = state
        self.books.set_state(books)
        self.confirmed, self.unsure, self.trial_cuts, self.trial_resets, self.fell_back, self.disturbed = flags
        self.candidates, self.settings = ([dict(c) for c in part] for part in puts)
        self.confirming = self.ordering = False
        self.device.clock.us, self.device._seed = aside
        self._end_us = aside[0] + _MOST_S * 1000000
        self.servers = Servers(self.world, self.books, self)

    # -- watching a boot ----------------------------------------------------------------------------------------------

    def notify(self, data):
        """A server sends package 0."""
        self.device.net.datagram(data, ("192.0.2.1", 2948), 2948)

    def powered(self, device):
        """A boot begins."""
        super().powered(device)
        self._posts, self._hooked = 0, None

    def mounted(self, device):
        """Hold what the agent knows against what it has said, and against what was put."""
        super().mounted(device)
        management = device.agent.management
        self._check_journal(management.settings, _SETTINGS, "settings")
        self._check_job(device.agent.record)
        self._check_settings(management)
        nonces = management.nonces
        nonces.proved = self._proving(nonces.proved)

    def log(self, text):
        """The device said something."""

    def satisfied(self, agent):
        """Look at the device before each of its steps; tell whether nothing more is to come."""
        if self._hooked is not agent:
            self._hooked = agent
            self._marks.hook(agent)
            if self.servers.unsure:
                self.notify(self.servers.notification())
        record, job = agent.record, agent.record.job
        self.checks += 1
        wanted = _STATES.get(job.phase)
        if wanted and agent.update.state not in wanted:
            raise Violation("State is %d in phase %d" % (agent.update.state, job.phase))
        surely = len(self.candidates) == 1  # no cut left a record that reads as done once and not later
        if record.idle and surely and job.correlator and job.correlator not in self.books.ended:
            self.books.ended += (job.correlator,)
        if record.idle and self.unsure:
            self.confirmed, self.unsure = self.device.hardware.boot.confirmed(), False
            self._set_guard()
        if self.device.clock.us > self._end_us:
            raise Violation("no end after %d s, phase %d" % (_MOST_S, job.phase))
        return record.idle and not agent._meetings.active and not self._missing()

    # -- what the servers see -----------------------------------------------------------------------------------------

    def alerted(self, facts):
        """A result came."""
        correlator, kind, source, mark, form, data = facts
        order = [each for each in self.world.orders if each[1] == correlator]
        self.check(order and kind == order[0][0].lower(), "an alert of nobody's order: %s" % (facts,))
        wanted = ("./FUMO", "int", "informational" if data == b"200" else "critical")
        self.check((source, form, mark) == wanted, "an alert in another form: %s" % (facts,))
        self.check(correlator not in self.books.ended, "alert after its job had ended")
        before = [alert for alert in self.books.alerts if alert[0] == correlator]
        self.check(not before or before[0] == facts, "alerts differ: %s, %s" % (before, facts))
        self.check(not self.world.notifies or self.books.posts, "the alert came before the install notification")
        self.check(int(data) in self._codes(order[0][2]), "%s ended as %s" % (correlator, data))
        if data == b"200" and kind != "download":
            self.check(self.device.version == self.world.end, "success reported while %s runs" % self.device.version)
            self.check(not self.in_trial(), "success reported from a trial")

    def posted(self, body):
        """An install notification came."""
        books = self.books
        self._posts += 1
        self.check(self._posts <= _POSTS, "the download server is told %d times" % self._posts)
        self.check(not books.alerts, "the install notification came after the alert")
        self.check(not books.posts or books.posts[0] == body, "install notifications differ")
        failed = 410 in self._codes(200) and body == "952 Device Aborted"
        self.check(body == self.world.told or failed, "the download server is told " + body)
        books.posts += (body,)

    def asked(self, version, state):
        """A server has read FwV and State."""
        self.check(version == self.device.version, "FwV is %s, %s runs" % (version, self.device.version))
        self.check(state in self._states(), "State is %d, one of %s is right" % (state, self._states()))

    # -- the end ------------------------------------------------------------------------------------------------------

    def check_end(self):
        """Hold the end, one boot later, against what the world may come to."""
        self.check(not self._missing(), "no alert arrived for %s" % self._missing())
        agent, codes = self.device.agent, [int(alert[5]) for alert in self.books.alerts]
        good = codes[-1] == 200
        self.check(self.device.version == (self.world.end if good else self.world.old), "the wrong end")
        self.check(not agent.record.outbox.code, "there is something left to tell")
        self.asked(self.device.version, agent.update.state)
        return good

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _missing(self):
        told = {alert[0] for alert in self.books.alerts}
        return [order[1] for order in self.world.orders if order[1] not in told]

    def _codes(self, code):
        return (200, 410) if code == 200 and (self.trial_cuts > 2 or self.trial_resets) else (code,)

    def _states(self):
        """Return the States that are right now, as far as the servers can know."""
        books, flow = self.books, self.world.flow
        told = {alert[0]: alert[5] for alert in books.alerts}
        end = (_DONE,) if told.get(self.world.orders[-1][1]) == b"200" else (_FAILED,)
        if not self._missing():
            return end
        if flow == "push":
            return (_HELD, _DONE, _FAILED) if books.sent else (_HELD,) if books.held else (10, _HELD)
        if flow == "two-step" and told:
            return (_HELD, _DONE, _FAILED) if "u1" in books.sent else (_HELD,)
        if not books.sent:
            return (10,)
        return (() if books.left else (10,)) + (30, 40, _HELD, _DONE, _FAILED)

    def _check_job(self, record):
        """An accepted order is known whole, one that was not accepted whole or not at all."""
        books, world, job = self.books, self.world, record.job
        orders = {order[1]: order[0] for order in world.orders}
        if job.correlator is not None:
            node = orders.get(job.correlator)
            whole = node and (job.node, job.server) == ("./FUMO/" + node, "bench")
            self.check(whole and job.url == ("" if node == "Update" else world.url), "half an order is known")
        names = list(orders)
        if books.left:
            later = [name for name in names[names.index(books.left[-1]) :] if name in books.sent]
            self.check(job.correlator in later, "an order is forgotten whose 202 has left: %s" % books.left[-1])
            known = dict(books.serials).get(job.correlator, job.serial)
            self.check(job.serial == known, "the same Exec again has begun the order anew")
            if job.correlator in books.left:
                books.serials = tuple({**dict(books.serials), job.correlator: job.serial}.items())
        if books.held_left and not books.alerts and job.phase in (IDLE, ACCEPTED):
            self.check(record.package.bank != NO_BANK, "a package is forgotten whose 200 has left")

    def _check_settings(self, management):
        names = management.accounts.names()
        self.check(list(names) == ["bench"], "the accounts are %s" % (names,))
        if self.books.url_left:
            text = Store(management.settings, _URLS, _URLS_SIZE).text(self.world.orders[0][0] + "/PkgURL")
            self.check(text == self.world.url, "PkgURL is forgotten though its 200 has left")
        seen = {}
        for session, _, nonce in self.books.issued:
            self.check(seen.setdefault(nonce, session) == session, "a nonce for two sessions")

    def _proving(self, plain):
        def proved(account, number):
            plain(account, number)
            self.check(number not in self.proved or self.disturbed, "the nonce %d has proven a server before" % number)
            self.proved += (number,)

        return proved
