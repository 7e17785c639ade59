"""Device code with short names does the same, line by line, and has fewer names."""

import builtins

import pytest

from flash_tools.deploy.short_names import shorten, shorten_sources

NUMBERS = '''"""Numbers."""

from agent.compat import const

ONE = const(1)
TWO = const(2)
_SIX = const(6)


def six():
    """Return six."""
    return _SIX
'''
BASE = '''"""A base."""

from numbers_of import (
    ONE,
    TWO,
    six,
)


class Base:
    """A thing."""

    def __init__(self):
        self._value, self.told = ONE, "_value of ONE"

    def _private(self):
        from numbers_of import ONE

        return self._value + TWO + ONE + six()

    _kept = 5
'''
DERIVED = '''"""More of it."""

from base_of import Base


class Derived(Base):
    """Must not use a name of Base's for something else."""

    def __init__(self):
        super().__init__()
        self._other = 100

    def total(self):
        """Return the sum."""
        return self._other + self._private() + getattr(self, "_kept")
'''


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Give the shortened files by name, in the present folder, where they can be run."""
    monkeypatch.chdir(tmp_path)
    files = {"numbers_of.py": NUMBERS, "base_of.py": BASE, "derived.py": DERIVED}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for name, text in shorten(files).items():
        assert len(text.splitlines()) == len(files[name].splitlines()), name
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(builtins, "const", lambda value: value, raising=False)  # MicroPython's compiler knows it
    return {name: (tmp_path / name).read_text() for name in files}


def test_it_does_the_same(sources):
    import derived

    thing = derived.Derived()
    assert thing.total() == 100 + 1 + 2 + 1 + 6 + 5 and thing.told == "_value of ONE"


def test_private_names_become_short_and_numbers_are_put_in(sources):
    base, derived = sources["base_of.py"], sources["derived.py"]
    assert "_private" not in base + derived and "_other" not in derived and "self._value" not in base
    assert "from numbers_of import six" in base and "TWO" not in base.replace("of ONE", "")
    assert "_kept = 5" in base, "getattr may want it"
    assert "ONE =" not in sources["numbers_of.py"] and "_SIX" not in sources["numbers_of.py"]


def test_what_others_use_stays(tmp_path):
    """A constant that is read through its module, a private name that somebody else reads."""
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text('"""One."""\n\nfrom agent.compat import const\n\nOPEN = const(1)\n_hidden = 2\n_own = 3\n')
    two.write_text('"""Two."""\n\nimport one\n\nprint(one.OPEN, one._hidden)\n')
    first, second = shorten((one, two)).values()
    assert "OPEN = const(1)" in first and "_hidden = 2" in first and "_own" not in first
    assert second == two.read_text()


def test_a_number_that_is_handed_on():
    """`three` has it from `two`, which has it from `one`."""
    one = '"""One."""\n\nfrom agent.compat import const\n\nOPEN = const(7)\n'
    two = '"""Two."""\n\nfrom one import OPEN\n\nSHUT = OPEN + 1\n'
    three = '"""Three."""\n\nfrom two import OPEN\n\nWIDE = OPEN + 2\n'
    first, second, third = shorten_sources({"one.py": one, "two.py": two, "three.py": three}).values()
    assert "OPEN" not in first + second + third and "const(7)" in second and "const(7)" in third


def test_somebody_elses_code_keeps_what_it_uses():
    """An application may import a number, or name what is private; it is not rewritten itself."""
    ours = '"""Ours."""\n\nfrom agent.compat import const\n\nOPEN = const(1)\nSHUT = const(2)\n'
    base = '"""Base."""\n\nfrom ours import OPEN, SHUT\n\n\nclass Base:\n    _kept = OPEN + SHUT\n    _own = 1\n'
    theirs = "from ours import OPEN\nfrom base import Base\nprint(Base._kept, OPEN)\n"
    first, second = shorten_sources({"ours.py": ours, "base.py": base}, [theirs]).values()
    assert "OPEN = const(1)" in first and "SHUT" not in first
    assert "_kept" in second and "_own" not in second
    subclass = "from base import Base as B\nclass Mine(B):\n    def f(self):\n        return self._own\n"
    assert "_own" in shorten_sources({"ours.py": ours, "base.py": base}, [subclass])["base.py"]
