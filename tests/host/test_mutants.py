"""The planted defects of `make mutants` still fit the code that they are for; whether they are noticed takes longer."""

import pytest

from tests.host.test_micropython import ROOT
from tests.mutants.__main__ import DEFECTS


@pytest.mark.parametrize("name, edits", [each[:2] for each in DEFECTS], ids=[each[0] for each in DEFECTS])
def test_a_planted_defect_fits(name, edits):
    for path, old, new in edits:
        assert old in (ROOT / path).read_text() and old != new, (path, old)
