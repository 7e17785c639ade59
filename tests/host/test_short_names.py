"""Device code with short names does the same, line by line, and has fewer names."""

import builtins

import pytest

from flash_tools.short_names import shorten

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
