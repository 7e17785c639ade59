"""What the monitor makes of bytes: lines, and what they mean."""

import pytest

from flash_tools.boards.monitor import Lines
from flash_tools.boards.monitor_words import BAD, GOOD, NEWS, OTHER, WARN, explain


@pytest.mark.parametrize(
    "line, kind, text",
    [
        ("state 60", NEWS, "State 60, update in progress"),
        ("state 10", NEWS, "State 10, idle, no update"),
        ("state 70", BAD, "State 70, the update failed, its package is still there"),
        ("state 90", GOOD, "State 90, the update is done"),
        ("result 200", GOOD, "the update is over: the new firmware runs and is confirmed"),
        ("result 404", BAD, "the update is over: the signature does not hold, or the key is unknown to the device"),
        ("reported 410", BAD, "the server knows: the installation or the trial failed; the firmware from before runs"),
        ("dropped 411", BAD, "result 411 will never be delivered"),
        ("boot 2 bank 1 trial version 2.0 good commanded", WARN,
         "firmware 2.0 starts from bank 1 on trial: the firmware wanted a restart"),
        ("boot 1 bank 0 confirmed version 1.0 good power", NEWS, "firmware 1.0 starts from bank 0: power came"),
        ("boot 3 bank 0 confirmed version 1.0 good watchdog", WARN,
         "firmware 1.0 starts from bank 0: a watchdog, a crash or a brown-out"),
        ("recovery 600", BAD, "no firmware starts: serial recovery waits 600 s for `fumo recover upload`"),
        ("reset watchdog", BAD, "the board restarts: a watchdog, a crash or a brown-out"),
        ("listening 2948", NEWS, "notifications are heard at UDP port 2948"),
        ("progress 17951", NEWS, "17 KiB of the package are in flash"),
        ("session open", NEWS, "a management session begins"),
        ("question 1101 Install version 2.0?", WARN, "the user is asked: type yes or no"),
        ("button refused", WARN, "an update is under way, or somebody asked a moment ago"),
        ("done rollback", GOOD, "rollback is done"),
        ("refused confirm: no firmware is on trial", WARN, ""),
        ("error no such command: x", BAD, ""),
        ("cut half at 100", BAD, "the power went"),
        ("idle", GOOD, "nothing is left to do"),
        ('status {"state": 10, "bank": 0, "version": "1.0"}', NEWS, "firmware 1.0 in bank 0, State 10, idle, no update"),
    ],
)  # fmt: skip
def test_known_lines_are_explained(line, kind, text):
    meaning = explain(line)
    assert (meaning.kind, meaning.text) == (kind, text)


@pytest.mark.parametrize(
    "line",
    [
        "", " ", "hello", "state", "state x", "state 60 70", "state -1", "state " + "9" * 30, "state \u0666", "result", "result 4x",
        "boot", "boot loader v2", "boot 1 bank 0", "recovery", "recovery soon", "reset", "reset button", "status", "status {",
        "status []", 'status {"state": []}', "status " + "[" * 90000, "cut", "cut here", "session", "session half",
        "progress made", "done", "done it all", "refused", "listening to you", "dropped packet",
    ],
)  # fmt: skip
def test_other_lines_are_left_alone(line):
    meaning = explain(line)
    assert meaning.kind in (OTHER, BAD) and not meaning.text


def test_bytes_become_lines_however_they_come():
    data = b"state 10\r\nresult 200\n\xc3\xa4\n\xff\xfe\x00\x1b[31mred\n\tx\nlast"
    whole = Lines()
    entries = whole.feed(data, 1.0) + whole.end(1.0)
    single = Lines()
    pieces = [entry for byte in data for entry in single.feed(bytes([byte]), 1.0)] + single.end(1.0)
    assert entries == pieces
    assert [entry.line for entry in entries] == [
        "state 10", "result 200", "\xe4", "\ufffd" * 4 + "[31mred", "    x", "last",
    ]  # fmt: skip
    assert not single.end(1.0)


def test_a_line_without_an_end_is_shown_in_pieces():
    lines = Lines()
    entries = lines.feed(b"x" * 10000, 1.0)
    assert [len(entry.line) for entry in entries] == [4096, 4096]
    assert len(lines.end(1.0)[0].line) == 10000 - 8192
