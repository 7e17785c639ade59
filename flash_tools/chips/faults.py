"""Which exit code a fault of a chip or of the way to it has: the device's errors know none."""

import errno

from agent.errors import AgentError
from flash_tools.errors import BusyError, NotFoundError, SilentError, ToolError

_KINDS = {errno.ENOENT: NotFoundError, errno.ENXIO: NotFoundError, errno.ENODEV: NotFoundError, errno.EBUSY: BusyError}
_SAID = (("no flash answers", NotFoundError), ("is missing: pip install", NotFoundError), ("still busy", SilentError))


def tool_error(place: object, error: AgentError) -> ToolError:
    """Return what the command fails with."""
    text = str(error)
    kind = _KINDS.get(getattr(error.__cause__, "errno", None), ToolError)
    for said, better in _SAID:
        if said in text:
            kind = better
    return kind(text if str(place).partition(":")[2] in text else "%s: %s" % (place, text))
