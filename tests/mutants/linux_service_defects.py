"""Defects of a Linux board's first stage and main program: a name, the edits (file, text, text in its place), the tests that must notice."""

_STAGE, _MAIN = "ports/cpython_linux/first_stage.py", "ports/cpython_linux/main.py"
_RAM, _CONSOLE = "ports/cpython_linux/ram_copy.py", "ports/cpython_linux/console.py"

DEFECTS = (
    (
        "a copy in RAM is not compared with what was signed",
        [(_RAM, "if self._copy(bank, manifest.size) == manifest.sha256:", "if self._copy(bank, manifest.size):")],
        ("ram_copy",),
    ),
    (
        "room is not taken before a trial is used up",
        [(_RAM, "                os.posix_fallocate(fd, 0, size)\n", "")],
        ("ram_copy",),
    ),
    (
        "others may write where the copy lies",
        [(_RAM, "or shared:", ":")],
        ("ram_copy",),
    ),
    (
        "a stop before the choice is taken for a crash",
        [(_STAGE, "system.mark_planned(self._run, system.keep_folder())\n\n", "pass\n\n")],
        ("linux_first_stage",),
    ),
    (
        "an install is not waited for",
        [
            (
                _STAGE,
                "self._lock = self._patience.lock(os.path.join(self._run, LOCK))",
                "self._lock = os.open('/dev/null', os.O_RDONLY)",
            )
        ],
        ("linux_first_stage",),
    ),
    (
        "firmware of another layout runs",
        [(_MAIN, 'if handover.get("layout", hardware.layout) != hardware.layout:', "if False:")],
        ("linux_bad_firmware",),
    ),
    (
        "people who say nothing keep others out",
        [(_CONSOLE, "for client, _ in self._clients[:-_CLIENTS]:", "for client, _ in ():")],
        ("linux_console",),
    ),
)
