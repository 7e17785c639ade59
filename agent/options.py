"""What a board chooses: the constants of the agent, each with what suits most boards. A board file sets what differs."""


class Headless:
    """The policy of a device that has nobody to ask: shows nothing, says yes, cannot type or choose (see ui.py)."""

    pause_ms = 0

    def answer(self, question):
        """Answer at once."""
        return (200 if question.kind < 1102 else 406), ()


class Options:
    """One for a board."""

    name = ""  # of the board
    agent_version = "0.1.0"
    root = "./FUMO"  # where the firmware object is
    objects = ()  # the board's own management objects: ((path, object or function), ...)
    notify_port = 2948  # UDP port for notifications, 0 for any that is free, -1 for none
    nap_ms = 500  # most that the loop rests: so late a notification is heard where nothing ends the rest
    poll_interval_ms = 86400000
    needs_server = True  # a trial passes only if a server was reached: a board with a console may do without
    trial_min_ms = 60000
    trial_max_ms = 600000
    accepts = ("application/vnd.fumo-agent.package", "application/octet-stream")
    fetchers = ()  # ((URL scheme, function), ...): other ways to download
    time_server = None  # (numeric address, port) of an SNTP server
    wbxml = True  # what we send; what a server sends is read in either encoding
    xml = True  # XML is understood and can be sent
    tnds = True  # device descriptions of the tree (TNDS), which are optional in OMA DM
    descriptor = True  # a PkgURL may lead to a download descriptor (OMA DLOTA), not only to the package
    insecure = False  # less than MAC without TLS: for benches, and logged
    small = False  # modules are unloaded between the phases
    arena_size = 5120

    @staticmethod
    def bootstrap_key(which):
        """Return what proves a bootstrap message: 0 the network's key, 1 the user's PIN; empty where there is none."""
        return b""

    def __init__(self, **changes):
        self.ui = Headless()
        for name, value in changes.items():
            setattr(self, name, value)
