"""make rig: the scenarios on boards that labgrid handles, two at a time, on loopback alone; writes build/rig.json.

It runs in legs, one environment each: `sim` (simulated devices), `remote` (the same through coordinator and exporter), `emulated`
(the Linux board in QEMU) and `remote-emulated`. `--env` names legs, or a file of your own: that one is your lab's, hence its
network is used.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from flash_tools.errors import ToolError
from flash_tools.rig import environment, loopback
from flash_tools.rig.lab import Lab
from tests.rig import on_board
from tests.rig.conftest import RESULT
from tests.rig.tally import Total

BASE = Path("build") / "rig" / "base"
JSON = Path("build") / "rig.json"
_MOST_S = 45 * 60  # of the whole run: what hangs ends
_AIM_S = 25 * 60  # on two cores that have nothing else to do
_BOARDS = 2
_SHOWN = 20
_SCENARIOS = "tests/rig/test_labgrid_scenarios.py"
_WITHOUT = ("tests/rig/test_labgrid_lab.py", "tests/rig/test_labgrid_bench.py")  # an environment: once is enough


@dataclass(frozen=True)
class Leg:
    """One run of pytest; a lab on loopback has boards like that of the environment `lab`; `short`: SELECT=short takes of it."""

    name: str
    env: str
    paths: tuple[str, ...]
    lab: str = ""
    short: bool = True
    emulated: bool = False


_IGNORED = tuple("--ignore=" + path for path in _WITHOUT)
LEGS = (
    Leg("sim", "sim", (_SCENARIOS, *_WITHOUT)),
    Leg("remote", "remote", (_SCENARIOS,), lab="sim"),
    Leg("emulated", "emulated", ("tests/rig", *_IGNORED), emulated=True),
    Leg("remote-emulated", "remote", (_SCENARIOS,), lab="emulated", short=False, emulated=True),
)


def main(words=None) -> int:
    """Return the exit code."""
    options = _parser().parse_args(words)
    start = time.monotonic()
    try:
        legs = choose(options.env, options.select)
        prepare(legs)
        _enter(legs)
        total = Total()
        for leg in legs:
            _add(total, leg, options, start + _MOST_S)
        if not (options.env or options.select or options.names):
            total.check_whole()
    except ToolError as e:
        print("rig: %s" % e, file=sys.stderr)
        return e.exit_code
    return tell(total, time.monotonic() - start)


def choose(names, select) -> list[Leg]:
    """Return the legs of these names, all without one; what is no leg is an environment of the user's."""
    known = {leg.name: leg for leg in LEGS}
    legs = [known.get(name) or Leg(name, name, ("tests/rig",)) for name in names] or list(LEGS)
    for leg in legs:
        environment.find(leg.env)
    chosen = [leg for leg in legs if names or leg.short or select != "short"]
    if "remote-emulated" in [leg.name for leg in chosen]:  # which plays the scenarios: once is enough
        more = "--ignore=" + _SCENARIOS
        chosen = [replace(leg, paths=(*leg.paths, more)) if leg.name == "emulated" else leg for leg in chosen]
    return chosen


def prepare(legs):
    """Build what is missing, while there still is a network."""
    if any(leg.emulated for leg in legs):
        from flash_tools.rig.emulator.build import build  # only Debian has what it is made of

        build(BASE, lambda text: print("rig: " + text, flush=True))
        on_board.fetch(lambda text: print("rig: " + text, flush=True))


def _enter(legs):
    ours = {leg.name for leg in LEGS}
    own = [leg.name for leg in legs if leg.name not in ours]
    why = "%s is not on loopback" % own[0] if own else loopback.enter()
    print(
        "rig: in a network of its own, with loopback only" if not why else "rig: in this machine's network: " + why,
        flush=True,
    )


def _parser():
    parser = argparse.ArgumentParser(prog="python -m tests.rig", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--env", action="append", default=[], metavar="ENV", help="a leg, or an environment file; all legs"
    )
    parser.add_argument("--select", default="", metavar="MARKER", help="short, or another marker of pytest")
    parser.add_argument("--boards", type=int, default=_BOARDS, metavar="N", help="boards at a time, %d" % _BOARDS)
    parser.add_argument(
        "-k", dest="names", default="", metavar="WORDS", help="only scenarios whose names match, as with pytest"
    )
    return parser


# -- one leg -----------------------------------------------------------------------------------------------------------


def _add(total, leg, options, deadline):
    print("rig: %s" % leg.name, flush=True)
    with tempfile.TemporaryDirectory(prefix="fumo-rig-") as folder:
        result = Path(folder) / "result.json"
        with Lab(leg.lab, max(options.boards, _BOARDS)) if leg.lab else nullcontext() as lab:
            for place in lab.places if lab else ():
                lab.client("-p", place, "acquire")
            code = _pytest(leg, options, result, lab, deadline - time.monotonic())
            for place in lab.places if lab else ():
                lab.client("-p", place, "release")
        found = json.loads(result.read_text()) if result.exists() else Total().packed()
    total.merge(found)
    if code and not found["violations"]:
        total.violations.append("%s: pytest ended with %s" % (leg.name, code))


def _pytest(leg, options, result, lab, left_s):
    words = [sys.executable, "-m", "pytest", "-q", "-n", str(options.boards), "--dist", "worksteal", *leg.paths]
    words += ["--lg-env", str(environment.find(leg.env)), "-p", "no:cacheprovider"]
    markers = [name for name in (options.select, "not variant" if leg.emulated else "") if name]
    words += ["-m", " and ".join(markers)] if markers else []
    words += ["-k", options.names] if options.names else []
    given = {**(lab.environment if lab else os.environ), RESULT: str(result)}
    return run(words, given, left_s)


def run(words, given, left_s):
    """Run a command in a session of its own; what it has started ends with it. Return its exit code, or what happened."""
    process = subprocess.Popen(words, env=given, start_new_session=True)
    try:
        return process.wait(max(left_s, 1))
    except subprocess.TimeoutExpired:
        return "no end: the whole run may take %d minutes" % (_MOST_S // 60)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


# -- the end -----------------------------------------------------------------------------------------------------------


def tell(total, seconds) -> int:
    """Write build/rig.json, say how it was, and return the exit code."""
    if not total.scenarios:
        total.violations.append("no scenario ran")
    figures = total.figures(seconds)
    JSON.parent.mkdir(exist_ok=True)
    JSON.write_text(json.dumps(figures, indent=2) + "\n")
    for line in total.violations[:_SHOWN]:
        print("violation: " + line)
    text = "rig: %(passed)d of %(scenarios)d scenarios, %(boots)d boots, %(power_cuts)d power cuts, "
    print((text + "%(violations)d violations in %(seconds)s s") % figures)
    if seconds > _AIM_S:
        print("rig: the aim is less than %d s, on two cores with nothing else to do" % _AIM_S)
    return 1 if total.violations else 0


if __name__ == "__main__":
    sys.exit(main())
