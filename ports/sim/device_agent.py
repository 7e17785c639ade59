"""The simulated device with the whole agent in it: first stage, hand-over, agent on a network, in virtual or in real time.

`watcher` looks on: powered(device), mounted(device), log(text), satisfied(agent), which ends the boot where it says True.
"""

from agent.agent import Agent
from ports.sim.device import IDLE, Device


class AgentDevice(Device):
    """A board with one chip and a network; its server is somewhere behind that."""

    def __init__(self, flash, clock, layout, identity, net, options, watcher, **more):
        super().__init__(flash, clock, layout, identity, watcher, **more)
        self.net, self.options = net, options
        self.agent = None

    def random_bytes(self, size):
        """Return bytes that nobody foresees, as far as that is wanted here."""
        return bytes([self.random(256) for _ in range(size)])

    def make_control(self, device_facts):
        """Return what obeys the owner's commands."""
        from agent.control import Control

        return Control(self.agent, device_facts)

    def make_narrator(self, say):
        """Return what says the agent's events."""
        from agent.narrator import Narrator

        return Narrator(self.agent, say)

    def _guard(self, action):
        """Do something on the board; what was open on the network is gone where the boot ended there."""
        end = super()._guard(action)
        if end is not None:
            self.net.power_off()
        return end

    def _start_agent(self):
        self.agent = agent = Agent(self.hardware, self, self.identity, self.options)
        self.journal, self.update = agent.journal, agent.update
        self.server.mounted(self)
        agent.start()
        return agent

    def _run_agent(self, firmware):
        agent = self._start_agent()
        while not self.server.satisfied(agent):
            self._sleep(agent.step())
        return IDLE

    def _sleep(self, wait_ms):
        self.watchdog.feed()
        while wait_ms > 0:
            nap_ms = min(wait_ms, self._watchdog_ms // 4)
            before = self.clock.ms()
            self.net.doze_ms(nap_ms)
            self.watchdog.feed()
            gone_ms = self.clock.since(before)
            wait_ms = 0 if gone_ms < nap_ms else wait_ms - gone_ms
