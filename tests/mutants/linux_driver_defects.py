"""Defects of the Linux drivers: a name, the edits (file, text, text in its place), the tests that must notice."""

_DOG, _SYSTEM = "ports/cpython_linux/watchdog.py", "ports/cpython_linux/system.py"

DEFECTS = (
    ("a time-out that fits is set again", [(_DOG, "if found_s != wanted_s:", "if True:")], ("linux_watchdog",)),
    (
        "a bcm2835 asked for more than it counts",
        [(_DOG, "most_s = min(most_s, _BCM_MOST_S)", "pass")],
        ("linux_watchdog",),
    ),
    (
        "the watchdog is lost across exec",
        [(_DOG, "os.set_inheritable(self.fd, True)", "os.set_inheritable(self.fd, False)")],
        ("linux_watchdog",),
    ),
    (
        "systemd is not told beside the hardware",
        [(_DOG, "        if self._also:\n            self._also.feed()\n", "")],
        ("linux_watchdog",),
    ),
    (
        "a mark that stays is believed each time",
        [(_SYSTEM, '        return ""\n    return text', "        return text\n    return text")],
        ("linux_system",),
    ),
    (
        "any restart is taken for power",
        [(_SYSTEM, "if register == _POWER_ON", "if register & _POWER_ON")],
        ("linux_system",),
    ),
    (
        "a restart that does not come is fed for ever",
        [(_SYSTEM, "_wait(_STARVES_MS, pause)", "_wait(_STARVES_MS, pause, feed)")],
        ("linux_system",),
    ),
    (
        "register and answer in two transactions",
        [
            (
                "ports/cpython_linux/i2c.py",
                "self._transfer(*first, answer)",
                "[self._transfer(each) for each in (*first, answer)]",
            )
        ],
        ("linux_i2c",),
    ),
    (
        "an output begins with the wrong level",
        [("ports/cpython_linux/gpio.py", "initial_value=bool(value)", "initial_value=False")],
        ("linux_gpio",),
    ),
    (
        "a serial line loses what did not fit",
        [
            (
                "ports/cpython_linux/uart.py",
                "left = left[self._write(left) :]",
                "self._write(left)\n                break",
            )
        ],
        ("linux_uart",),
    ),
)
