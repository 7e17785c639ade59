"""The wiring of `make mem`'s update, as first stage and board do it: once, and then it is gone."""

import json
import sys


def choose_bank(boot):
    """Return the bank to run, as the first stage does."""
    from hal.boot_record import ARMED

    boot.remember(-1)
    bank = boot.confirmed()
    if boot.state == ARMED:
        bank = boot.trial
        boot.begin_trial()
    boot.run(bank)
    return bank


def wire(path, facts, cause, tls):
    """Return the bag, the port and the identity."""
    from flash import Flash
    from update_parts import Port, nothing, verify

    from agent.identity import make_identity
    from hal.boot_record import BootRecord
    from hal.hardware import Bank, Hardware
    from hal.region import carve, layout_hash
    from ports.micropython.net import Network

    flash = Flash(path, facts["size"])
    layout = [tuple(row) for row in facts["layout"]]
    regions = carve(flash, layout)
    boot = BootRecord(regions["boot"])
    bank = choose_bank(boot)
    net = Network(ca=open(sys.argv[2] + ".der", "rb").read()) if tls else Network()
    port = Port(cause, "%d.0" % (bank + 1), net)
    banks = tuple([Bank(regions["bank%d" % i], regions["header%d" % i]) for i in (0, 1)])
    name = layout_hash(layout)
    bag = Hardware(name, regions["journal"], banks, boot, port, port, flash.erase_units, nothing)
    bag.settings = regions["settings"]
    return bag, port, make_identity(facts, verify)


def forget():
    """Drop this module, whatever it is called in a bundle."""
    package, _, name = __name__.rpartition(".")
    del sys.modules[__name__]
    if package:
        delattr(sys.modules[package], name)


def wire_agent(small):
    """Read the provisioning, return the agent, and be forgotten."""
    forget()
    with open(sys.argv[2]) as f:
        facts = json.load(f)
    hardware, port, identity = wire(sys.argv[1], facts, int(sys.argv[4]), "tls" in sys.argv)
    from agent.agent import Agent
    from agent.options import Options

    fast = {"trial_min_ms": 500, "needs_server": False, "poll_interval_ms": 86400000}
    return Agent(hardware, port, identity, Options(notify_port=int(sys.argv[3]), small=small, **fast))
