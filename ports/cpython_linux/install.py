"""`python3 -m ports.cpython_linux.install PACKAGE`: puts an update package from a file into the spare bank of this board.

It does what the agent does with a package from a server, no check less: manifest, signature, blocks, read-back, digest,
header; a cut costs nothing but time, the same command goes on. The board runs on as it is. With --try the next start is the
trial of what was installed, as with any update. The agent's service must not run meanwhile: both write the journal.
"""

import os
import sys

from agent import installer
from agent.errors import AgentError, FlashError, LinkError, PackageError
from agent.factory import read as read_facts
from agent.journal import Journal
from agent.local import is_void
from agent.p256 import verify  # two signatures: quicker than the import of a library that checks them quicker
from agent.record import Record
from agent.verify import read_manifest

LOCK = "/run/fumo-agent/lock"
_USAGE = """usage: fumo-agent install [--board NAME] [--etc FOLDER] [--try] PACKAGE

Install an update package (.fup) into the spare bank of this board, verified as the agent does it.

  --board NAME   a name in board/, or the path of a .py file; otherwise as /etc/fumo-agent says
  --etc FOLDER   where the settings are, otherwise /etc/fumo-agent
  --try          let the next start try it; without, it is only held
"""


class Locked(AgentError):
    """Somebody else works on this board's banks."""


class Trust:
    """What a device is and trusts, of what provisioning gave it: what installing needs of agent.identity."""

    def __init__(self, facts):
        self.product, self.model, self.verify = facts["product"], facts["model"], verify
        self.anchors = tuple((name, bytes.fromhex(key)) for name, key in facts["anchors"])


class PackageFile:
    """The stream of a package in a file."""

    def __init__(self, path):
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        except OSError as e:
            raise AgentError("cannot read %s: %s" % (path, e.strerror)) from e
        self._path = path

    def read_into(self, into):
        """Fill as much of `into` as there is; 0 at the end."""
        try:
            return os.readv(self._fd, [into])
        except OSError as e:
            raise AgentError("cannot read %s: %s" % (self._path, e.strerror)) from e

    def seek(self, offset):
        """Go on at `offset`."""
        os.lseek(self._fd, offset, os.SEEK_SET)

    def close(self):
        """Let go of the file."""
        os.close(self._fd)


class Install:
    """One installation on a board; `trust` has product, model, anchors and verify."""

    def __init__(self, hardware, trust, feed=lambda: None):
        boot = hardware.boot
        self._hardware, self._trust, self._feed = hardware, trust, feed
        self._record = record = Record(Journal(hardware.journal))
        if is_void(boot):
            raise PackageError("no bank is confirmed: install by serial recovery")
        if not record.open or boot.running() != boot.confirmed():
            raise PackageError("an update is under way: let it end first")
        self.bank = 1 - boot.confirmed()
        running = read_manifest(hardware.banks[boot.confirmed()], trust)
        self._installer = installer.Installer(hardware.banks[self.bank], trust, record.demands(running), record)
        self._installer.accepted, self._accepted = self._accept, False
        self._installer.start(hardware.erase_units, hardware.layout, hardware.banks[boot.confirmed()].image)
        if record.progress.erase_end:  # a cut ended the last one while something was being overwritten
            record.package.dirty_from = min(record.package.dirty_from, record.progress.image_at)

    @property
    def manifest(self):
        """Return the package's manifest once it was read."""
        return self._installer.manifest

    def run(self, stream):
        """Install; return False where the running bank is that image already."""
        told = installer.MORE
        try:
            while told not in (installer.DONE, installer.SAME):
                self._feed()
                told = self._installer.step(stream)
                if told == installer.SEEK:
                    stream.seek(self._installer.offset)
        except LinkError as e:
            raise PackageError("the file ends before its package does: copy it again") from e
        except PackageError:
            self._forget()
            raise
        if told == installer.SAME:
            return False
        self._record.hold(self.bank, self.manifest.sha256)
        return True

    def arm(self):
        """Let the next start be the trial of what was installed."""
        from agent.local import order_trial

        order_trial(self._record, self.bank, self.manifest.sha256)
        self._hardware.boot.set_trial(self.bank, self._record.job.attempt())
        self._record.planned_reset()

    def _accept(self):
        self._hardware.check_flash()
        record = self._record
        if record.progress.image != self.manifest.sha256[:8]:
            record.begin_push()
        self._accepted = True

    def _forget(self):
        """The package itself is wrong: nothing of what it brought is gone on with."""
        if self._accepted:
            self._record.package.dirty_from = 0
            self._record.begin_push()


def hardware_of(board, etc):
    """Return the Hardware of this board, without its watchdog: that is the service's."""
    from ports.cpython_linux import settings
    from ports.cpython_linux.clock import Clock
    from ports.cpython_linux.port import LinuxPort, log_to_stderr

    module = settings.load_board(board or settings.read(etc or settings.ETC).board)
    hardware = module.build(LinuxPort(Clock(), _Unwatched(), log_to_stderr))
    if hasattr(hardware.boot, "run"):  # our own first stage says what runs to the agent only
        hardware.boot.run(hardware.boot.confirmed())
    return hardware


class _Unwatched:
    """Nobody resets the board while the service does not run."""

    timeout_ms = 60000

    def feed(self):
        """There is nothing to be fed."""


def lock(path=LOCK):
    """Take the lock that the service holds while it runs; the file goes with the process."""
    import fcntl

    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        fd = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666
        )  # root installs, the service may be another user
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Locked("the agent runs: systemctl stop fumo-agent, install, and start it again") from None
    except OSError as e:
        raise AgentError("cannot make %s: %s" % (path, e.strerror)) from e
    return fd


def install(package, board=None, etc=None, trial=False):
    """Install a file on this board; return the line that says what has become of it."""
    hardware = hardware_of(board, etc)
    facts = read_facts(hardware.factory) if hardware.factory else None
    if not facts:
        raise FlashError("this board was never provisioned: `fumo provision` says for whom packages are")
    work, stream = Install(hardware, Trust(facts)), PackageFile(package)
    try:
        changed = work.run(stream)
    finally:
        stream.close()
    version = work.manifest.version
    if not changed:
        return "%s runs already" % version
    if trial:
        work.arm()
    return "bank %d holds %s, verified%s" % (work.bank, version, ": restart the board to try it" if trial else "")


def main(words=None, path=LOCK):
    """Do what the words say; return the exit code."""
    words, options = list(sys.argv[1:] if words is None else words), {}
    files = []
    while words:
        word = words.pop(0)
        if word in ("-h", "--help"):
            print(_USAGE, end="")
            return 0
        if word in ("--board", "--etc") and words:
            options[word[2:]] = words.pop(0)
        elif word == "--try":
            options["trial"] = True
        elif word[:1] == "-":
            files = []
            break
        else:
            files.append(word)
    if len(files) != 1:
        print(_USAGE, end="", file=sys.stderr)
        return 2
    held = -1
    try:
        held = lock(path)
        print(install(files[0], **options))
    except AgentError as e:
        print("fumo-agent: %s" % e, file=sys.stderr)
        return 1
    finally:
        if held >= 0:
            os.close(held)
    return 0


if __name__ == "__main__":
    sys.exit(main())
