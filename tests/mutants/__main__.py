"""make mutants: plant each defect in a copy of the tree and see that the tests notice; writes build/mutants.json."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.agent_defects import DEFECTS as AGENT_DEFECTS
from tests.mutants.defects import DEFECTS as FLASH_DEFECTS
from tests.mutants.dm_defects import DEFECTS as DM_DEFECTS
from tests.mutants.linux_driver_defects import DEFECTS as LINUX_DRIVER_DEFECTS
from tests.mutants.linux_service_defects import DEFECTS as LINUX_SERVICE_DEFECTS
from tests.mutants.recovery_defects import DEFECTS as RECOVERY_DEFECTS
from tests.mutants.server_defects import DEFECTS as SERVER_DEFECTS

_ROOT = Path(__file__).parents[2]
_FOLDERS = ("agent", "hal", "board", "ports", "flash_tools", "tests")
_PORTABLE = ("test_journal", "test_boot_record", "test_region", "test_bank_writer", "test_nor_spi")
_SAMPLE = ("--sample", "--only", "flash", "--random", "100", "--processes", "1")
_LIMIT_S = 240
DEFECTS = tuple((name, edits, ()) for name, edits in FLASH_DEFECTS) + DM_DEFECTS + AGENT_DEFECTS + SERVER_DEFECTS
DEFECTS += LINUX_DRIVER_DEFECTS + LINUX_SERVICE_DEFECTS
DEFECTS += RECOVERY_DEFECTS
_NAMED_TESTS = tuple(sorted({name for _, _, tests in DEFECTS for name in tests}))
_WITH_CLEAN = (("", [], ()), ("", [], _NAMED_TESTS), *DEFECTS)  # the tree as it is must pass


def _copy(target):
    for folder in _FOLDERS:
        shutil.copytree(_ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))


def _plant(target, edits):
    for name, old, new in edits:
        path = target / name
        text = path.read_text()
        if old not in text:
            raise SystemExit("the defect for %s does not fit any more: %r" % (name, old))
        path.write_text(text.replace(old, new))


def _notices(target, arguments):
    """Tell whether the command fails; a run that does not end has noticed nothing by itself, but the limit has."""
    try:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=target, capture_output=True, timeout=_LIMIT_S, env={"PYTHONPATH": "."}
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def kills(edits, tests):
    """Return the name of the check that noticed the defect, an empty text if none did; none at all: the clean tree.

    `tests` are the session tests that must notice it; without them it is a defect of the flash side.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        _copy(target)
        _plant(target, edits)
        if tests:
            files = [name if "/" in name else "tests/host/test_%s.py" % name for name in tests]
            options = ["-q", "-x", "-p", "no:cacheprovider", "-c", str(_ROOT / "pyproject.toml"), "--rootdir", "."]
            return "session tests" if _notices(target, ["-m", "pytest", *options, *files]) else ""
        if _notices(target, ["tests/run_portable.py", *_PORTABLE]):
            return "portable tests"
        if _notices(target, ["-m", "tests.powercut", *_SAMPLE]):
            return "power cuts"
    return ""


def main():
    """Plant them all; return the exit code."""
    started = time.monotonic()
    found = {}
    with ThreadPoolExecutor(2) as pool:
        edits, tests = [each[1] for each in _WITH_CLEAN], [each[2] for each in _WITH_CLEAN]
        for (name, _, _), by in zip(_WITH_CLEAN, pool.map(kills, edits, tests), strict=True):
            found[name] = by or found.get(name, "")
            if name or by:
                print("%-50s %s" % (name or "no defect at all", by or "NOT NOTICED"), flush=True)
    if found.pop(""):
        print("the tree without a defect fails: mend that first")
        return 1
    survivors = [name for name, by in found.items() if not by]
    result = {"mutants": len(DEFECTS), "killed": len(DEFECTS) - len(survivors), "survivors": len(survivors)}
    Path("build").mkdir(exist_ok=True)
    Path("build", "mutants.json").write_text(
        json.dumps(result | {"seconds": round(time.monotonic() - started, 1)}) + "\n"
    )
    print("mutants: %(mutants)d planted, %(killed)d noticed, %(survivors)d survived" % result)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
