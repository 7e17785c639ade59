"""Does this machine know what time it is? Certificates and manifests carry dates."""

import ctypes
import time
from collections.abc import Iterator

from flash_tools.doctor.check import Check, Host, fail, ok, skip, warn
from ports.cpython_linux.clock import TOLD_S

_LATEST = 4102444800  # 2100-01-01
_UNSYNCHRONISED = 0x40
_SIGNS = ("systemd/timesync/synchronized", "chrony/chronyd.pid", "chronyd.pid", "ntpd.pid", "ntpd-rs/observe")


def checks(host: Host, now: float | None = None, kernel=None) -> Iterator[Check]:
    """Look at the clock, and at who sets it."""
    now = time.time() if now is None else now
    text = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if not TOLD_S < now < _LATEST:
        yield fail("clock", text, "set the clock: `date -s`, or let NTP do it; no certificate is valid otherwise")
    else:
        yield ok("clock", text)
    yield _set_by(host, kernel or kernel_status)


def _set_by(host, kernel):
    for sign in _SIGNS:
        if (host.run / sign).exists():
            return ok("time server", "set by %s" % sign.split("/")[0].replace(".pid", ""))
    status = kernel()
    if status is None:
        return skip("time server", "nothing here tells who sets the clock")
    if status & _UNSYNCHRONISED:
        do = "install systemd-timesyncd or chrony, where this machine has no other time"
        return warn("time server", "the kernel does not know the clock as synchronised", do)
    return ok("time server", "the kernel knows the clock as synchronised")


def kernel_status() -> int | None:
    """Return the kernel's word on the clock (adjtimex), None where it gives none."""
    try:
        buffer = (ctypes.c_uint8 * 256)()  # modes 0: ask only
        if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(buffer)) < 0:
            return None
    except (OSError, AttributeError):
        return None
    # struct timex: modes, offset, freq, maxerror, esterror, status; longs are as wide as a pointer
    return ctypes.c_int.from_buffer(buffer, 5 * ctypes.sizeof(ctypes.c_long)).value
