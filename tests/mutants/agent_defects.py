"""Defects of the agent as a whole: a name, the edits (file, text, text in its place), the tests of cuts that must notice."""

_CUTS = ("powercut_sessions",)
_ORDER = (
    "        self.enter(phase, ((OUTBOX, None), (PROGRESS, None), (ATTEMPT, None), (UPLOAD, None)))\n\n    def finish"
)

DEFECTS = (
    (
        "a 202 leaves before its order is put",
        [
            (
                "agent/record_changes.py",
                _ORDER,
                "        job.phase, job.state = phase, _STATES.get(phase, job.state)\n\n    def finish",
            )
        ],
        _CUTS,
    ),
    (
        "the outbox is emptied before the Status",
        [("agent/delivery.py", "        record.attempt()\n", "        record.attempt()\n        self._end()\n")],
        _CUTS,
    ),
    (
        "State is not kept",
        [
            (
                "agent/record_changes.py",
                "        self.go(OK, ((OUTBOX, None), (ATTEMPT, None)))",
                "        self.job.state = STATE_IDLE\n        self.go(OK, ((OUTBOX, None), (ATTEMPT, None)))",
            )
        ],
        _CUTS,
    ),
    (
        "the install notification is noted in RAM",
        [("agent/record_changes.py", "        self._journal.put(((OUTBOX, self.outbox.pack()),))", "        pass")],
        _CUTS,
    ),
    (
        "a result is put without its outbox",
        [
            (
                "agent/record_changes.py",
                "((OUTBOX, self.outbox.pack()), (PROGRESS, None), (ATTEMPT",
                "((PROGRESS, None), (ATTEMPT",
            )
        ],
        _CUTS,
    ),
    (
        "a held package is known in RAM only",
        [
            (
                "agent/record_changes.py",
                "        self._content(STATE_READY, bank, digest, ((PROGRESS, None),))",
                "        self.job.state, self.package.bank, self.package.digest = STATE_READY, bank, digest",
            )
        ],
        _CUTS,
    ),
    (
        "a PkgURL is not put when its Status leaves",
        [("agent/dm_commit.py", "        tree.settings.put(changes)\n", "")],
        _CUTS,
    ),
    (
        "the same Exec again begins anew",
        [("agent/orders.py", "not record.idle and job.same_order(order)", "False")],
        _CUTS,
    ),
    (
        "success is put before the bank is confirmed",
        [
            (
                "agent/work_steps.py",
                "        self._owner.hardware.boot.confirm()\n        record.job",
                "        record.job",
            ),
            (
                "agent/work_steps.py",
                "        record.finish(SUCCESS, OK, _LOADED)",
                "        record.finish(SUCCESS, OK, _LOADED)\n        self._owner.hardware.boot.confirm()",
            ),
        ],
        _CUTS,
    ),
    ("a proof of a server is not noted", [("agent/dm_nonces_kept.py", "slot\n        self._save()", "slot")], _CUTS),
    (
        "a planned reset hides that notes were lost",
        [("agent/record_changes.py", "        if self.settle:\n            self.settle()\n", "")],
        _CUTS,
    ),
    (
        "a longer value of a newer agent counts as none",
        [("agent/dm_nonces_kept.py", "journal.get(SESSION, data) < _SIZE", "journal.get(SESSION, data) != _SIZE")],
        ("new_records",),
    ),
    (
        "keys that nobody knows are not copied",
        [
            (
                "agent/journal_copies.py",
                "if key != _CLEAN and key not in changed:",
                "if key < 64 and key not in changed:",
            )
        ],
        ("new_records",),
    ),
)
