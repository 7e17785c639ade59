"""What the type stubs of MicroPython do not know, though boards have it: each gap is looked for in the message of a finding.

`python -m tests.stubs` says which of these nobody needs any more: newer stubs may know more.
"""

GAPS = (
    # part of the message, why it is no mistake
    ('"chosen" is unknown import symbol', "`fumo deploy` puts the board's own file there"),
    ('"sockaddr" is not a known attribute of module "socket"', "the unix port alone gives addresses as bytes"),
    (
        '"VfsRom" is not a known attribute of module "vfs"',
        "in every firmware with a ROMFS partition, documented since 1.25",
    ),
    ('"WIZNET5K" is not a known attribute of module "network"', "in firmware for boards with that chip"),
    ('not assignable to "AbstractBlockDev"', "a block device is known by its methods, it inherits from nothing"),
    ('because "TextIO" is not assignable to parameter "self"', "sys.stdin.buffer and sys.stdin of boards read bytes"),
    (
        'Object of type "Scratch" is not callable',
        "ports/micropython/port.py: __getattr__ finds the rare methods, and scratch",
    ),
)
# Files that a port's stubs know nothing of.
UNKNOWN_TO = {
    "stm32": ("ports/micropython/wifi_joining.py",)
}  # their WLAN cannot connect: they are made of a board that has none
