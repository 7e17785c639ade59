"""What the fake board is, and what of it outlives a process: a folder named by FAKE_MACHINE, memory alone without one.

settings.json says what the board is (fake_settings.py). `reset` says why the last process ended; where nothing says so, the
power went. Ends are signals, which no program can catch: 10 (USR1) machine.reset(), 12 (USR2) the watchdog.
"""

import json
import os

POWER, RESET, WATCHDOG, BUTTON, PANIC, SLEEP = "power", "reset", "watchdog", "button", "panic", "deepsleep"
_SIGNALS = {RESET: 10, WATCHDOG: 12, SLEEP: 10, "bootloader": 10}
_DEFAULTS = {
    "port": "rp2",  # rp2, rp2350, esp32, stm32, mimxrt, samd
    "flash": "flash.bin",  # the chip's cells
    "part": None,  # what the chip is: see fake_chip.py
    "cs": None,  # its chip select; None takes whichever pin is low
    "speed": 0,  # of the chip: part of its typical times, 1 as silicon
    "torn": True,  # a process that is killed while the chip works leaves half of it
    "fault": "",  # of the wiring: "ff", "00", "stuck", "no-wel"
    "stuck": 0,  # bits that are always set in what comes from the chip
    "wrap": 0,  # the chip shows its first bytes again from there on
    "epoch": 1970,
    "date": None,  # seconds since 1970 at power-on; None as the port has it, "host" the true ones
    "backup": None,  # (items, bytes of each) of mem_backup; None as the port has it, [0, 1] for firmware without
    "internal": 848 << 10,  # bytes of a Pico's own flash that are for files
    "rom": 0,  # bytes of a ROMFS partition
    "wlan": {},  # network: key
    "dns": "127.0.0.1",
    "uart": {},  # bus: path of a terminal
    "pins": {},  # line: level; pins.json has the same and may change at any time
    "unique_id": "e661401020304050",
    "inside": True,  # the watchdog looks at the time whenever the program sleeps or touches hardware; else only from outside
    "bites_ms": 0,  # a shorter time-out than the one asked for, so that tests need not wait; 0 for none
}

folder = os.getenv("FAKE_MACHINE")
settings = dict(_DEFAULTS)
before_end = []  # functions to call when a process ends and the chip keeps its power
memory = {}  # what read_json finds where there is no folder: file name -> text
on_end = None  # function (cause): instead of a signal, for tests within a process


def path(name):
    """Return where a file of the board is, None where there is no folder."""
    return folder + "/" + name if folder else None


def read_json(name, default):
    """Return what a file says, or the default where it is not there."""
    if not folder:
        return json.loads(memory[name]) if name in memory else default
    try:
        with open(path(name)) as file:
            return json.loads(file.read())
    except (OSError, ValueError):
        return default


def put(name, text):
    """Write a small file; half of one is never seen."""
    if not folder:
        memory[name] = text
        return
    with open(path(name) + ".part", "w") as file:
        file.write(text)
    os.rename(path(name) + ".part", path(name))


def _take_cause():
    if not folder:
        return POWER
    try:
        with open(path("reset")) as file:
            cause = file.read().strip()
        os.remove(path("reset"))
        return cause
    except OSError:
        return POWER


def end(cause):
    """End this process as a reset ends a boot; nothing can catch it."""
    for function in before_end:
        function()
    if on_end:
        on_end(cause)
        return
    put("reset", cause)
    if hasattr(os, "kill"):
        os.kill(os.getpid(), _SIGNALS[cause])
    while True:  # MicroPython has no os.kill
        os.system("kill -%d $PPID" % _SIGNALS[cause])


settings.update(read_json("settings.json", {}))
cause = _take_cause()
