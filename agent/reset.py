"""Why the board started: what a port reads from its hardware, in the four classes that decisions need."""

from agent.compat import const

UNKNOWN = const(0)  # the hardware does not tell, or tells something that cannot be trusted
POWER = const(1)  # power came (back)
COMMANDED = const(2)  # the firmware asked for it
WATCHDOG = const(3)  # a watchdog, a crash, a brown-out: nobody asked for it


def is_normal(cause):
    """Tell whether nothing points to a fault of the firmware that ran before."""
    return cause == POWER or cause == COMMANDED
