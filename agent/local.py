"""An update that no server ordered: the owner brought the image over a serial line, or wants the firmware before this one.

The bank is whole and verified when it is tried. It is tried like any other and kept or not; nobody is told, a server
learns of other firmware as it always does, by being asked.
"""

from agent.errors import PackageError
from agent.fields import Fields
from agent.job import ARM, CLEAN, LOCAL, Job


def order_trial(record, bank, digest, dirty_from=CLEAN):
    """Put that this bank is to be tried, in the place of whatever was ordered before; `Work` then sets the trial.

    `dirty_from` is from where on the cells of the other bank, which is written next, cannot be trusted.
    """
    job = Job()
    job.kind, job.digest, job.arms = LOCAL, digest, 1
    package = record.package
    package.bank, package.digest, package.dirty_from = bank, digest, dirty_from
    record.order(job, ARM)


def forget(settings):
    """Put that nothing differs from what provisioning gave."""
    keys = settings.keys()
    if keys:
        settings.put([(key, None) for key in keys])


def is_void(boot):
    """Tell whether no bank is confirmed, which a boot control of another kind does not know."""
    return getattr(boot, "void", False)


def find_other(boot, banks, record, identity, feed):
    """Return (bank, manifest) of the firmware that a roll-back would try; raise PackageError where there is none to be had.

    `feed` is called while the image is read. A key that the confirmed firmware revokes vouches for nothing here.
    """
    from agent.verify import check_bank, read_manifest

    kept, bank = boot.confirmed(), 1 - boot.confirmed()
    if is_void(boot):
        raise PackageError("serial recovery has overwritten the firmware before")
    if not record.open:
        raise PackageError("an update is under way")
    if record.package.dirty_from != CLEAN or record.progress.erase_end:
        raise PackageError("the other bank is half written")
    if record.package.bank == bank:
        raise PackageError("the other bank holds firmware that was never confirmed here")
    confirmed = read_manifest(banks[kept], identity)
    trust = Fields()
    trust.verify, revoked = identity.verify, confirmed.revoked if confirmed else ()
    trust.anchors = tuple([anchor for anchor in identity.anchors if anchor[0] not in revoked])
    manifest = check_bank(banks[bank], trust, feed)
    if not manifest:
        raise PackageError("the other bank holds no firmware that is whole and trusted")
    if confirmed and manifest.counter < confirmed.counter:
        text = "the other bank's security counter %d is below %d"
        raise PackageError(text % (manifest.counter, confirmed.counter))
    return bank, manifest
