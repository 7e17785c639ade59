"""The defects: a name, and the edits (file, text, text in its place) that plant it."""

_HEADER = "        self._header.erase()\n"
_READ = "        count = reader.read_into(writer.room())\n"

DEFECTS = (
    (
        "header written first",
        [("agent/installer_begin.py", _HEADER, _HEADER + "        while not self._header.step():\n            pass\n")],
    ),
    (
        "no read-back",
        [
            (
                "agent/bank_writer.py",
                "            if self._matches():\n                self._finish()",
                "            if True:\n                self._finish()",
            )
        ],
    ),
    (
        "boot record updated in place",
        [
            (
                "hal/boot_record.py",
                "        spare = self._spare()\n        for",
                "        spare = max(self._newest, 0)\n        for",
            )
        ],
    ),
    (
        "two record sectors instead of three",
        [("agent/journal_copies.py", "for copy in range(3)", "for copy in range(2)")],
    ),
    (
        "confirm written once",
        [
            (
                "hal/boot_record.py",
                "        for _ in range(2):\n            self._write(CONFIRMED",
                "        if self.state != CONFIRMED:\n            self._write(CONFIRMED",
            )
        ],
    ),
    (
        "the confirmed bank written during a trial",
        [
            ("agent/orders.py", "boot.running() != boot.confirmed() or job.phase in (ARM, TRIAL)", "False"),
            ("agent/orders.py", "not record.idle and job.server", "False and job.server"),
            (
                "agent/fetch_rare.py",
                "bank = hardware.banks[1 - boot.confirmed()]",
                "bank = hardware.banks[1 - boot.running()]",
            ),
        ],
    ),
    ("old modules left in sys.modules", [("hal/first_stage.py", "            del modules[name]", "            pass")]),
    (
        "resume point taken from what the flash reads as",
        [("agent/bank_writer.py", "self.position < self._dirty_from and self._matches()", "self._matches()")],
    ),
    (
        "no erase after an unclean boot",
        [("agent/resume.py", "if phase == DOWNLOAD and progress.erase_end:", "if False:")],
    ),
    (
        "confirm before the self-test",
        [("agent/work_steps.py", "        if told == PASSED:", "        if told != FAILED:")],
    ),
    (
        "journal without the second copy",
        [("agent/journal_copies.py", "self.write_copies(changes, 2)", "self.write_copies(changes, 1)")],
    ),
    (
        "progress noted before the data",
        [
            (
                "agent/installer.py",
                _READ,
                "        if not self._decoded:\n            self._progress.block_done(packed, size)\n" + _READ,
            ),
            ("agent/installer.py", "            self._progress.block_done(self._packed, self._size)\n", ""),
        ],
    ),
    ("WIP not polled at start", [("hal/nor_wake.py", "    nor.started(_LONGEST_ERASE_MS)\n    nor.wait()\n", "")]),
    ("attempts counted on normal boots", [("agent/lifecycle.py", "(ARM, STAYED, ARM, 0)", "(ARM, STAYED, ARM, 410)")]),
    (
        "security counter raised before confirm",
        [
            (
                "agent/fetch_rare.py",
                "        boot, running = hardware.boot, self._owner.demands()\n        bank = hardware.banks[1 - boot.confirmed()]\n",
                "        boot, running = hardware.boot, self._owner.demands()\n        bank = hardware.banks[1 - boot.confirmed()]\n"
                "        from agent.verify import read_manifest\n\n"
                "        running = read_manifest(bank, self._owner.identity) or running\n",
            )
        ],
    ),
    ("waits that do not feed", [("hal/nor_spi.py", "            self._feed()\n", "")]),
    (
        "torn slots believed",
        [("agent/journal.py", "        return crc == struct", "        return True or crc == struct")],
    ),
    ("a trial that is not used up", [("hal/first_stage.py", "        boot.begin_trial()\n", "")]),
    ("digest skipped in a trial", [("hal/first_stage.py", "        if check(trial):", "        if True:")]),
    (
        "no test for a chip that wraps",
        [("hal/region.py", "            if other == mine:\n                return True\n", "            pass\n")],
    ),
    ("a stale trial taken for this one", [("hal/boot_facts.py", " and self.attempt == attempt", "")]),
    (
        "result acted on before it is put",
        [
            (
                "agent/record_changes.py",
                "        self._journal.put(((JOB, self.job.pack()), (PACKAGE",
                "        if phase != 7:\n            self._journal.put(((JOB, self.job.pack()), (PACKAGE",
            )
        ],
    ),
)
