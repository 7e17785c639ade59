"""The bag that a board fills and everybody else is handed: what the update needs to know of the hardware."""


class Bank:
    """Two regions of the layout: the image, and the one sector outside it that holds the signed manifest."""

    def __init__(self, image, header, writer=None):
        self.image = image
        self.header = header
        self.writer = writer  # what writes the image where that is not agent.bank_writer
        self.mapped = None  # the image as memory that can be read, where the flash is memory-mapped


class Hardware:
    """Everything a board's `build` gives; names are those of the architecture page."""

    def __init__(self, layout, journal, banks, boot, watchdog, crash_counter, erase_units, check_flash):
        self.layout = layout  # hash of the layout, 16 hexadecimal digits
        self.journal = journal  # region of the journal's three copies
        self.banks = banks  # tuple of Bank
        self.boot = boot  # BootControl
        self.watchdog = watchdog
        self.crash_counter = crash_counter
        self.erase_units = erase_units  # those that leave the watchdog its share
        self.check_flash = check_flash  # before a bank is written: FlashError where the chip is another one
        self.settings = None  # region of the settings' three copies
        self.factory = None  # region of the factory data
        self.may_write = None  # function: "" or why a bank must not be written now (temperature, supply); None: always
        self.led = None
        self.uart = None  # the owner's serial line: console, and serial recovery
        self.button = None  # function that tells whether recovery is asked for at the start
        self.self_tests = ()  # functions without arguments; True when the part works
        self.restart = None  # function: resets the chip that runs the firmware, where that is another one than ours
        self.tick = None  # function: called again and again between the update's steps, must not take long
