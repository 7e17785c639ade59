"""What is asked of a board's flash before its spare bank is written."""

from agent.errors import FlashError
from hal.region import wraps


def require_room(flash, boot, start, banks):
    """Raise FlashError where the bank must not be written; make the boot record firm. `start` is where the record's region begins.

    A flash whose size is beyond doubt has `require`; a chip must not show the record at a second address.
    """
    if not boot.found:
        boot.confirm()  # no record was left: what runs the first stage has checked in full
    if hasattr(flash, "require"):
        image = banks[1 - boot.running()].image
        flash.require(image.start, image.size)
    elif wraps(flash, start + boot.probe()):
        raise FlashError("the flash is smaller than the layout takes it for: check the part")
    boot.firm()
