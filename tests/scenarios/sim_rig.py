"""The rig of a simulated device: a process on CPython or on MicroPython, real sockets, its flash a file in a folder."""

from flash_tools.sim import sim_files, sim_process
from tests.scenarios.rig import WAIT_S, Rig

K = 1024
SIZE = 20 * K  # of its images


class SimRig(Rig):
    """`options` are words for `python3 -m ports.sim`; more accounts and the user's mood come in by them."""

    def __init__(
        self, server, folder, *options, micropython=False, xml=False, user="ask", device_id="sim:1", trial_s=0, size=SIZE,
        auth=("auto", "auto"), poll_s=86400,
    ):  # fmt: skip
        super().__init__(server, device_id)
        self.xml, self.size = xml, size
        self.files = sim_files.make(folder, server.add_device(device_id, *auth), size=size, chip_kib=1024)
        words = ["--notify-port", 0, "--trial-s", trial_s, "--trial-max-s", 20, "--poll-s", poll_s, "--user", user]
        words += ["--xml" if xml else "--wbxml", *options]
        command = sim_process.command(self.files.flash, self.files.provision, *words, micropython=micropython)
        self.process = sim_process.SimProcess(command, self.hear)

    @property
    def alive(self):
        """Tell whether the process is there."""
        return self.process.runs

    def power(self, on):
        """Start the process, or kill it."""
        if not on:
            self.process.off()
            return
        before = self.now
        self.process.on()
        self.address = ("127.0.0.1", int(self.wait("listening", since=before).split()[1]))

    def type(self, line):
        """Write to its standard input."""
        self.process.send(line)

    def update(self, version="2.0", behaviour="good", size=None, encoding="none", **options):
        """Make an update; as a rule one that is not compressed, so that it has a size worth the name."""
        return self.files.update(version, behaviour, size or self.size, encoding=encoding, **options)

    def settle(self, count=1):
        """Wait until so many sessions have ended."""
        with self._news:
            done = self._news.wait_for(lambda: self.heard.count("session closed") >= count, WAIT_S)
        assert done, "the sessions never ended: %s" % "; ".join(self.heard[-12:])

    def __enter__(self):
        self.power(True)
        return self

    def __exit__(self, *exception):
        self.process.off()
