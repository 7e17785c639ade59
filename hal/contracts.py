"""The contracts between the layers, in prose. Never imported on a device; a host test holds every implementation to them.

All numbers are ints, all times milliseconds, all sizes and addresses bytes. Buffers belong to the caller: nobody
keeps one after the call, nobody resizes one. What hardware refuses is raised as FlashError, what a link refuses as LinkError.
"""


class SpiLink:
    """One call is one chip-select transaction: Linux spidev cannot hold chip select between two calls."""

    max_query: "largest `into` of one query; longer reads are cut by the driver"

    def command(self, head, data=None):
        """Send `head`, then `data`, in one transaction."""

    def query(self, head, into):
        """Send `head`, then read into the whole of `into`, in one transaction."""


class Clock:
    """Time that only goes forward; `ms` may wrap, `since` knows how."""

    def ms(self):
        """Return the time in milliseconds from an unknown start."""

    def since(self, then):
        """Return the milliseconds gone since `then`, a value of `ms`."""

    def sleep_ms(self, duration_ms):
        """Wait without feeding anything; callers keep it below a second."""

    def unix(self):
        """Return seconds since 1970, or None where nobody has told the board."""


class Stream:
    """A connection that never blocks."""

    def read_into(self, into):
        """Return the number of bytes read, 0 when the peer has closed, None when nothing is there yet."""

    def write(self, data):
        """Return the number of bytes taken, None when none can be taken now."""

    def close(self):
        """Let go of the connection; calling it twice is allowed."""


class Network:
    """How connections and datagrams leave the board, one connection at a time. What the runtime's sockets and TLS raise
    becomes LinkError: refused or unreachable 412, a certificate that is not accepted 503 and final (`dates` where only its
    dates are wrong), a connection or TLS that breaks 503.
    """

    name_servers: (
        "numeric addresses of the name servers, in their order; a pair (address, port) where it is not port 53"
    )

    def connect(self, host, address, port, tls):
        """Return a Stream at once; until it stands, TLS verified against `host` included, reading and writing give None."""

    def udp(self, port=0):
        """Return Datagrams bound to the port, 0 for any."""

    def known(self, name):
        """Return the numeric address of a name that needs no asking (numbers, hosts of the board), else None."""


class Datagrams:
    """An open UDP port that never blocks."""

    port: "the number it was bound to; 0 where any was asked for and the runtime does not tell"

    def send(self, data, address, port):
        """Send one datagram to a numeric address; it may get lost."""

    def receive(self, into):
        """Return (size, address, port) of one datagram, cut to `into`, or None when nothing is there."""

    def close(self):
        """Let go of the port; calling it twice is allowed."""


class Uart:
    """A serial line; what comes while nobody reads is kept as far as the hardware can, and lost beyond."""

    def read_into(self, into):
        """Return the number of bytes read, 0 where nothing is there; never waits."""

    def write(self, data):
        """Send all of it; may wait for the line as long as that takes."""


class I2cLink:
    """One device on an I2C bus; a device that does not answer is a FlashError."""

    def write(self, reg, data):
        """Send the register's address, most significant byte first, then `data`, in one transaction; `data` may be empty."""

    def read(self, reg, into):
        """Send the register's address, then read into the whole of `into`, without letting go of the bus."""


class Pin:
    """A line: 1 is active, whatever the level on the wire is then. The board file knows which it is."""

    def __call__(self, value=None):
        """Drive an output where a value is given, and return what the line has."""


class Flash:
    """A NOR flash or a part of one. `program` and `erase` only start; every other call waits for them first, feeding the
    watchdog, up to the chip's own maximum and never longer. A port that can only block sets `blocking`.
    """

    size: "bytes"
    erase_units: "((size, max_ms), ...) smallest first; every size is a power of two"
    page: "largest piece that one program may carry; it must not cross a multiple of it"
    program_unit: "smallest piece that may be programmed on its own, and only once between erases if above 1"
    blocking: "True where program and erase return only when the chip is done"

    def read(self, addr, into):
        """Fill `into` from `addr` on."""

    def program(self, addr, data):
        """Start to clear bits: at most one page, inside one page."""

    def erase(self, addr, size):
        """Start to erase one unit: `size` is one of `erase_units`, `addr` a multiple of it."""

    def busy(self):
        """Tell whether a started program or erase still runs; raise FlashError once it runs for too long."""


class Watchdog:
    """Resets the board unless it is fed; cannot be stopped."""

    timeout_ms: "what the hardware really uses, read back after it was set"

    def feed(self):
        """Start the time-out again."""


