"""A greenhouse: waters the plants now and then, and lets no update begin meanwhile. Runs on Linux and on MicroPython alike."""

EVERY_MS = 600000
WATERS_MS = 20000


class Greenhouse:
    """`service` is the firmware around it."""

    def __init__(self, service):
        self._service, self._clock = service, service.port.clock
        self._since, self._waters = self._clock.ms(), False
        self._others = service.hardware.may_write  # a board may have reasons of its own
        service.hardware.may_write = self.may_write
        if service.hardware.boot.fell_back():
            service.log("the firmware before runs again")

    def step(self):
        """Look whether the valve is to be moved; return the milliseconds until that is wanted again."""
        gone_ms = self._clock.since(self._since)
        if gone_ms >= (WATERS_MS if self._waters else EVERY_MS):
            self._since, self._waters = self._clock.ms(), not self._waters
            self._service.say("valve", "open" if self._waters else "closed")
            if not self._waters:
                self._service.agent.request_update()  # a good moment: the next one is far away
        return 500

    def may_write(self):
        """Say why no update may be written now, "" where it may."""
        return "the plants are being watered" if self._waters else self._others() if self._others else ""


def start(service):
    """Begin; the firmware calls `step` of what this returns."""
    service.say("greenhouse", "version", service.port.version)
    return Greenhouse(service)


def soil_is_read():
    """Tell whether the sensor gives something sensible: new firmware that cannot read it is not kept."""
    return 0 <= 42 <= 100


self_tests = [soil_is_read]
