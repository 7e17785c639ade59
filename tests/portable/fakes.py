"""A fake board within the test's own process, on both interpreters: `with Fake(port="esp32") as fake:`, and imports inside.

The port's files bind `machine`, `network` and `time` of that board; afterwards it is forgotten. What ends a boot raises Ended.
"""

import sys

FOLDER = "/".join(__file__.split("/")[:-2]) + "/mcu/fake"
_OURS = ("machine", "network", "esp32", "rp2", "calendar_days")
_PORTS = "ports.micropython."
_MICRO = sys.implementation.name == "micropython"


class Ended(BaseException):
    """The boot is over; `cause` is one of fake_state."""

    def __init__(self, cause):
        super().__init__(cause)
        self.cause = cause


def _end(cause):
    raise Ended(cause)


def _is_ours(name):
    return name in _OURS or name.startswith("fake_") or name.startswith(_PORTS)


class Fake:
    """`settings` as fake_state.py has them; `cause` why the board started; `kept` what an earlier one left of its memory."""

    def __init__(self, cause="power", kept=None, **settings):
        self._cause, self._settings, self._kept = cause, settings, kept

    def __enter__(self):
        self._before = {name: sys.modules[name] for name in list(sys.modules.keys()) if _is_ours(name)}
        self._forget()
        sys.path.append(FOLDER)
        if _MICRO:
            sys.modules.pop("time", None)
        import fake_state

        fake_state.settings.update(self._settings)
        fake_state.cause, fake_state.on_end = self._cause, _end
        if self._kept is not None:
            fake_state.memory = self._kept
        import fake_time
        import machine
        import network

        self.state, self.time, self.machine, self.network = fake_state, fake_time, machine, network
        self.kept = fake_state.memory
        self._time = sys.modules.get("time")
        sys.modules["time"] = fake_time
        return self

    def __exit__(self, kind, error, trace):
        self._forget()
        sys.path.remove(FOLDER)
        for name in self._before:
            sys.modules[name] = self._before[name]
            if name.startswith(_PORTS):
                setattr(sys.modules[_PORTS[:-1]], name[len(_PORTS) :], self._before[name])
        sys.modules.pop("time", None)
        if not _MICRO:
            sys.modules["time"] = self._time
        return False

    def _forget(self):
        for name in list(sys.modules.keys()):
            if _is_ours(name):
                del sys.modules[name]
                package = sys.modules.get(_PORTS[:-1])
                if name.startswith(_PORTS) and hasattr(package, name[len(_PORTS) :]):
                    delattr(package, name[len(_PORTS) :])

    def port(self, log=None, watchdog=None, platform="rp2"):
        """Return a MicroPort; what it logs is in `said`."""
        from ports.micropython.clock import Clock
        from ports.micropython.port import MicroPort

        self.said = []
        return MicroPort(Clock(), watchdog, log or self._log, platform=platform)

    def _log(self, text, *arguments):
        self.said.append(text % arguments if arguments else text)
