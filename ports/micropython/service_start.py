"""How agent and application begin on a MicroPython board that is wired: in memory only then. See service.py."""

import gc

from agent.agent import Agent
from agent.errors import AgentError
from agent.options import Options
from ports.micropython.service import Service, tidy, verify

CAUSES = ("unknown", "power", "commanded", "watchdog")


class Start(Service):
    """The method of Service that makes its agent."""

    def start(self):
        """Make the agent and the application."""
        from agent.identity import make_identity
        from board import chosen

        facts = _factory_facts(self.hardware, self.small)
        port, options = self.port, Options(**chosen.OPTIONS)
        self._user = options.ui = _make_user(chosen.OPTIONS.get("user"), options, self.say)
        port.net = port.network(facts, chosen.NETWORK, **chosen.OPTIONS.get("network", {}))
        self._feed()
        app = _application()
        self._feed()
        if self.small:
            tidy()
        self.hardware.self_tests = tuple(self.hardware.self_tests) + tuple(getattr(app, "self_tests", ()))
        self.agent = Agent(self.hardware, port, make_identity(facts, verify), options)
        boot = self.hardware.boot
        kind = "trial" if self.on_trial else "confirmed"
        self.say("boot", 1, "bank", boot.running(), kind, "version", port.version, CAUSES[port.cause])
        self._narrator = _narrator(self.agent, self.say)
        self._feed()
        self.agent.start()
        self._feed()
        self._app = app.start(self) if hasattr(app, "start") else None
        if self._narrator:
            self._narrator.begin()
        gc.collect()


def _factory_facts(hardware, small):
    from agent import factory
    from agent.compat import unload

    facts = factory.read(hardware.factory)
    if facts is None:
        raise AgentError("this board was never provisioned: use `fumo provision`")
    if small:
        unload(("factory",))
    return facts


def _make_user(mood, options, say):
    """Return who is asked what a server wants to be asked."""
    if mood is None:
        return options.ui
    from agent.console_user import User

    return User({"yes": True, "no": False}.get(mood), say)


def _narrator(agent, say):
    try:
        from agent.narrator import Narrator

        return Narrator(agent, say)
    except ImportError:
        return None  # this firmware was built without


def _application():
    """Return the module `app` of the image, None where it has none; what that imports must be there."""
    try:
        import app

        return app
    except ImportError as e:
        if "'app'" not in str(e):
            raise
        return None
