"""The options of `python3 -m ports.sim`: one table, read the same way on both interpreters."""

from ports.sim.watcher import EFFECTS

FLAG, TEXT, COUNT, NUMBER, LIST = range(5)
OPTIONS = (
    ("flash", TEXT, None, "FILE: the chip's bytes"),
    ("provision", TEXT, None, "FILE: JSON of who the device is and whom it trusts; what is in its flash otherwise"),
    ("serial", TEXT, None, "FILE of a terminal that is the device's serial line: console, and recovery over SMP"),
    ("new", TEXT, None, "IMAGE: make the flash file with this firmware, then end; needs --package"),
    ("package", TEXT, None, "FILE: the signed package of the firmware, for --new"),
    ("chip-kib", COUNT, 2048, "size of the chip for --new: 1024, 2048, 4096, 8192 or 16384"),
    ("server", TEXT, None, "URL of the first account in the place of the provisioned one"),
    ("account", LIST, (), "KEY=VALUE that changes the first account; may be given again"),
    ("ca", TEXT, None, "FILE of certificates to trust, PEM or DER; the provisioned one otherwise"),
    ("client-cert", TEXT, None, "FILE of our own certificate, PEM"),
    ("client-key", TEXT, None, "FILE of our own key, PEM"),
    ("host", LIST, (), "NAME=ADDRESS that needs no name server; may be given again"),
    ("name-server", LIST, (), "ADDRESS in the place of the system's; may be given again"),
    ("time-server", TEXT, None, "ADDRESS:PORT of an SNTP server"),
    ("no-clock", FLAG, False, "the board does not know the time"),
    ("notify-port", COUNT, 2948, "UDP port for notifications; 0 for any that is free"),
    ("poll-s", COUNT, 86400, "seconds between two questions to the server"),
    ("trial-s", COUNT, 60, "seconds that a trial lasts at least"),
    ("trial-max-s", COUNT, 600, "seconds that a trial lasts at most"),
    ("needs-server", FLAG, False, "a trial passes only if the server was reached"),
    ("root", TEXT, "./FUMO", "where the firmware object is"),
    ("wbxml", FLAG, False, "speak WBXML, as usual"),
    ("xml", FLAG, False, "speak XML"),
    ("insecure", FLAG, False, "allow less than MAC without TLS"),
    ("small", FLAG, False, "unload modules between the phases, as a small board does"),
    ("user", TEXT, "yes", "yes, no, or ask: what a user says who is asked; ask waits for a line `yes` or `no`"),
    ("speed", NUMBER, 0.0, "how much of the chip's typical times flash operations take: 0 nothing, 1 all"),
    ("watchdog-ms", COUNT, 8388, "time-out of the watchdog"),
    ("recovery-s", COUNT, 600, "seconds in serial recovery without a message"),
    ("recovery-button", FLAG, False, "the button for serial recovery is held at the first boot"),
    ("cut-at", TEXT, None, "N or N:EFFECT: cut the power at the Nth flash operation"),
    ("boots", COUNT, 0, "end after so many boots"),
    ("within-s", COUNT, 0, "end after so many seconds"),
    ("until-idle", FLAG, False, "end when nothing is left to do"),
    ("request-update", FLAG, False, "a user asks for an update at the start"),
    ("reset-cause-unreadable", FLAG, False, "the board cannot tell why it started"),
    ("end-with-stdin", FLAG, False, "end when standard input ends, so that no orphan stays"),
    ("transcript", TEXT, None, "FILE that all lines are added to, with the time"),
    ("verbose", FLAG, False, "say on stderr what the agent says"),
    ("help", FLAG, False, "show this"),
)


class UsageError(Exception):
    """What is wrong with the options, for the user."""


class Settings:
    """The options as attributes; `-` becomes `_`."""

    def __init__(self, words):
        self._kinds = {}
        for name, kind, default, _ in OPTIONS:
            self._kinds[name] = kind
            setattr(self, name.replace("-", "_"), default)
        words = list(words)
        while words:
            self._take(words.pop(0), words)
        self._check()

    def _take(self, word, words):
        name, equals, value = word[2:].partition("=")
        if word == "-h":
            name = "help"
        elif word[:2] != "--" or name not in self._kinds:
            raise UsageError("no such option: %s (see --help)" % word)
        kind = self._kinds[name]
        if kind == FLAG:
            if equals:
                raise UsageError("--%s takes no value" % name)
            value = True
        elif not equals:
            if not words:
                raise UsageError("--%s wants a value" % name)
            value = words.pop(0)
        self._set(name, kind, value)

    def _set(self, name, kind, value):
        attribute = name.replace("-", "_")
        if kind == LIST:
            value = getattr(self, attribute) + (value,)
        elif kind == COUNT:
            value = number(name, value)
        elif kind == NUMBER:
            value = _decimal(name, value)
        setattr(self, attribute, value)

    def _check(self):
        if self.help:
            return
        if not self.flash:
            raise UsageError("--flash FILE is missing")
        if self.new and not self.package:
            raise UsageError("--new needs --package FILE")
        if self.user not in ("yes", "no", "ask"):
            raise UsageError("--user is yes, no or ask")
        if self.xml and self.wbxml:
            raise UsageError("--xml or --wbxml, not both")
        if bool(self.client_cert) != bool(self.client_key):
            raise UsageError("--client-cert and --client-key belong together")
        if self.notify_port > 65535:
            raise UsageError("--notify-port is at most 65535")
        self.cut = self._read_cut()
        self.hosts = tuple([_pair("host", text) for text in self.host])
        self.account_changes = tuple([_pair("account", text) for text in self.account])
        self.time = self._read_time_server()

    def _read_cut(self):
        if self.cut_at is None:
            return None
        at, _, effect = self.cut_at.partition(":")
        effect = effect or "none"
        if effect not in EFFECTS:
            raise UsageError("--cut-at: an effect is one of " + ", ".join(EFFECTS))
        return number("cut-at", at), effect

    def _read_time_server(self):
        if self.time_server is None:
            return None
        address, _, port = self.time_server.partition(":")
        return address, number("time-server", port or "123")


def number(name, text):
    """Return a whole number that is not negative."""
    if not text.isdigit():
        raise UsageError("--%s wants a whole number, not %s" % (name, text or "nothing"))
    return int(text)


def usage():
    """Return the help text."""
    lines = ["A simulated device on real sockets; docs/simulator.md tells the rest.", ""]
    for name, kind, default, text in OPTIONS:
        if default and kind != FLAG:
            text += " (%s)" % default
        lines.append("  --%-24s%s" % (name, text))
    return "\n".join(lines)


def _decimal(name, text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise UsageError("--%s wants a number from 0 to 100" % name)
    return value


def _pair(name, text):
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError("--%s wants NAME=VALUE, not %s" % (name, text))
    return key, value
