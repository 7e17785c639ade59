"""How fast 64 MiB get into a bank that is a file, and what that takes: against bare Python, RAUC and SWUpdate.

Ours: a signed package with random bytes, encoding none, in a file that the kernel has in memory; signature, every block's
CRC, progress notes, each stretch synced and read back from the disk, SHA-256 of what was read back, header, journal synced.
Bare: read, SHA-256, write and fsync of the same file. Each run begins with a slot of zeros that is synced and out of memory.
"""

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ports.cpython_linux.install import Install, PackageFile
from tests.bench import linux_board
from tests.bench.linux_files import MIB, Board, close, fill
from tests.bench.linux_peers import Missing, Rauc, Swupdate

ROOT = Path(__file__).resolve().parents[2]
SIZE = 64 * MIB
_ROUNDS, _PEER_ROUNDS = 15, 11  # each a pair, one right behind the other; the median of their ratios counts
_PEAK = """import sys
from ports.cpython_linux.install import main
code = main(sys.argv[2:], sys.argv[1])
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
sys.exit(code)
"""


def measure():
    """Return the figures."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("FUMO_BENCH_FOLDER")) as folder:
        image = os.urandom(SIZE)
        board = Board(Path(folder, "board"), SIZE)
        package = board.write("new.fup", image)
        figures = _in_process(board, package, image)
        figures["linux_agent_peak_mib"] = _peak(board, package)
        figures.update(_peers(Path(folder), board, package, image))
        return figures


def _in_process(board, package, image):
    ours, bare = [], []
    for number in range(_ROUNDS):
        for turn in (number, number + 1):  # now the one first, now the other
            _blank(board)
            if turn % 2:
                ours.append(_install(board, package))
            else:
                bare.append(_bare(package, board.folder / "bank1.img"))
            if turn % 2 and board.bank(1) != image:
                raise RuntimeError("the bank does not hold the image")
    return {
        "linux_install_64mib_s": round(statistics.median(ours), 3),
        "linux_bare_64mib_s": round(statistics.median(bare), 3),
        "linux_install_64mib_ratio": round(statistics.median(a / b for a, b in zip(ours, bare, strict=True)), 2),
    }


def _blank(board):
    """Begin with a slot and with records of nothing."""
    zero(board.folder / "bank1.img", SIZE)
    fill(board.folder / "state.img", linux_board.STATE_SIZE, b"\xff")
    board.provision()


def zero(path, size):
    """Fill a slot with zeros, sync it, and let the kernel forget it."""
    fill(path, size, b"\0")
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def _install(board, package):
    hardware = board.hardware()
    begun = time.perf_counter()
    stream = PackageFile(package)
    Install(hardware, board.trust).run(stream)
    seconds = time.perf_counter() - begun
    stream.close()
    close(hardware)
    return seconds


def _bare(package, slot):
    buffer, digest = bytearray(MIB), hashlib.sha256()
    view, begun = memoryview(buffer), time.perf_counter()
    source, target = os.open(package, os.O_RDONLY), os.open(slot, os.O_RDWR)
    while count := os.readv(source, [buffer]):
        digest.update(view[:count])
        os.write(target, view[:count])
    os.fsync(target)
    seconds = time.perf_counter() - begun
    os.close(source)
    os.close(target)
    return seconds


def _peak(board, package):
    """Return the MiB of memory that the process has needed at most."""
    _blank(board)
    words = [
        sys.executable,
        "-c",
        _PEAK,
        str(board.folder / "lock"),
        "--board",
        str(board.folder / "board.py"),
        package,
    ]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=_env(board), timeout=60)
    return round(int(done.stdout.split()[-1]) / 1024, 1)


def _command(board, package):
    """Return the seconds of the whole process, from its start to its end."""
    # Without site: it would look for what developers have installed (12 ms), which a board has not.
    words = [sys.executable, "-S", "-m", "ports.cpython_linux.install", "--board", board.folder / "board.py", package]
    begun = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True, env=_env(board), timeout=60)
    return time.perf_counter() - begun


def _env(board):
    """Let Python keep what it has compiled, as a package that was installed does."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(board.folder / "compiled")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env


def _peers(folder, board, package, image):
    figures = {}
    for name, kind in (("rauc", Rauc), ("swupdate", Swupdate)):
        try:
            figures.update(_against(name, kind(folder / name, image), board, package, image))
        except Missing as e:
            print("bench: linux_install_vs_%s is left out: %s" % (name, e))
    return figures


def _against(name, peer, board, package, image):
    ours, theirs = [], []
    _blank(board)
    _command(board, package)  # once, so that all is compiled
    try:
        for number in range(_PEER_ROUNDS):
            for turn in (number, number + 1):
                if turn % 2:
                    _blank(board)
                    ours.append(_command(board, package))
                    continue
                zero(peer.slot, SIZE)
                theirs.append(peer.install())
                if peer.slot.read_bytes() != image:
                    raise Missing("its slot does not hold the image")
    finally:
        peer.close()
    return {
        "linux_install_process_s_beside_" + name: round(statistics.median(ours), 3),
        "linux_%s_s" % name: round(statistics.median(theirs), 3),
        "linux_install_vs_" + name: round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 2),
    }


if __name__ == "__main__":
    for key, value in measure().items():
        print("%-42s %10s" % (key, value))
