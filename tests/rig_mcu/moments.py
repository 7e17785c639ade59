"""Where in an update a board stood when its power went: by what it had said since it got power, and by what its chip was doing."""

from board import rig_mps2

PHASES = ("first_stage", "start", "session", "download", "verify", "armed", "trial", "report")
OTHER = "idle"
# Lines behind which a phase begins; the first stage begins with the power, and with a reset.
SIGNS = {
    "start": "bank ",
    "session": "session open",
    "download": "progress ",
    "verify": "state 40",
    "armed": "state 60",
    "trial": " trial version",
    "report": "result ",
}
LEAVES = "reset commanded"
_STATES = {30: "download", 40: "verify", 50: "armed", 60: "armed"}


def phase_of(text: str) -> str:
    """Return the phase, or OTHER, of a board that has said so much since it got power."""
    phase, session, trial = "first_stage", False, False
    for line in text.splitlines():
        if line.startswith(("bank ", "boot ")):
            phase, session, trial = ("start" if line.startswith("bank ") else OTHER), False, SIGNS["trial"] in line
        elif line.startswith("session "):
            session = line == SIGNS["session"]
        elif line.startswith("state ") and phase != "report":
            phase = _STATES.get(int(line.split()[1]), OTHER)
        elif line.startswith(SIGNS["report"]):
            phase, trial = "report", False
        elif line.startswith(("reported", "dropped")):
            phase = OTHER
        elif line.startswith(LEAVES):
            phase, session, trial = "first_stage", False, False
    if phase in ("first_stage", "start", "report"):
        return phase
    return "trial" if trial else "session" if session else phase


def work_of(work) -> str:
    """Return what the chip was in the middle of: erase or program, and of which region; "" for nothing."""
    if not work.what:
        return ""
    for name, start, size in rig_mps2.LAYOUT:
        if start <= work.addr < start + size:
            return "%s_%s" % (work.what, name.rstrip("01"))
    return work.what
