"""Run portable tests without pytest: `micropython tests/run_portable.py [test_journal ...]`, the same with python.

A name with a dot is imported as it stands, every other one from tests/portable; without names all of them run.
"""

import os
import sys

ROOT = "/".join(__file__.split("/")[:-2]) or "."
sys.path.insert(0, ROOT)

from tests.portable.check import Skip  # noqa: E402  the path comes first


def print_exception(error):
    """Print the traceback the way the interpreter does it."""
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        import traceback

        traceback.print_exception(error)


def all_names():
    """Return the names of the test modules in tests/portable, sorted."""
    files = os.listdir(ROOT + "/tests/portable")
    return sorted([name[:-3] for name in files if name.startswith("test_") and name.endswith(".py")])


def run_test(label, test):
    """Run one test; return the index of what became of it: 0 passed, 1 failed, 2 skipped."""
    try:
        result = test()
    except Skip as e:
        result = e
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as e:  # the simulated power cut is none of Exception's
        print("FAILED " + label)
        print_exception(e)
        return 1
    if isinstance(result, Skip):
        print("skipped %s: %s" % (label, result))
        return 2
    return 0


def main(names):
    """Run the modules; return the exit status."""
    counts = [0, 0, 0]
    for name in names:
        path = name if "." in name else "tests.portable." + name
        __import__(path)
        module = sys.modules[path]
        for attribute in sorted(dir(module)):
            if attribute.startswith("test_"):
                counts[run_test(name + "." + attribute, getattr(module, attribute))] += 1
    print("%d passed, %d failed, %d skipped" % tuple(counts))
    return 1 if counts[1] or not sum(counts) else 0


sys.exit(main(sys.argv[1:] or all_names()))
