"""Defects of serial recovery: (name, edits, tests that must notice)."""

_TESTS = (
    "tests/portable/test_boot_record.py",
    "tests/portable/test_serial_install.py",
    "tests/portable/test_serial_trial.py",
    "recovery_floor",
)

DEFECTS = (
    ("a wish for recovery stays", [("hal/first_stage.py", "    if wished:\n        counter.set(0)\n", "")], _TESTS),
    ("the button is not looked at", [("hal/first_stage.py", "if wished or button:", "if wished:")], _TESTS),
    ("runs what is not confirmed", [("hal/first_stage.py", "    if boot.void:\n", "    if False:\n")], _TESTS),
    (
        "confirmed and still none is",
        [
            (
                "hal/boot_record.py",
                "        self.void = False\n        for _ in range(2):\n            self._write(CONFIRMED, self._running",
                "        for _ in range(2):\n            self._write(CONFIRMED, self._running",
            )
        ],
        _TESTS,
    ),
    (
        "the floor is not kept where an upload goes on",
        [("agent/serial_install.py", "        elif more and not banks.boot.void:", "        elif False:")],
        _TESTS,
    ),
    (
        "an upload goes on in another bank",
        [("agent/serial_install.py", "(bank, size) == (self._banks.target, self._size)", "size == self._size")],
        _TESTS,
    ),
    (
        "the floor is not kept",
        [("agent/serial_install.py", "            more.append((FLOOR,", "            more.append((99,")],
        _TESTS,
    ),
    (
        "a manifest replaces the floor",
        [("agent/serial_floor.py", "max(found.counter, manifest.counter)", "manifest.counter")],
        _TESTS,
    ),
    ("revoked keys are not kept", [("agent/serial_floor.py", "if name in found.revoked]", "if False]")], _TESTS),
    (
        "the confirmed bank is not given up",
        [("agent/serial_install.py", "        banks.release()\n", "        banks.found[banks.target] = None\n")],
        _TESTS,
    ),
    (
        "given up before the floor is kept",
        [
            (
                "agent/serial_install.py",
                "        if not self._goes_on(manifest):",
                "        banks.release()\n        if not self._goes_on(manifest):",
            )
        ],
        _TESTS,
    ),
    (
        "a truncated file is begun",
        [("agent/serial_install.py", "if manifest.package_size != self._size:", "if False:")],
        _TESTS,
    ),
    (
        "recovery: one record of giving up",
        [
            (
                "hal/boot_record.py",
                "        self.void = True\n        for _ in range(2):",
                "        self.void = True\n        for _ in range(1):",
            )
        ],
        _TESTS,
    ),
    (
        "recovery: dirty cells trusted after a cut",
        [("agent/serial_install.py", "        if record.progress.erase_end:  #", "        if False:  #")],
        _TESTS,
    ),
    (
        "recovery: ruined cells trusted",
        [
            (
                "agent/serial_install.py",
                "                record.package.dirty_from = 0  # nobody",
                "                pass  # nobody",
            )
        ],
        _TESTS,
    ),
    (
        "recovery: every file is the noted one",
        [
            (
                "agent/serial_install.py",
                "noted and (self._sha is None or noted in (self._sha, bytes(_HASH)))",
                "noted",
            )
        ],
        _TESTS,
    ),
    (
        "recovery: resumes nothing",
        [("agent/serial_install.py", "return known and record.idle and", "return False and record.idle and")],
        _TESTS,
    ),
    (
        "recovery: a crashed trial is tried again",
        [
            (
                "agent/serial_install.py",
                "self._hardware.boot.void and record.job.phase == IDLE and",
                "self._hardware.boot.void and",
            )
        ],
        _TESTS,
    ),
    (
        "recovery: armed trial stays armed",
        [
            (
                "agent/serial_banks.py",
                "        if self.boot.trial_waits:\n            self.boot.begin_trial()\n",
                "        return\n",
            )
        ],
        _TESTS,
    ),
    (
        "recovery: floor stays for ever",
        [("agent/record_changes.py", "        if event == OK:  #", "        if False:  #")],
        _TESTS,
    ),
    (
        "recovery: pieces out of order",
        [("agent/serial_install.py", "if self._installer and offset == self._wanted:", "if self._installer:")],
        _TESTS,
    ),
    (
        "recovery: overwrites the one that verifies",
        [
            (
                "agent/serial_banks.py",
                "            return boot.confirmed()\n        other",
                "            return 1 - boot.confirmed()\n        other",
            )
        ],
        _TESTS,
    ),
    (
        "recovery: no fall back to the one that works",
        [("agent/serial_banks.py", "            boot.fall_back(kept)", "            pass")],
        _TESTS,
    ),
    (
        "recovery: any digest is tested",
        [
            (
                "agent/serial_install.py",
                "(given != self._banks.found[bank].sha256 if given else not self._done)",
                "False",
            )
        ],
        _TESTS,
    ),
    (
        "recovery: nothing is armed at the end",
        [
            (
                "agent/serial_install.py",
                "            self._arm(record.package.bank)\n\n    # --",
                "            pass\n\n    # --",
            )
        ],
        _TESTS,
    ),
    (
        "recovery: trial not re-armed after a cut",
        [
            (
                "agent/serial_install.py",
                "        boot.set_trial(bank, record.job.attempt())\n        return True",
                "        return True",
            )
        ],
        _TESTS,
    ),
    ("recovery: other bank trusted after", [("agent/serial_install.py", "0 if boot.void else CLEAN", "CLEAN")], _TESTS),
    (
        "recovery: failed upload keeps its progress",
        [("agent/serial_install.py", "if self._accepted and isinstance(error, PackageError):", "if False:")],
        _TESTS,
    ),
    (
        "recovery: the dog starves",
        [("agent/serial_install.py", "            self._feed()\n", "            pass\n")],
        _TESTS,
    ),
)
