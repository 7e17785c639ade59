"""Makes the folder of a fake board, and runs programs on it: the unix MicroPython with tests/mcu/fake on its path."""

import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAKE = ROOT / "tests" / "mcu" / "fake"
RESET, WATCHDOG = -10, -12  # what ends a process: fake_state.py
SIZE = 16 << 20


def make_board(folder, part="W25Q128", **settings):
    """Write what the board is, and a blank chip where there is none yet; `part` None for a board without."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = facts_of(part) if part else None
    (folder / "settings.json").write_text(json.dumps({"part": facts, **settings}))
    flash = folder / settings.get("flash", "flash.bin")
    if facts and not flash.exists():
        flash.write_bytes(b"\xff" * facts[2])
    return folder


def facts_of(name):
    """Return what the fake chip has to know of a part."""
    from tests.portable.chips import part

    found = part(name)
    erases = {str(opcode): list(unit) for opcode, unit in found.erases.items()}
    jedec, sfdp = found.jedec_id.hex(), bytes(found.sfdp).hex()
    return [name, jedec, found.size, erases, list(found.page_us), list(found.byte_us), sfdp]


def environ(folder, path=()):
    """Return what a process needs: the fake first, then `path`, then the project."""
    places = [str(FAKE), *(str(each) for each in path), str(ROOT)]
    return {**os.environ, "FAKE_MACHINE": str(folder), "MICROPYPATH": ":".join(places), "PYTHONPATH": ":".join(places)}


def find_micropython():
    """Return the interpreter's path, None where it is not installed."""
    beside = pathlib.Path(sys.executable).parent / "micropython"
    return str(beside) if beside.exists() else None


def run(folder, program, heap="2m", timeout_s=30, path=()):
    """Run a program, its text, as one boot; return the finished process. Its output has stdout and stderr."""
    command = [find_micropython(), "-X", "heapsize=" + heap, "-c", "import machine\n" + program]
    return subprocess.run(
        command, env=environ(folder, path), cwd=folder, timeout=timeout_s, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


class Outside:
    """The watchdog for a program that neither sleeps nor touches hardware: it counts the processor time of the process, so
    that a machine with much else to do bites nobody.
    """

    def __init__(self, process, folder):
        self._process, self._folder = process, folder
        self._seen, self._fed_s, self._most_s = None, 0.0, 0.0

    def wait(self, timeout_s):
        """Return the exit code of the boot; TimeoutError where it takes longer than that."""
        end = time.monotonic() + timeout_s
        while self._process.poll() is None:
            if time.monotonic() > end:
                self._process.kill()
                raise TimeoutError("the boot did not end in %d s" % timeout_s)
            self._look()
            time.sleep(0.02)
        return self._process.returncode

    def _look(self):
        spent_s = _processor_s(self._process.pid)
        try:
            text = (self._folder / "watchdog").read_text()
        except FileNotFoundError:
            return
        if text != self._seen:
            self._seen, self._fed_s, self._most_s = text, spent_s, int(text.split()[0]) / 1000
        elif spent_s - self._fed_s > self._most_s:
            (self._folder / "reset").write_text("watchdog")
            self._process.kill()
            self._process.wait()


def _processor_s(pid):
    try:
        fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(folder, program, heap="2m", path=(), **pipes):
    """Begin a boot; return the process."""
    (folder / "watchdog").unlink(missing_ok=True)
    command = [find_micropython(), "-X", "heapsize=" + heap, "-c", "import machine\n" + program]
    return subprocess.Popen(command, env=environ(folder, path), cwd=folder, **pipes)