class BootControl:
    """Boots a bank once and falls back by itself: that is the whole of what a native A/B mechanism must give.

    One that starts another chip than ours has `cause_of_fall()`, too: a cause of reset.py, our own reset says nothing of it.
    """

    def running(self):
        """Return the number of the bank that runs."""

    def confirmed(self):
        """Return the number of the last bank that was confirmed; it is never written."""

    def ran_before(self):
        """Return the bank that ran before the reset, -1 where nothing tells."""

    def fell_back(self):
        """Tell whether the bank that runs does so because the one confirmed after it kept crashing."""

    def tried(self, bank, attempt):
        """Tell whether that trial of `bank` has been used up; a native mechanism that keeps no number ignores it."""

    def set_trial(self, bank, attempt):
        """Make the next boot, and only that one, a trial of `bank`; `attempt` (0 to 255) tells it from those before."""

    def confirm(self):
        """Make the running bank the confirmed one; calling it again makes it no less so."""


class BootFiles:
    """What the boot control of a Raspberry Pi is given of the system; names are those of partitions."""

    def read(self):
        """Return the bytes of autoboot.txt, one more than the boot ROM takes at most; None where it is missing."""

    def replace(self, data):
        """Put other bytes in its place: after a cut it is the old or the new file, after the return the new one."""

    def probe(self, data):
        """Raise FlashError where `replace` would fail; leave everything as it is."""

    def number(self, name):
        """Return what the bootloader left in the device tree under that name, None where it did not."""

    def compatible(self):
        """Return the texts by which the device tree calls the board."""

    def root(self):
        """Return the name of the root file system's partition, "" where nothing tells."""

    def mounted(self, name):
        """Return where the partition is mounted, "" where it is not."""

    def arm(self, text):
        """Keep a text until the next reset of the board."""

    def armed(self):
        """Return that text, "" where there is none."""


class CrashCounter:
    """A few bits that survive a reset and need not survive a power cut."""

    remembers: "False where the number does not tell which bank ran last"

    def get(self):
        """Return the number kept; 0 after power came where it did not survive that."""

    def set(self, value):
        """Keep a number from 0 to 255."""


class Journal:
    """Small facts that survive a power cut at any moment."""

    def get(self, key, into):
        """Copy the value of `key` into `into`; return its length, or -1 where there is none."""

    def note(self, key, data):
        """Append one small value. A cut may lose it; nothing that matters may depend on it."""

    def put(self, changes):
        """Store several (key, data) at once, data None to forget: after the return no cut can lose any of them."""


class ManagementObject:
    """A subtree of the management tree; paths are relative to its root, "" is the root. Rights are checked above it.

    A kind is a number, 0 where there is no node: Add 1, Copy 2, Delete 4, Exec 8, Get 16, Replace 32 say what the node
    knows; 64 dynamic (else permanent), 128 takes its value while it arrives, 4096 reads differently each time; the format is
    the number in bits 8 to 11, an index of dm_tree.FORMATS. A refusal is a ProtocolError with a DM status.
    """

    def kind(self, path):
        """Return the kind of the node."""

    def type_of(self, path):
        """Return the Type property: the MIME type of a leaf, the object's identifier at its root, else ""."""

    def children(self, path):
        """Return the names below the node."""

    def size(self, path):
        """Return the size of the leaf's value."""

    def read(self, path, offset, into):
        """Copy a part of the leaf's value into `into`; return the number of bytes."""

    def check(self, op, path, value):
        """Return the status that `apply` would give, without doing anything; `op` is one of the kind's first six bits."""

    def apply(self, op, path, value):
        """Do it, in RAM where it can be undone; return the status."""

    def rename(self, path, new):
        """Move a dynamic node and all below it."""

    def snapshot(self):
        """Return what `restore` needs; costs nothing."""

    def restore(self, snapshot):
        """Undo what was done since; return False where that is not possible."""

    def reload(self):
        """Forget what was not saved."""

    def changes(self):
        """Return the (key, data) for the settings journal."""

    def saved(self):
        """Take note that the changes are on flash."""


class StreamingObject:
    """What a ManagementObject has besides where a leaf takes its value while it arrives."""

    def write(self, path, offset, data):
        """Take the next piece; return how many bytes were taken, 0 where the flash is busy. Offset 0 begins anew."""

    def abandon(self, path):
        """Drop what came: there will be no more."""


class UserInterface:
    """Who answers when a server asks the user."""

    pause_ms: "how long to wait before asking again"

    def answer(self, question):
        """Return None while nobody has answered, else (status, texts); `question` has kind, options, text, choices."""
