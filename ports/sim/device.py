"""The simulated device from power-on to the end of a boot: first stage, hand-over, agent, in virtual time.

Everything made in `boot` is gone when it returns; what survives is the chip, the clock, the reset cause and the scratch byte.
"""

from agent import reset
from agent.bank_header import HeaderWriter
from agent.errors import AgentError
from agent.journal import Journal
from agent.package import HEAD_SIZE
from agent.record import Record
from agent.serial_install import SerialInstall
from agent.update import Update
from agent.verify import check_bank
from board import sim_nor
from hal import first_stage, recovery
from hal.region import carve
from ports.sim.firmware import CRASH, CRASH_CONFIRMED, HANG, UNFIT, Firmware
from ports.sim.power import PowerCut, Reset
from ports.sim.watchdog import Scratch, Watchdog

HEALTHY_MS = 60000
RECOVERY_MS = 600000

# How a boot ended
IDLE = "idle"
CUT = "cut"
RESET = "reset"
RECOVERY = "recovery"


def install_firmware(flash, layout, bank, package, image):
    """Put a firmware into a bank as a factory does, with the manifest of its package."""
    regions = carve(flash, layout)
    image_name, header_name = sim_nor.BANK_NAMES[bank]
    flash.load(regions[image_name].start, image)
    size = int.from_bytes(package[4:8], "little")
    writer = HeaderWriter(regions[header_name], package[HEAD_SIZE : HEAD_SIZE + size])
    while not writer.step():
        pass
    return regions


class Device:
    """A board with one chip; `server` gives orders, serves packages and takes results."""

    stage_version = "stage"
    uart = None  # the serial line that recovery speaks SMP on
    button = False  # held at power-on, for serial recovery

    def __init__(
        self, flash, clock, layout, identity, server, watchdog_ms=8388, trial_policy=None, causes_readable=True
    ):
        self.flash = flash
        self.clock = clock
        self.layout = layout
        self.identity = identity
        self.server = server
        self._watchdog_ms = watchdog_ms
        self.trial_policy = trial_policy or {"server_reached": None}
        self._causes_readable = causes_readable
        self.scratch = Scratch()
        self.cause = reset.POWER
        self.reset_to_come = reset.POWER
        self.boots = 0
        self.longest_gap_ms = 0
        self.where = "boot"
        self.update = None
        self._seed = 1

    # -- the Port of this boot ----------------------------------------------------------------------------------------

    def power_flash(self, feed):
        """Connect the chip; it has kept its power unless power was what failed."""
        self.flash.power_on(feed, self.reset_to_come == reset.POWER)

    def random(self, below):
        """Return a number below `below`."""
        self._seed = (self._seed * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._seed >> 8) % below

    def log(self, text, *arguments):
        """Say something."""
        self.server.log(text % arguments if arguments else text)

    def reboot(self):
        """Reset on purpose."""
        raise Reset(reset.COMMANDED)

    @property
    def enter_recovery(self):
        """Return what resets into serial recovery, None where there is no serial line."""
        return self._enter_recovery if self.uart else None

    def _enter_recovery(self):
        first_stage.ask_for_recovery(self.scratch)
        raise Reset(reset.COMMANDED)

    # -- boots --------------------------------------------------------------------------------------------------------

    def boot(self):
        """Run one boot to its end; return how it ended."""
        self.boots += 1
        return self._guard(self._run)

    def _guard(self, action):
        """Do something on the board; return what it returns, or how the boot ended there."""
        try:
            end = action()
        except PowerCut:
            end, self.reset_to_come = CUT, reset.POWER
        except Reset as e:
            end, self.reset_to_come = RESET, e.cause
        except AgentError as e:  # the main program's last handler: say it, then reset
            self.server.log("error: %s" % e)
            end, self.reset_to_come = RESET, reset.WATCHDOG
        self.longest_gap_ms = max(self.longest_gap_ms, self.watchdog.longest_ms)
        if end == CUT:
            self.scratch = Scratch()
        return end

    def _run(self):
        self.where, self.update = "boot", None
        self.cause = self.reset_to_come if self._causes_readable else reset.UNKNOWN
        self.watchdog = Watchdog(self.clock, self._watchdog_ms)
        self.hardware = hardware = sim_nor.build(self, self.layout)
        self.server.powered(self)
        bank = first_stage.choose(hardware.boot, self.cause, self.scratch, self._check, self.button)
        if bank < 0:
            return self._recover(RECOVERY_MS)
        firmware = Firmware(hardware.banks[bank].image)
        self.modules = firmware.import_into({}, self.stage_version, first_stage.clear_modules)
        self.version = self.modules["agent.version"]
        self._misbehave(firmware, bank)
        return self._run_agent(firmware)

    def _recover(self, duration_ms):
        """Offer serial recovery, then begin again."""
        self.button = False
        if self.uart:
            self._speak_smp(duration_ms)
        else:
            self.clock.sleep_ms(duration_ms)
        self.reset_to_come = reset.COMMANDED
        return RECOVERY

    def _speak_smp(self, duration_ms):
        target = SerialInstall(self.hardware, Journal(self.hardware.journal), self.identity, self.watchdog.feed)
        target.told = self._uploaded
        if not target.start(self.cause):
            reason = recovery.run(self.uart, self.clock, self.watchdog.feed, target, duration_ms)
            target.leave()
            self._recovered(reason == recovery.RESET)

    def _uploaded(self, received, size):
        """An upload is that far."""

    def _recovered(self, asked):
        """Recovery has ended, because somebody asked for a reset or nobody said anything."""

    def _check(self, bank):
        return check_bank(self.hardware.banks[bank], self.identity, self.watchdog.feed) is not None

    def _misbehave(self, firmware, bank):
        trial = bank != self.hardware.boot.confirmed()
        self.where = "trial" if trial else "agent"
        if firmware.behaviour == CRASH or (firmware.behaviour == CRASH_CONFIRMED and not trial):
            raise Reset(reset.WATCHDOG)
        if firmware.behaviour == HANG:
            self.watchdog.starve()
        if firmware.behaviour == UNFIT:
            self.hardware.self_tests = (_never,)

    def _run_agent(self, firmware):
        self.journal = Journal(self.hardware.journal)
        record = Record(self.journal)
        self.update = update = Update(
            self.hardware, record, self.identity, self, self.server, self.server.deliver, self.trial_policy
        )
        self.server.mounted(self)
        update.resume()
        started_ms, healthy = self.clock.ms(), False
        while not self.server.satisfied(update):
            self._sleep(update.step())
            if not healthy and self.clock.since(started_ms) > HEALTHY_MS:
                healthy = True
                self.scratch.set(0)
        return IDLE

    def _sleep(self, wait_ms):
        self.watchdog.feed()
        while wait_ms > 0:
            nap_ms = min(wait_ms, self._watchdog_ms // 4)
            self.clock.sleep_ms(nap_ms)
            self.watchdog.feed()
            wait_ms -= nap_ms


def _never():
    return False
