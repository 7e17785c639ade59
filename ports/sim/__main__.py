"""`python3 -m ports.sim` and `micropython -m ports.sim`: a simulated device on real sockets, its flash a file.

docs/simulator.md describes the options, the lines that it prints, the commands that it takes and the exit codes.
"""

import json
import sys

from agent import factory
from agent.console_user import User
from agent.errors import AgentError
from agent.identity import make_identity
from agent.options import Options
from board.sim_nor import make_layout
from hal.boot_record import BootRecord
from hal.region import carve
from ports.sim import flash_file, process, real_net
from ports.sim.console import Console
from ports.sim.host import Busy, Output, lock, read
from ports.sim.real_clock import RealClock
from ports.sim.serial import SerialLine
from ports.sim.settings import Settings, UsageError, usage
from ports.sim.watcher import EFFECTS, Watcher

_USAGE = 2
_FAILED = 1
_BUSY = 4
_INTERRUPTED = 130


def verifier():
    """Return the interpreter's way to check a signature."""
    if sys.implementation.name == "micropython":
        from agent.p256 import verify
    else:
        from ports.cpython_linux.signature import verify
    return verify


def read_facts(settings, region):
    """Return the provisioning, from its file or the factory region, with what the options change in its first account."""
    name = settings.provision or "what is in the factory region of the flash"
    facts = _facts_of_file(name) if settings.provision else factory.read(region)
    if facts is None:
        raise UsageError("the device was never provisioned: use `fumo provision`, or give --provision FILE")
    if not isinstance(facts, dict) or not facts.get("accounts", ()) and (settings.server or settings.account):
        raise UsageError("%s is no provisioning, or has no account to change" % name)
    changes = settings.account_changes
    if settings.server:
        changes += (("url", settings.server),)
    for key, value in changes:
        facts["accounts"][0][key] = value
    return facts


def _facts_of_file(path):
    try:
        return json.loads(read(path))
    except ValueError:
        raise UsageError("%s is no JSON" % path)


def read_identity(facts):
    """Return what the facts say, or say what the provisioning lacks."""
    try:
        return make_identity(facts, verifier())
    except (KeyError, ValueError, TypeError, AttributeError) as e:
        raise UsageError("the provisioning is wrong: %r" % e)


def make_options(settings, user, port):
    """Return the board's constants."""
    return Options(
        name="sim_nor",
        root=settings.root,
        notify_port=port,
        poll_interval_ms=settings.poll_s * 1000,
        trial_min_ms=settings.trial_s * 1000,
        trial_max_ms=max(settings.trial_max_s, settings.trial_s + 1) * 1000,
        needs_server=settings.needs_server,
        time_server=settings.time,
        wbxml=not settings.xml,
        insecure=settings.insecure,
        small=settings.small,
        ui=user,
    )


def make_device(settings, output, clock):
    """Wire everything; return (device, watcher)."""
    line = SerialLine(settings.serial) if settings.serial else None
    console = Console()
    user = User(None if settings.user == "ask" else settings.user == "yes", output.say)
    watcher = Watcher(settings, console, user, output.say, output.explain)
    if line:
        watcher.attach(line, output)
    clock.idle = watcher.wait
    flash = flash_file.FileNor(settings.flash, clock, settings.speed)
    lock(flash, settings.flash)
    layout = make_layout(flash.size, flash_file.bank_size(flash.size))
    facts = read_facts(settings, carve(flash, layout)["factory"])
    inner = _network(settings, facts)
    device = process.ProcessDevice(
        flash, clock, layout, read_identity(facts), real_net.RealNet(inner, watcher.wait), None, watcher,
        watchdog_ms=settings.watchdog_ms, causes_readable=not settings.reset_cause_unreadable,
    )  # fmt: skip
    wanted = settings.notify_port
    port = real_net.check_port(inner, wanted) if wanted else real_net.free_port(inner, device.random)
    device.options, device.recovery_ms = make_options(settings, user, port), settings.recovery_s * 1000
    watcher.device, device.uart, device.button = device, line, settings.recovery_button
    return device, watcher


def _network(settings, facts):
    client = (settings.client_cert, settings.client_key) if settings.client_cert else None
    ca = settings.ca or _provisioned_ca(facts)
    return real_net.make_network(ca, client, settings.name_server or None, settings.hosts)


def _provisioned_ca(facts):
    return facts["ca_pem"].encode() if facts.get("ca_pem") else None


def make_flash(settings):
    """Make the flash file that --new asks for."""
    image, package = read(settings.new), read(settings.package)
    size = settings.chip_kib * 1024
    layout = make_layout(size, flash_file.bank_size(size))
    process.make_flash(settings.flash, size, layout, image, package, RealClock(), _confirm)


def _confirm(region):
    BootRecord(region).confirm()


def listen_for_cuts(watcher):
    """Let SIGUSR1 cut the power inside the next flash operation, where the interpreter has signals."""
    try:
        import signal
    except ImportError:
        return
    effects = [effect for effect in EFFECTS if effect != "reset"]

    def cut(number, frame):
        watcher.cut_next(effects[watcher.device.random(len(effects))])

    signal.signal(signal.SIGUSR1, cut)


def start(words):
    """Do what the options say; return the exit code."""
    settings = Settings(words)
    if settings.help:
        print(usage())
        return 0
    if settings.new:
        make_flash(settings)
        return 0
    clock = RealClock(not settings.no_clock)
    device, watcher = make_device(settings, Output(settings, clock), clock)
    listen_for_cuts(watcher)
    if settings.cut:
        device.flash.faults.plan(settings.cut[0], settings.cut[1], device.random(0x7FFFFFFF) + 1)
    return process.run(device, watcher, settings.boots)


def main():
    """Run; what the user can mend is one line and an exit code."""
    try:
        return start(sys.argv[1:])
    except UsageError as e:
        text, code = str(e), _USAGE
    except Busy as e:
        text, code = str(e), _BUSY
    except (AgentError, OSError) as e:
        text, code = str(e), _FAILED
    except KeyboardInterrupt:
        text, code = "interrupted", _INTERRUPTED
    sys.stderr.write("ports.sim: %s\n" % text)
    return code


if __name__ == "__main__":
    sys.exit(main())
