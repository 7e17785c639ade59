"""A newer agent writes its records in a trial and falls back: the one before it goes on with them as if they were its own.

The newer one is this agent with more at the end of its values, and with keys of its own in both journals.
"""

import struct

import pytest

from agent import dm_nonces, dm_nonces_kept, job_bytes
from agent.job import Job
from ports.sim.firmware import GOOD
from tests.powercut.session_explore import SessionExplorer
from tests.powercut.session_oracle import SessionOracle
from tests.powercut.session_worlds import NEW, OLD, session_world

_LONG, _NOTE, _SETTING = 100, 101, 102  # keys that only the newer agent knows
_KEPT = {"journal": {_LONG: bytes(range(150)), _NOTE: b"noted"}, "settings": {_SETTING: b"s" * 300}}


def _patch(patch):
    """Turn the agent into the newer one."""
    rows = tuple((*row[:3], row[3] + ("mood",) if row[3] else ()) for row in job_bytes._LAYOUTS)
    patch.setattr(job_bytes, "_LAYOUTS", rows)
    patch.setattr(Job, "mood", "restless", raising=False)
    pack, write = job_bytes.Packing.pack, dm_nonces_kept.Kept._write

    def longer(self):
        return pack(self) + (b"" if isinstance(self, Job) else struct.pack("<I", 4711) + bytes(40))

    def write_longer(self, key, data, as_note):
        write(self, key, data + b"more" if key == dm_nonces.SESSION else data, as_note)

    patch.setattr(job_bytes.Packing, "pack", longer)
    patch.setattr(dm_nonces_kept.Kept, "_write", write_longer)


class _Oracle(SessionOracle):
    """Lets the firmware NEW run the newer agent, and sees that the older one keeps what it cannot read."""

    wrote = False
    _patches = pytest.MonkeyPatch()

    def state(self):
        state = super().state()
        return (*state[:-1], self.wrote, state[-1])

    def set_state(self, state):
        super().set_state((*state[:-2], state[-1]))
        self.wrote = state[-2]

    def powered(self, device):
        self._patches.undo()
        super().powered(device)

    def mounted(self, device):
        super().mounted(device)
        journals = {"journal": device.agent.journal, "settings": device.agent.management.settings}
        if device.version == NEW:
            _patch(self._patches)
            device.agent.management.nonces.begin(0x7777)
            journals["journal"].put(((_LONG, _KEPT["journal"][_LONG]),))
            journals["journal"].note(_NOTE, _KEPT["journal"][_NOTE])
            journals["settings"].put(((_SETTING, _KEPT["settings"][_SETTING]),))
            self.wrote = True
        elif self.wrote:
            self.check_kept(journals)

    def check_kept(self, journals):
        into = bytearray(400)
        for name, values in _KEPT.items():
            for key, data in values.items():
                size = journals[name].get(key, into)
                lost = key == _NOTE and self.disturbed
                self.check(lost or bytes(into[: max(size, 0)]) == data, "the key %d of the %s is lost" % (key, name))


class _Explorer(SessionExplorer):
    def _new_oracle(self):
        return _Oracle(self.world, self)


@pytest.fixture
def explore():
    """Return a function that makes an explorer; whatever was patched is as before in the end."""
    yield lambda name: _Explorer(session_world(name))
    _Oracle._patches.undo()


@pytest.mark.parametrize("talk", ["xml-mac", "wbxml-tls"])
def test_the_old_agent_reports_the_failure_of_a_newer_one(explore, talk):
    explorer = explore("unfit/" + talk)
    explorer.base()
    assert explorer.violations == [] and explorer.oracle.wrote
    (alert,) = explorer.oracle.books.alerts
    assert alert == ("y1", "downloadandupdate", "./FUMO", "critical", "int", b"410")
    assert explorer.device.version == OLD and explorer.oracle.books.posts == ("952 Device Aborted",)
    agent = explorer.device.agent
    assert (agent.record.job.server, agent.record.job.node) == ("bench", "./FUMO/DownloadAndUpdate")
    explorer.oracle.check_kept({"journal": agent.journal, "settings": agent.management.settings})


def test_what_only_the_newer_agent_knows_survives_further_writes(explore):
    explorer = explore("unfit/wbxml-tls")
    explorer.base()
    agent = explorer.device.agent
    puts = agent.journal.recent(0)[0]
    for number in range(200):
        agent.management.nonces.begin(number + 1)
    agent.management.settings.put(())
    agent.clean_up()
    assert agent.journal.recent(0)[0] > puts + 2  # its sector was full more than once
    assert agent.update.state == 80
    explorer.oracle.check_kept({"journal": agent.journal, "settings": agent.management.settings})


def test_the_newer_agent_reads_what_the_older_one_wrote(explore):
    explorer = explore("dau/wbxml-tls")
    explorer.base()
    assert explorer.violations == [] and explorer.oracle.wrote
    (alert,) = explorer.oracle.books.alerts
    assert alert[0] == "a1" and alert[5] == b"200" and explorer.world.images[NEW][6:].split()[1] == GOOD.encode()


@pytest.mark.parametrize("effect", ["none", "done", "weak", "disturb", "bits", "half"])
def test_cuts_while_the_newer_agent_runs(explore, effect):
    explorer = explore("unfit/wbxml-tls")
    points = explorer.base()
    chosen = [(n, p) for n, p in enumerate(points) if effect in p.effects and p.phase in ("trial", "arm", "report")]
    for number, point in chosen[::3]:
        explorer.branch(point, effect, (explorer.world.name, (number, effect)))
    assert explorer.violations == [] and explorer.schedules > 1
