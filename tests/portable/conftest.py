"""Teach pytest what the portable runner knows: a test may skip itself by raising or returning check.Skip."""

import functools

import pytest

from tests.portable.check import Skip


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Wrap the test, then let pytest call it."""
    test = pyfuncitem.obj

    @functools.wraps(test)
    def run(*args, **kwargs):
        try:
            result = test(*args, **kwargs)
        except Skip as e:
            pytest.skip(str(e))
        if isinstance(result, Skip):
            pytest.skip(str(result))
        return result

    pyfuncitem.obj = run
