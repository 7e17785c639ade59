"""`fumo-agent check`: are settings and board file right, and is there what they name? Nothing is written.

While the agent runs its devices are its own: then only their places are looked at. Otherwise the board is built, as the first stage
does it, and who it is is read.
"""

import os
import sys

from agent import factory
from agent.errors import AgentError
from ports.cpython_linux import access, settings, system
from ports.cpython_linux.first_stage import LOCK, WRONG
from ports.cpython_linux.install import Locked, lock
from ports.cpython_linux.watchdog import PATH

_LINES = ("LED", "BUTTON", "WRITE_PROTECT", "HOLD", "TARGET_RESET", "CONFIRMED_LINE")
_PARTS = ("EEPROM", "TEMPERATURE", "SUPERVISOR", "FRAM")
_DO = {
    "SPI": "switch SPI on: dtparam=spi=on in a Raspberry Pi's config.txt",
    "UART": "switch the serial port on: enable_uart=1 in a Raspberry Pi's config.txt",
    "WATCHDOG": "load its driver: dtparam=watchdog=on on a Raspberry Pi; or let systemd watch, with WatchdogSec=",
    "DISK": "see lsblk: make the partitions as docs/boards has them, or name another disk",
    "SELECT": "mount the first partition on it",
}
_DO.update(dict.fromkeys(_PARTS, "switch I2C on: dtparam=i2c_arm=on in a Raspberry Pi's config.txt, modprobe i2c-dev"))
_DO.update(dict.fromkeys(_LINES, "load the driver of its chip: gpiodetect lists them"))


def main(etc, run=None, root="/"):
    """Print a line for each thing that was looked at; return the exit code, that of `fumo-agent run` where no board is chosen."""
    try:
        found = settings.read(etc)
        board = found.load_board()
    except AgentError as e:
        print("fumo-agent: %s" % e, file=sys.stderr)
        return WRONG if isinstance(e, settings.NoBoard) else 1
    options = found.options(board)
    print("board %s, name %s, watchdog %d ms" % (found.board, options.name, board.WATCHDOG_MS))
    wrong, service = 0, access.service_user() if os.geteuid() == 0 else None
    for name, place in _places(board, found):
        text = _look(os.path.join(root, place.lstrip("/")), name, service)
        print("%s %s: %s" % (name, place, text or "there"))
        wrong += bool(text)
    if not wrong:
        text, wrong = _ask(board, found, run or system.run_folder())
        print(text)
    return 1 if wrong else 0


def _places(board, found):
    """Yield (constant of the board file, path of the device that it means)."""
    yield "WATCHDOG", found.watchdog or PATH
    for name in ("SPI", "UART", "SELECT"):
        if getattr(board, name, None):
            yield name, getattr(board, name)
    for number in (*sum(board.BANKS, ()), board.STATE) if hasattr(board, "DISK") else ():
        yield "DISK", board.DISK + str(number)
    for name in _PARTS:
        if getattr(board, name, None):
            yield name, "/dev/i2c-%d" % getattr(board, name)[0]
    for name in _LINES:
        line = getattr(board, name, None)
        if line is not None:
            yield name, "/dev/" + (line.partition(":")[0] if isinstance(line, str) else "gpiochip0")


def _look(path, name, service):
    """Return what is wrong with a device, "" where nothing is. `service` is whom the service runs as, None: who asks."""
    if not os.path.exists(path):
        return "missing; " + _DO[name]
    if name == "SELECT" and not os.path.ismount(path):
        return "not mounted; " + _DO[name]
    if name == "SELECT" and os.statvfs(path).f_flag & os.ST_RDONLY:
        return "mounted read-only; mount it writeable: mount -o remount,rw, and dmesg says why it is not"
    if service:
        return _closed_to(service, os.stat(path), name)
    if not os.access(path, os.R_OK | os.W_OK):
        return "not for this user; run this as root, or join its group"
    return ""


def _closed_to(service, found, name):
    user, uid, groups = service
    if access.allows(found, uid, groups):
        return ""
    do = access.AS_ROOT if name in ("DISK", "SELECT") else access.remedy(found, user)
    return "not for %s, the user of the service; %s" % (user, do)


def _ask(board, found, run):
    """Build the board and read who it is; return (what is to be said, whether that is wrong)."""
    from ports.cpython_linux.install import hardware_of

    if getattr(board, "NATIVE", False):  # building it may make files, or take a bus from a chip that runs
        return "hardware: not asked; `fumo doctor` looks closer", False
    held = -1
    try:
        if os.path.isdir(run):
            held = lock(os.path.join(run, LOCK))
    except Locked:
        return "the agent runs: `fumo-agent status` tells how it is", False
    except AgentError as e:
        return "hardware: not asked; %s" % e, False
    try:
        facts = factory.read(hardware_of(found.board, found.etc).factory)
    except AgentError as e:
        return "hardware: %s" % e, True
    except Exception as e:  # whatever a board file of somebody's own does
        return "hardware: " + settings.blame("the board file fails", e), True
    finally:
        if held >= 0:
            os.close(held)
    if facts is None:
        return "hardware: answers; this board was never provisioned: use `fumo provision`", True
    return "hardware: answers; product %s, model %s" % (facts.get("product"), facts.get("model")), False
