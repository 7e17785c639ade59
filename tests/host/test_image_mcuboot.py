"""MCUboot images both ways: imgtool takes what is signed here, and what imgtool signs is taken here unless it is damaged."""

import struct
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from flash_tools.errors import RefusedError, ToolError, UsageError, VerifyError
from flash_tools.images import Wish, make, mcuboot
from flash_tools.images.mcuboot import PublicKey, Signing
from flash_tools.signing.keys import new_key, public_bytes, public_pem, write_key
from tests.host.test_boot_mcuboot_imgtool import imgtool

BINARY = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder, key = tmp_path_factory.mktemp("mcuboot"), new_key()
    write_key(key, folder / "key.pem")
    (folder / "key.pub.pem").write_bytes(public_pem(key))
    (folder / "firmware.bin").write_bytes(BINARY)
    return SimpleNamespace(folder=folder, key=key, public=key.public_key())


def theirs(bench, *options, key="key.pem"):
    """Return what imgtool signs."""
    out = bench.folder / "theirs.bin"
    more = ("--key", bench.folder / key) if key else ()
    imgtool("sign", *more, "--version", "1.2.3+4", "--header-size", 0x200, "--pad-header", "--slot-size", 0x20000, "--align", 8,
            *options, bench.folder / "firmware.bin", out)  # fmt: skip
    return out.read_bytes()


def put(bench, name, data):
    (bench.folder / name).write_bytes(data)
    return bench.folder / name


@pytest.mark.parametrize(("header", "counter", "align"), [(0x200, None, 8), (0x20, 7, 16), (0x1000, 0, 32)])
def test_imgtool_takes_what_is_signed_here(bench, header, counter, align):
    image = mcuboot.sign(BINARY, Signing(bench.key, "2.0.1+9", header, 0x20000, align, counter))
    path = put(bench, "ours.bin", image)
    said = imgtool("verify", "--key", bench.folder / "key.pub.pem", path)
    assert "Image was correctly validated" in said and "2.0.1+9" in said
    said = imgtool("dumpinfo", path)
    assert "ECDSASIG" in said and ("SEC_CNT" in said) == (counter is not None)
    found = mcuboot.parse(image, 0x20000, align)
    assert (found["version"], found["header_size"], found["security_counter"]) == ("2.0.1+9", header, counter)
    assert mcuboot.check_signature(image, bench.public)


def test_what_is_signed_here_is_what_imgtool_signs(bench):
    ours, its = mcuboot.sign(BINARY, Signing(bench.key, "1.2.3+4", slot_size=0x20000)), theirs(bench)
    end = len(BINARY) + 0x200 + 4 + 36 + 36
    assert ours[: end - 72 - 4] == its[: end - 72 - 4]  # all in front of the area whose length follows the signature
    assert ours[end - 72 : end] == its[end - 72 : end]


def test_a_key_in_a_token_signs_too(bench):
    """It has no names for its arguments, and knows nothing of imgtool."""
    token = SimpleNamespace(
        sign=lambda data, algorithm, /: bench.key.sign(data, algorithm), public_key=bench.key.public_key
    )
    assert mcuboot.check_signature(mcuboot.sign(BINARY, Signing(token, "1.0.0")), bench.public)


def test_make_signs_a_binary_and_takes_an_image(bench):
    signed = make(bench.folder / "firmware.bin", Wish("mcuboot", "1.2.3", key=bench.key, slot_size=0x20000))
    assert "signed as MCUboot image" in signed.notes and signed.version == "1.2.3"
    taken = make(put(bench, "image.bin", signed.data), Wish(key=PublicKey(public_bytes(bench.key))))
    assert taken.data == signed.data and taken.kind == "mcuboot" and taken.version == "1.2.3"
    assert "its signature is good" in taken.notes and "MCUboot" in taken.notes[0]
    other = make(put(bench, "image.bin", signed.data), Wish(usual_key=new_key()))
    assert any("another key" in note for note in other.notes)
    with pytest.raises(RefusedError, match="not signed by the key"):
        make(put(bench, "image.bin", signed.data), Wish(key=new_key()))


def test_versions_must_agree(bench):
    path = put(bench, "image.bin", theirs(bench))
    assert make(path, Wish(key=bench.key)).version == "1.2.3+4"
    assert make(path, Wish(version="1.2.3+4", key=bench.key)).version == "1.2.3+4"
    with pytest.raises(UsageError, match="make them agree"):
        make(path, Wish(version="1.2.4", key=bench.key))
    for wrong in ("1.2.3.4", "a", "256.0.0", "1.70000.0", "1.0.0+4294967296", None):
        with pytest.raises(UsageError):
            make(bench.folder / "firmware.bin", Wish("mcuboot", wrong, key=bench.key))


def test_every_flipped_byte_of_an_image_is_noticed(bench):
    image = theirs(bench, "--security-counter", "5")
    good, header = mcuboot.parse(image), 0x200
    areas = range(header + len(BINARY), len(image))
    for at in [*range(32), 100, header - 1, header, header + 5000, *areas]:
        broken = bytearray(image)
        broken[at] ^= 0x10
        try:
            found = mcuboot.parse(bytes(broken))
            assert found["digest"] == good["digest"] == "good"
            signed = mcuboot.check_signature(bytes(broken), bench.public)
            assert not signed, at  # it passes for one of another key
        except ValueError:
            pass


