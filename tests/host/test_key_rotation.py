"""From one signing key to the next: the plan, and what is refused."""

import json

import pytest

from flash_tools.errors import RefusedError, ToolError, UsageError
from flash_tools.signing import key_devices, key_rotation, keys
from flash_tools.signing.key_rotation import BEHIND, DONE, MOVED, READY, STRANGER, Device
from flash_tools.sim import sim_files
from tests.host.fumo_here import fumo_here
from tests.host.rotation_rig import NEW, NEW_KID, OLD, OLD_KID, OTHER, OTHER_KID, package, trust

# -- the plan ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "anchors, revoked, state",
    [
        ([OLD_KID], [], BEHIND),
        ([OLD_KID, OTHER_KID], [], BEHIND),
        ([OLD_KID, NEW_KID], [], READY),
        ([OLD_KID, NEW_KID], [OLD_KID], MOVED),
        ([NEW_KID, OTHER_KID], [], DONE),
        ([OTHER_KID], [], STRANGER),
        ([OLD_KID, NEW_KID], [OLD_KID, NEW_KID], STRANGER),
        ([OLD_KID, NEW_KID], [NEW_KID], BEHIND),
        ([], [], STRANGER),
    ],
)
def test_the_states_of_a_device(anchors, revoked, state):
    assert key_rotation.state(Device("d", tuple(anchors), tuple(revoked)), OLD_KID, NEW_KID) == state
    assert state in key_rotation.STATES


@pytest.mark.parametrize(
    "revoked, kind",
    [
        (["zz"], UsageError),
        ([OLD_KID.upper() + "x"], UsageError),
        ([OLD_KID], RefusedError),
        (["%016x" % n for n in range(33)], UsageError),
    ],
)
def test_lists_that_no_package_may_have(revoked, kind):
    with pytest.raises(kind) as told_so:
        key_rotation.check_revoked(OLD_KID, revoked)
    assert "\n" not in str(told_so.value)


def test_a_list_is_sorted_and_says_each_once():
    assert key_rotation.check_revoked(NEW_KID, ["b" * 16, "a" * 16, "b" * 16]) == ["a" * 16, "b" * 16]


# -- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def fumo(monkeypatch, capfdbinary, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUMO_PASSPHRASE", raising=False)
    for name, key in (("old", OLD), ("new", NEW), ("other", OTHER)):
        keys.write_pair(key, tmp_path / (name + ".pem"))
    return lambda *words, **options: fumo_here(monkeypatch, capfdbinary, "keys", "rotate", *words, **options)


@pytest.fixture
def fleet(tmp_path):
    """Return the folders of devices that are as far as their names say."""
    for name, trusted in (("behind", [OLD]), ("ready", [OLD, NEW]), ("done", [NEW, OTHER]), ("stranger", [OTHER])):
        files = sim_files.make(tmp_path / name, key=OLD, size=8192)
        trust(files, *trusted)
    for name, key, revoked in (
        ("next", NEW, [OLD_KID]),
        ("self", OLD, [OLD_KID]),
        ("all", NEW, [OLD_KID, NEW_KID]),
        ("foreign", OTHER, []),
    ):
        (tmp_path / (name + ".fup")).write_bytes(package(files, key, "2.0", revoked))
    return tmp_path


def test_the_next_key_is_made_once_and_taken_then(fumo, tmp_path):
    said = fumo("old.pub.pem", "next.pem", "--json").json
    assert said["old"] == OLD_KID and (tmp_path / "next.pem").stat().st_mode & 0o777 == 0o600
    assert said["anchors"] == [
        [OLD_KID, keys.public_bytes(OLD).hex()],
        [said["new"], keys.open_public("next.pub.pem").hex()],
    ]
    assert fumo("old.pem", "next.pem", "--json").json["new"] == said["new"]
    assert said["new"] in fumo("old.pem", "next.pub.pem").out.decode()


def test_a_dry_run_makes_none(fumo, tmp_path):
    assert fumo("old.pem", "next.pem", "--dry-run", "--json").json["new"] is None
    assert not list(tmp_path.glob("next*"))
    assert fumo("old.pem", "new.pem", "--dry-run", "--json").json["new"] == NEW_KID


