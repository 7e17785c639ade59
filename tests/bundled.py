"""The portable tests as one program with what they test: bundled, they have to pass as they do by themselves."""

import ast
from pathlib import Path

from flash_tools.deploy import bundle

ROOT = Path(__file__).resolve().parents[1]
ENTRY = "bundled_tests"
_ABOUT_MODULES = ("test_a_small_board_forgets_the_code_of_the_moment", "test_old_modules_are_cleared")
_HEAD = '''"""Runs tests; says how many passed, and fails with the first that does not."""

import sys

from tests.portable.check import Skip
%s

def main():
    """Run them all."""
    count = 0
    for name, test in (%s):
        try:
            result = test()
        except Skip:
            result = None
        except BaseException as e:
            print("FAILED " + name)
            raise e
        count += 1
    print("%%d passed" %% count)


main()
'''


def names() -> list[str]:
    """Return the modules of portable tests."""
    return sorted(path.stem for path in (ROOT / "tests" / "portable").glob("test_*.py"))


def sources(modules: list[str]) -> dict[str, str]:
    """Return {module: source} of the tree with these test modules and an entry that runs them."""
    found = bundle.read_tree(ROOT, "sim_nor")
    for path in (ROOT / "tests" / "portable").glob("*.py"):
        found["tests.portable." + path.stem] = path.read_text()
    imports, table = [], []
    for module in modules:
        tests = _tests(found["tests.portable." + module])
        aliases = ["%s as %s_%s" % (name, module, name) for name in tests]
        if tests:
            imports.append("from tests.portable.%s import %s" % (module, ", ".join(aliases)))
        table += ['("%s.%s", %s_%s)' % (module, name, module, name) for name in tests]
    found[ENTRY] = _HEAD % ("\n".join(imports), ", ".join(table) + ",")
    return found


def _tests(text):
    found = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return [name for name in found if name.startswith("test_") and name not in _ABOUT_MODULES]