def test_every_cut_of_an_image_is_noticed(bench):
    image = theirs(bench)
    for size in [*range(40), 0x200, 0x300, *range(len(image) - 160, len(image))]:
        with pytest.raises(ValueError):
            mcuboot.parse(image[:size])


@pytest.mark.parametrize(
    ("at", "form", "value", "why"),
    [
        (8, "<H", 31, "header says"),
        (8, "<H", 0x1001, "header says"),
        (10, "<H", 8, "protected area"),
        (12, "<I", 0xFFFFFFFF, "cut off"),
        (12, "<I", 0xFFFFFE10, "cut off"),  # header and size together wrap round in 32 bits
        (12, "<I", len(BINARY) + 4, "unprotected area"),
        (16, "<I", 0x10000, "digest"),
    ],
)
def test_sizes_that_lie(bench, at, form, value, why):
    image = bytearray(theirs(bench))
    struct.pack_into(form, image, at, value)
    with pytest.raises(ValueError, match=why):
        mcuboot.parse(bytes(image))


@pytest.mark.parametrize(
    ("at", "value", "why"), [(2, 4, "disagree"), (6, 8, "reaches out"), (2, 20, "disagree|reaches out")]
)
def test_a_protected_area_that_lies(bench, at, value, why):
    image = bytearray(theirs(bench, "--security-counter", "5"))
    struct.pack_into("<H", image, 0x200 + len(BINARY) + at, value)
    with pytest.raises(ValueError, match=why):
        mcuboot.parse(bytes(image))


def test_an_entry_twice_or_too_long_is_refused(bench):
    image = theirs(bench)
    area = 0x200 + len(BINARY)
    twice = bytearray(image + image[area + 4 : area + 40])
    struct.pack_into("<H", twice, area + 2, len(twice) - area)
    with pytest.raises(ValueError, match="two entries SHA-256"):
        mcuboot.parse(bytes(twice))
    longer = bytearray(image)
    struct.pack_into("<H", longer, area + 4 + 36 + 2, 500)
    with pytest.raises(ValueError, match="reaches out"):
        mcuboot.parse(bytes(longer))


def test_signatures_that_are_not_good(bench):
    image = bytearray(theirs(bench))
    image[-1] ^= 1
    with pytest.raises(ValueError, match="sign it again"):
        mcuboot.check_signature(bytes(image), bench.public)
    with pytest.raises(RefusedError):
        make(put(bench, "image.bin", bytes(image)), Wish(key=bench.key))
    none = theirs(bench, key=None)
    assert not mcuboot.check_signature(none, bench.public)


def test_other_keys_and_odd_images(bench):
    imgtool("keygen", "--key", bench.folder / "p384.pem", "--type", "ecdsa-p384")
    with pytest.raises(ValueError, match="no SHA-256"):
        mcuboot.parse(theirs(bench, key="p384.pem"))
    imgtool("keygen", "--key", bench.folder / "rsa.pem", "--type", "rsa-2048")
    rsa = theirs(bench, key="rsa.pem")
    assert mcuboot.parse(rsa)["digest"] == "good" and not mcuboot.check_signature(rsa, bench.public)
    imgtool("keygen", "--key", bench.folder / "enc.pem", "--type", "ecdsa-p256")
    hidden = mcuboot.parse(theirs(bench, "--encrypt", bench.folder / "enc.pem"))
    assert hidden["flags"] == ["AES-128"] and hidden["digest"] == "not checked"


def test_padding_and_additions_are_refused(bench):
    for more in (("--pad",), ("--pad", "--confirm")):
        with pytest.raises(VerifyError, match="without --pad"):
            make(put(bench, "image.bin", theirs(bench, *more)), Wish(key=bench.key))
    with pytest.raises(ValueError, match="3 bytes behind"):
        mcuboot.parse(theirs(bench) + b"abc")


def test_slots(bench):
    with pytest.raises(ToolError, match="exceeds"):
        mcuboot.sign(BINARY, Signing(bench.key, "1.0.0", slot_size=0x2000))
    for size in (31, 0x1001, 1 << 20):
        with pytest.raises(UsageError, match="a header of"):
            mcuboot.sign(BINARY, Signing(bench.key, "1.0.0", size))
    with pytest.raises(UsageError, match="alignment 5"):
        mcuboot.parse(theirs(bench), 0x20000, 5)
    with pytest.raises(VerifyError, match="the slot room"):
        make(put(bench, "image.bin", theirs(bench)), Wish(key=bench.key, slot_size=0x3000))


def test_a_public_key_signs_nothing(bench):
    with pytest.raises(ToolError, match="needs the private one"):
        mcuboot.sign(BINARY, Signing(PublicKey(public_bytes(bench.key)), "1.0.0"))
    with pytest.raises(ToolError, match="imgtool does not sign"):
        broken = SimpleNamespace(sign=lambda data, algorithm: 1 / 0, public_key=bench.key.public_key)
        mcuboot.sign(BINARY, Signing(broken, "1.0.0"))


def test_a_signature_padded_with_zeros_is_taken(bench):
    """Bootloaders before 1.5 wanted 72 bytes."""
    image = mcuboot.sign(BINARY, Signing(SimpleNamespace(
        sign=lambda data, algorithm: bench.key.sign(data, ec.ECDSA(hashes.SHA256())).ljust(72, b"\0"),
        public_key=bench.key.public_key), "1.0.0"))  # fmt: skip
    assert mcuboot.check_signature(image, bench.public)
    put(bench, "padded.bin", image)
    imgtool("verify", "--key", bench.folder / "key.pem", bench.folder / "padded.bin")