def test_devices_are_as_far_as_they_are(fumo, fleet):
    names = ("behind", "ready", "done", "stranger")
    named = [word for name in names for word in ("--device", name)]
    said = fumo("old.pem", "new.pem", *named, "--json").json["devices"]
    assert [said[name + "/provision.json"] for name in names] == list(names)
    said = fumo("old.pem", "new.pem", "--device", "ready", "--runs", "next.fup", "--json").json["devices"]
    assert list(said.values()) == [MOVED]
    said = fumo("old.pem", "new.pem", "--device", "sim:ready", "--json").json["devices"]
    assert said == {"sim:ready": READY}
    assert "has to be provisioned" in fumo("old.pem", "new.pem", "--device", "behind").out.decode()


@pytest.mark.parametrize(
    "ship, name, code, text",
    [
        ("next.fup", "ready", 0, "can be shipped"),
        ("next.fup", "done", 0, "can be shipped"),
        ("next.fup", "behind", 6, "refuses a package by"),
        ("self.fup", "ready", 6, "locks out"),
        ("all.fup", "ready", 6, "locks out"),
        ("foreign.fup", "stranger", 6, "neither the old key nor the new one"),
        ("old.pem", "ready", 5, ""),
        ("nowhere.fup", "ready", 1, "cannot read"),
    ],
)
def test_a_package_is_judged_before_it_is_shipped(fumo, fleet, ship, name, code, text):
    done = fumo("old.pem", "new.pem", "--device", name, "--ship", ship, code=code)
    assert text in (done.line if code else done.err)


def test_a_package_that_leaves_no_key_is_refused():
    two = Device("two", (OLD_KID, NEW_KID))
    with pytest.raises(RefusedError, match="no key any more"):
        key_rotation.after(two, NEW_KID, [OLD_KID, NEW_KID])


def test_a_forged_package_is_not_believed(fumo, fleet):
    data = bytearray((fleet / "next.fup").read_bytes())
    end = 8 + int.from_bytes(data[4:8], "little")
    data[end - 20] = ord("B" if data[end - 20] == ord("A") else "A")
    (fleet / "forged.fup").write_bytes(data)
    fumo("old.pem", "new.pem", "--ship", "forged.fup", code=6).line  # noqa: B018


def test_what_cannot_be_meant_is_one_line(fumo, fleet):
    assert "the same" in fumo("old.pem", "old.pub.pem", code=2).line
    assert "cannot read" in fumo("nowhere.pem", "new.pem", code=1).line
    (fleet / "bad.json").write_text("[]")
    assert "no list of anchors" in fumo("old.pem", "next.pem", "--device", "bad.json", code=1).line
    assert not (fleet / "next.pem").exists()
    facts = {"anchors": [[OLD_KID, keys.public_bytes(NEW).hex()]]}
    (fleet / "bad.json").write_text(json.dumps(facts))
    assert "whose id is not" in fumo("old.pem", "new.pem", "--device", "bad.json", code=6).line
    (fleet / "behind" / "flash.bin").write_bytes(b"\xff" * (2 << 20))
    assert "never provisioned" in fumo("old.pem", "new.pem", "--device", "sim:behind", code=3).line
    fumo("old.pem", "new.pem", "--device", "serial:/dev/ttyS0", code=2).line  # noqa: B018
    with pytest.raises(ToolError):
        key_devices.read_device(str(fleet / "nowhere"))


@pytest.mark.parametrize(
    "revoked, code, text", [(OLD_KID, 6, "locks out"), ("release", 2, "no key id"), (OTHER_KID, 0, "")]
)
def test_no_package_is_built_that_revokes_its_own_signer(fumo, monkeypatch, capfdbinary, tmp_path, revoked, code, text):
    (tmp_path / "image.bin").write_bytes(b"firmware" * 600)
    whom = ("--product", "p", "--model", "m", "--layout", "0" * 16, "--version", "2", "--kind", "raw")
    words = ("package", "build", "image.bin", "out.fup", "--key", "old.pem", *whom, "--revoke", revoked)
    done = fumo_here(monkeypatch, capfdbinary, *words, code=code)
    assert (tmp_path / "out.fup").exists() == (not code) and text in (done.line if code else done.err)
    if not code:
        assert key_rotation.package_says(tmp_path / "out.fup") == (OLD_KID, [OTHER_KID])
