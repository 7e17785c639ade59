"""The battery of safe tests on a flash chip: its id and its contents read the same twice, no address shows at another.

Only the write test writes, one sector that nobody needs, and puts back what was in it.
"""

from collections.abc import Iterator

from flash_tools.chips import checks as battery
from flash_tools.doctor.check import Check, fail, ok, skip

_DO = "check wiring, clock and supply of the chip"


def checks(chip) -> Iterator[Check]:
    """Make the tests that only read."""
    for test in battery.reading(chip):
        yield _check(test)


def write_checks(chip, region: str | None, dry_run: bool) -> Iterator[Check]:
    """Make the write test; without a region in the blank end of the spare bank."""
    if dry_run:
        where = "the end of %s" % region if region else "the blank end of the spare bank"
        yield skip("flash write", "would erase, write and put back one sector: %s" % where)
    else:
        yield _check(battery.write_test(chip, region))


def _check(test):
    name = "flash " + test.name
    if test.ok is None:
        return skip(name, test.text)
    found, colon, do = test.text.partition(": ")
    return ok(name, test.text) if test.ok else fail(name, found, do if colon else _DO)
