"""From one signing key to the next, without a device that is left behind.

Devices trust the keys that provisioning gave them, and no package can add one. So the next key is provisioned long before
it is needed; a package signed by it revokes the one before. Only the list in the firmware that runs counts: every later
package has to carry it, too.
"""

from dataclasses import dataclass, field
from pathlib import Path

from flash_tools.errors import RefusedError, UsageError
from flash_tools.packages import package_read
from flash_tools.signing import keys
from flash_tools.signing.jws import signer_of

BEHIND, READY, MOVED, DONE, STRANGER = "behind", "ready", "moved", "done", "stranger"
_KID, _HEX = 16, set("0123456789abcdef")
_MOST = 32  # as many as a manifest may have
STATES = {
    BEHIND: "trusts the old key only; takes packages by the old key; has to be provisioned with both before it is moved",
    READY: "trusts both; takes packages by either; ship one signed by the new key that revokes the old one",
    MOVED: "runs a package that revokes the old key; takes packages by the new key, each has to revoke the old one again",
    DONE: "is not provisioned with the old key; takes packages by the new key",
    STRANGER: "trusts neither; takes nothing of yours until it is provisioned",
}


@dataclass(frozen=True)
class Device:
    """What a device was provisioned with, and what the firmware that it runs revokes."""

    name: str
    anchors: tuple[str, ...]  # key ids
    revoked: tuple[str, ...] = ()

    @property
    def trusts(self) -> tuple[str, ...]:
        """Return the ids of the keys that it takes packages of."""
        return tuple(kid for kid in self.anchors if kid not in self.revoked)


@dataclass
class Plan:
    """The rotation; `devices` has the state of each one that was named."""

    old: str
    new: str
    anchors: list[list[str]]  # what provisioning gives a device until the rotation is over
    devices: dict[str, str] = field(default_factory=dict)

    @property
    def steps(self) -> list[str]:
        """Return what is to be done, in this order."""
        return [
            "keep both private keys; nothing is signed by the new one yet",
            f"provision devices with both, {self.old} and {self.new}; no package can bring a device the new key: "
            "fumo provision --board BOARD --anchor OLD.pub.pem --anchor NEW.pub.pem",
            "let the server take packages by it: fumo package trust NEW.pub.pem",
            f"when every device trusts both, ship a package signed by {self.new} that revokes {self.old}: "
            f"fumo package build … --key NEW --revoke {self.old}",
            f"sign every later package by {self.new} and revoke {self.old} in each: only the running firmware's list counts",
            f"provision new devices with {self.new} and the key after it; those that run firmware by {self.old} need that, too",
        ]


def make_plan(old: bytes, new: bytes, devices: list[Device] = ()) -> Plan:
    """Return the way from one public key to the other."""
    pair = [[keys.key_id(public), public.hex()] for public in (old, new)]
    if old == new:
        raise UsageError("the old key and the new one are the same: there is nothing to rotate")
    plan = Plan(pair[0][0], pair[1][0], pair)
    plan.devices = {device.name: state(device, plan.old, plan.new) for device in devices}
    return plan


def state(device: Device, old: str, new: str) -> str:
    """Return how far a device is."""
    if new not in device.trusts:
        return BEHIND if old in device.trusts else STRANGER
    if old in device.trusts:
        return READY
    return MOVED if old in device.anchors else DONE


def check_revoked(signer: str, revoked: list[str]) -> list[str]:
    """Return the list as a manifest has it; refuse one that could leave a device without any key.

    A package by the new key is safe: a device that does not know that key refuses the package and stays as it is. One that
    revokes its own signer is not: a device that knows no other key would never take a package again.
    """
    for kid in revoked:
        if len(kid) != _KID or set(kid) - _HEX:
            raise UsageError(f"{kid!r} is no key id: 16 hexadecimal digits, as `fumo keys show` says them")
    if len(revoked) > _MOST:
        raise UsageError(f"a package revokes at most {_MOST} keys")
    if signer in revoked:
        raise RefusedError(
            f"a package by {signer} that revokes {signer} locks out every device that knows no other key: sign it by the new key"
        )
    return sorted(set(revoked))


def after(device: Device, signer: str, revoked: list[str]) -> Device:
    """Return the device once it has confirmed a package; RefusedError where it does not take it or takes no other any more."""
    if signer not in device.trusts:
        raise RefusedError(
            f"{device.name} refuses a package by {signer} (404): it trusts {', '.join(device.trusts) or 'no key any more'}"
        )
    then = Device(device.name, device.anchors, tuple(revoked))
    if not then.trusts:
        raise RefusedError(f"{device.name} would trust no key any more: do not ship a package that revokes all it has")
    return then


def check_package(package: Path, publics: list[bytes], devices: list[Device]) -> tuple[str, list[str]]:
    """Judge a package before it is shipped: return its signer and what it revokes; RefusedError names a device that is hurt."""
    signer, revoked = package_says(package, publics)
    check_revoked(signer, revoked)
    for device in devices:
        after(device, signer, revoked)
    return signer, revoked


def package_says(path: Path, publics: list[bytes] | None = None) -> tuple[str, list[str]]:
    """Return who signed a package, and the key ids that it revokes; with `publics` by one of them, and truly."""
    data = package_read.read_file(path)
    signer = signer_of(data)
    known = {keys.key_id(public): public for public in publics or ()}
    if publics is not None and signer not in known:
        raise RefusedError(f"{path} is signed by {signer}, which is neither the old key nor the new one")
    return signer, list(package_read.inspect(data, known.get(signer)).manifest.get("revoked") or [])
