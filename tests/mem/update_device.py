"""The device of `make mem`'s update: one boot of a whole agent on MicroPython, from precompiled modules, its flash a file.

Arguments: the flash file, the provisioning (JSON), the port for notifications, the version that runs, whether it is the first
boot after power came. Exit code 3 is a reset, 0 means that all is told. What a real board has in hardware costs no heap here.
"""

import gc
import json
import sys
import time

from net import Network  # the port's file, put beside this one

_SECTOR = 4096


class Clock:
    """Milliseconds of the machine."""

    def ms(self):
        return time.ticks_ms()

    def since(self, then):
        return time.ticks_diff(time.ticks_ms(), then)

    def sleep_ms(self, duration_ms):
        time.sleep_ms(duration_ms)

    def unix(self):
        return None


class Flash:
    """A chip whose cells are a file."""

    page = 256
    program_unit = 1
    blocking = True
    erase_units = ((4096, 1), (65536, 1))

    def __init__(self, path, size):
        self.size = size
        self._file = open(path, "r+b")
        self._blank = b"\xff" * 256

    def read(self, addr, into):
        self._file.seek(addr)
        self._file.readinto(into)

    def program(self, addr, data):
        self._file.seek(addr)
        self._file.write(data)

    def erase(self, addr, size):
        self._file.seek(addr)
        for _ in range(size // 256):
            self._file.write(self._blank)

    def busy(self):
        return False


class Port:
    """What a port gives to the agent."""

    def __init__(self, cause, version, net):
        self.clock, self.cause, self.version, self.net = Clock(), cause, version, net
        self.rebooting = False
        self._seed = time.ticks_us() & 0xFFFF

    def random(self, below):
        self._seed = (self._seed * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._seed >> 8) % below

    def random_bytes(self, size):
        return bytes([self.random(256) for _ in range(size)])

    def reboot(self):
        self.rebooting = True

    def log(self, text, *arguments):
        print(text % arguments if arguments else text, file=sys.stderr)


class Scratch:
    remembers = False

    def get(self):
        return 0

    def set(self, value):
        pass


class Dog:
    timeout_ms = 8000

    def feed(self):
        pass


def verify(key, digest, signature):
    from agent.p256 import verify as check

    return check(key, digest, signature)


def wire(facts):
    """Do what first stage and board do: choose the bank, fill the bag."""
    from agent.identity import Identity
    from hal.boot_record import ARMED, BootRecord
    from hal.hardware import Bank, Hardware
    from hal.region import carve, layout_hash

    flash = Flash(sys.argv[1], facts["size"])
    layout = [tuple(row) for row in facts["layout"]]
    regions = carve(flash, layout)
    boot = BootRecord(regions["boot"])
    boot.remember(-1)
    bank = boot.confirmed()
    if boot.state == ARMED:
        bank = boot.trial
        boot.begin_trial()
    boot.run(bank)
    banks = tuple([Bank(regions["bank%d" % i], regions["header%d" % i]) for i in (0, 1)])
    hardware = Hardware(
        layout_hash(layout), regions["journal"], banks, boot, Dog(), Scratch(), flash.erase_units, lambda: None
    )
    hardware.settings = regions["settings"]
    return hardware, Identity(facts, verify), bank


def main():
    """Run one boot."""
    gc.threshold(1024)
    with open(sys.argv[2]) as f:
        facts = json.load(f)
    hardware, identity, bank = wire(facts)
    del facts["accounts"]
    from agent.agent import Agent
    from agent.options import Options

    tls = "tls" in sys.argv
    net = Network(ca=open(sys.argv[2] + ".der", "rb").read()) if tls else Network()
    port = Port(int(sys.argv[4]), "%d.0" % (bank + 1), net)
    options = Options(
        notify_port=int(sys.argv[3]), trial_min_ms=500, needs_server=False, small="whole" not in sys.argv, poll_interval_ms=86400000
    )
    agent = Agent(hardware, port, identity, options)
    agent.start()
    del facts
    began = bank
    while not port.rebooting:
        if began and agent.record.idle and not agent._meetings.active:
            print("done", gc.mem_alloc(), file=sys.stderr)
            sys.exit(0)
        time.sleep_ms(min(agent.step(), 20))
    sys.exit(3)


main()
