"""What the owner asks of a running device over its console, a line each way: how it is, and a few things to do.

    status                          status {...}, the JSON of `facts`
    confirm rollback recovery       done NAME, or refused NAME: why
    request-update factory-reset

To be called between two steps of the agent, never from inside one. A reset that follows comes with the agent's next step,
so that the answer goes out first. Small boards import this when a line comes, and forget it with the phase.
"""

import json

from agent.errors import AgentError
from agent.job import ARM, NO_BANK, TRIAL
from agent.lifecycle import MAX_ARMS, PHASES
from agent.local import find_other, is_void

_NAMES = ("confirm", "rollback", "request-update", "factory-reset", "recovery")


class Refused(AgentError):
    """It cannot be done now; the text says why."""


class Control:
    """`device_facts()` returns a dict of what the port adds to the status, or changes in it."""

    def __init__(self, agent, device_facts=None):
        self._agent, self._device_facts = agent, device_facts

    def obey(self, words):
        """Return the answer to a line's words, None where it is no command of these."""
        if words == ["status"]:
            return "status " + json.dumps(self.facts())
        if len(words) != 1 or words[0] not in _NAMES:
            return None
        name = words[0]
        try:
            getattr(self, "_" + name.replace("-", "_"))()
        except AgentError as e:
            return "refused %s: %s" % (name, e)
        return "done " + name

    # -- status -------------------------------------------------------------------------------------------------------

    def facts(self):
        """Return what there is to say, for JSON."""
        agent, record, boot = self._agent, self._agent.record, self._agent.hardware.boot
        job, identity, running = record.job, agent.identity, agent.update.running_manifest()
        found = {
            "product": identity.product, "model": identity.model, "device": identity.device.get("DevId", ""),
            "board": agent.board.name, "layout": agent.hardware.layout, "agent": agent.board.agent_version,
            "bank": boot.running(), "confirmed": boot.confirmed(), "trial": boot.running() != boot.confirmed(),
            "fell_back": boot.fell_back(), "version": agent.port.version, "counter": running.counter if running else None,
            "banks": self._banks(), "phase": PHASES[job.phase], "state": agent.update.state, "code": job.code,
            "held": self._held(), "progress": record.progress.package_at, "result": record.outbox.code,
            "correlator": job.correlator, "session": agent.in_session, "idle": agent.quiet,
            "uptime_ms": agent.facts.uptime_s() * 1000, "clock": self._knows_time(),
        }  # fmt: skip
        if self._device_facts:
            found.update(self._device_facts())
        return found

    def _banks(self):
        boot, hardware = self._agent.hardware.boot, self._agent.hardware
        return describe_banks(hardware.banks, boot.running(), boot.confirmed())

    def _held(self):
        bank = self._agent.record.package.bank
        if bank == NO_BANK:
            return None
        manifest = glance(self._agent.hardware.banks[bank])
        return manifest.version if manifest else ""

    def _knows_time(self):
        agent = self._agent
        return agent.wall_time.known if agent.wall_time else agent.clock.unix() is not None

    # -- what is done -------------------------------------------------------------------------------------------------

    def _confirm(self):
        """The owner vouches: neither time nor a server is waited for. A self-test that fails is not his to overrule."""
        agent = self._agent
        if agent.record.job.phase != TRIAL:
            raise Refused("no firmware is on trial")
        if not agent.update.work.trial.pass_tests():
            raise Refused("a self-test of this firmware does not pass")
        agent.update.work.confirm()

    def _rollback(self):
        agent, record, hardware = self._agent, self._agent.record, self._agent.hardware
        if hardware.boot.running() != hardware.boot.confirmed():
            if is_void(hardware.boot):
                raise Refused("serial recovery has overwritten the firmware before")
            if record.job.phase == TRIAL:
                record.job.arms = MAX_ARMS  # or a board that cannot tell why it starts would try it again
                record.keep()
            agent.leave(agent.port.reboot)
            return
        self._not_in_session()
        feed = hardware.watchdog.feed
        bank, manifest = find_other(hardware.boot, hardware.banks, record, agent.identity, feed)
        agent.update.try_bank(bank, manifest.sha256)

    def _request_update(self):
        if not self._agent.request_update():
            raise Refused("an update is under way, or the last wish is less than a minute old")

    def _factory_reset(self):
        """First the order, then the settings, each in one put: a cut leaves each as it was, or as it is to be."""
        agent = self._agent
        if not agent.factory_reset():
            raise Refused("firmware is on trial: confirm it or roll back first")
        agent.management.forget()
        agent.leave(agent.port.reboot)

    def _recovery(self):
        agent = self._agent
        enter = getattr(agent.port, "enter_recovery", None)
        if not enter:
            raise Refused("this board has no serial recovery")
        if agent.record.job.phase in (ARM, TRIAL):
            raise Refused("firmware is on trial: confirm it or roll back first")
        agent.leave(enter)

    def _not_in_session(self):
        if self._agent.in_session:
            raise Refused("a session with a server is open: ask again in a minute")


def describe_banks(banks, running, confirmed):
    """Return a list of what is in each bank, by its header alone: `state` as on the power switch's page."""
    found = []
    for number in range(len(banks)):
        manifest = glance(banks[number])
        state = "spare" if manifest else "empty"
        if number == running:
            state = "runs" if number == confirmed else "trial"
        elif number == confirmed:
            state = "confirmed"
        entry = {"bank": number, "state": state, "version": "", "counter": None, "size": 0}
        if manifest:
            entry["version"], entry["counter"], entry["size"] = manifest.version, manifest.counter, manifest.size
        found.append(entry)
    return found


def glance(bank):
    """Return what a bank's manifest says, without a look at its signature; None where it says nothing."""
    import binascii

    from agent import bank_header
    from agent.manifest import Manifest
    from agent.sizes import MAX_JWS

    text = bytearray(MAX_JWS)
    size = bank_header.read_text(bank.header, text)
    try:
        part = bytes(text[:size]).split(b".")[1].replace(b"-", b"+").replace(b"_", b"/")
        return Manifest.parse(binascii.a2b_base64(part + b"=" * (-len(part) % 4)))
    except (AgentError, ValueError, IndexError):
        return None
