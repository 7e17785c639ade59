"""`fumo recover` and boards that refuse, say nonsense, or never come to an end: one line, the right class, no trace left."""

import dataclasses

import pytest

from agent.errors import FlashError, PackageError
from flash_tools.errors import RefusedError, SilentError, ToolError, VerifyError
from flash_tools.recovery import recover
from hal.smp import Smp
from tests.host.recovery_rig import HURRY, QUICK, Faults, FupTarget, Rig, line, make_package, upload


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return make_package(tmp_path_factory.mktemp("recover"))


REFUSED = (
    (
        PackageError("the device does not know the key that signed the manifest", 404),
        RefusedError,
        "does not know the key",
    ),
    (PackageError("the package is for product x", 403), RefusedError, "product x"),
    (PackageError("a block was damaged on its way"), RefusedError, "damaged"),
    (FlashError("the flash stays busy"), ToolError, "could not do it: the flash stays busy"),
    (PackageError("\x1b[31mred\n", 403), RefusedError, "package: \ufffd"),
)


@pytest.mark.parametrize("error", REFUSED)
@pytest.mark.parametrize("when", [0, 9000])
def test_what_the_board_refuses(package, error, when):
    raised, expected, text = error
    target = FupTarget()
    write = target.write

    def failing(offset, data):
        if offset >= when:
            raise raised
        return write(offset, data)

    target.write = failing
    with Rig(target) as rig:
        with pytest.raises(expected, match=text) as caught:
            upload(rig, package)
        assert type(caught.value) is expected and "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
        assert recover.status(line(rig), QUICK) and not target.pending


def test_a_list_that_cannot_be_read():
    target = FupTarget()
    target.error = FlashError("the flash stays busy")
    with Rig(target) as rig:
        for ask in (recover.status, recover.reset):
            with pytest.raises(ToolError, match="could not do it: the flash stays busy") as caught:
                ask(line(rig), QUICK)
            assert caught.value.exit_code == 1
    assert rig.reason is None


def test_an_image_that_cannot_be_marked(package):
    target = FupTarget()
    target.test = lambda hash32: False
    with Rig(target) as rig, pytest.raises(ToolError, match="HASH_NOT_FOUND"):
        upload(rig, package)
    target.test = lambda hash32: True
    with Rig(target) as rig, pytest.raises(ToolError, match="does not mark"):
        upload(rig, package)
    assert target.resets == 0


def test_the_board_got_something_else(package):
    target = FupTarget()
    target.good = False
    with Rig(target) as rig, pytest.raises(VerifyError, match="something else"):
        upload(rig, package)
    assert not target.pending


def test_the_board_shows_another_image(package):
    target = FupTarget()
    target.image_hash = lambda: bytes(32)
    with Rig(target) as rig, pytest.raises(VerifyError, match="does not show"):
        upload(rig, package)
    target.images = lambda: FupTarget().images()
    with Rig(target) as rig, pytest.raises(VerifyError, match="does not show"):
        upload(rig, package)
    assert not target.pending


def test_the_board_takes_nothing_more(package):
    target = FupTarget()
    target.write = lambda offset, data: 900
    with Rig(target) as rig, pytest.raises(SilentError, match="takes nothing more"):
        upload(rig, package)


def test_the_board_wants_too_much(package):
    target = FupTarget()
    target.write = lambda offset, data: 1 << 31
    with Rig(target) as rig, pytest.raises(SilentError, match="does not have"):
        upload(rig, package)


def test_a_whole_upload_has_its_time(package):
    target = FupTarget()
    slow = dataclasses.replace(QUICK, whole_s=0.3)
    faults = Faults(cuts=[(at, 0.3) for at in range(2000, 40000, 2000)])
    with Rig(target, faults) as rig, pytest.raises(SilentError):
        upload(rig, package, slow)


def test_hostile_answers_are_no_traceback():
    """Frames that are whole, and say nonsense."""
    real = Smp.answer
    for sick in (
        b"",
        b"\xff",
        b"\x80",
        b"\xa1\x01\x02",
        b"\xa1fheader\x01",
        b"\xbf",
        b"\x81" * 900,
        b"\x5f\x41\x00\xff",
    ):

        def answer(self, message, sick=sick):
            good = bytes(real(self, message))
            return good[:2] + len(sick).to_bytes(2, "big") + good[4:8] + sick

        Smp.answer = answer
        try:
            with Rig() as rig, pytest.raises(SilentError, match="nothing that can be read"):
                recover.status(line(rig), dataclasses.replace(HURRY, hello_s=0.1))
        finally:
            Smp.answer = real
