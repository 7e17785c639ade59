"""What the lines of a board's console mean: the events of docs/simulator.md in words, and which of them are good or bad news."""

import json
from dataclasses import dataclass

from flash_tools.boards import fumo_words

GOOD, BAD, WARN, NEWS, OTHER = "good", "bad", "warn", "news", ""
_CAUSES = {
    "power": "power came",
    "commanded": "the firmware wanted a restart",
    "watchdog": "a watchdog, a crash or a brown-out",
    "unknown": "the board cannot tell why",
}
_FIXED = {
    "session open": (NEWS, "a management session begins"),
    "session closed": (NEWS, "the session is over"),
    "button taken": (GOOD, "the board will ask its server"),
    "button refused": (WARN, "an update is under way, or somebody asked a moment ago"),
    "idle": (GOOD, "nothing is left to do"),
}


@dataclass(frozen=True)
class Meaning:
    """What a line means; `text` is empty where it speaks for itself."""

    kind: str = OTHER
    text: str = ""


def explain(line: str) -> Meaning:
    """Return what a line means."""
    if line in _FIXED:
        return Meaning(*_FIXED[line])
    word, _, rest = line.partition(" ")
    words = rest.split()
    explained = _WORDS.get(word)
    return explained(rest, words) if explained and words else Meaning()


def _number(words):
    """Return the number that the line has, None where it is another line that begins alike."""
    return (
        int(words[0]) if len(words) == 1 and words[0].isascii() and words[0].isdigit() and len(words[0]) < 10 else None
    )


def _boot(rest, words):
    if len(words) < 8 or words[1] != "bank" or words[4] != "version":
        return Meaning()
    trial = words[3] == "trial"
    text = "firmware %s starts from bank %s%s: %s" % (
        words[5], words[2], " on trial" if trial else "", _CAUSES.get(words[-1], words[-1]),
    )  # fmt: skip
    return Meaning(WARN if trial or words[-1] == "watchdog" else NEWS, text)


def _state(rest, words):
    number = _number(words)
    if number is None:
        return Meaning()
    kind = BAD if number in (20, 70, 80) else GOOD if number in (90, 100) else NEWS
    return Meaning(kind, "State %d, %s" % (number, fumo_words.state(number)))


def _result(text):
    def explained(rest, words):
        code = _number(words)
        if code is None:
            return Meaning()
        return Meaning(GOOD if 200 <= code < 300 else BAD, text % fumo_words.result(code))

    return explained


def _dropped(rest, words):
    code = _number(words)
    return Meaning() if code is None else Meaning(BAD, "result %d will never be delivered" % code)


def _progress(rest, words):
    number = _number(words)
    return Meaning() if number is None else Meaning(NEWS, "%d KiB of the package are in flash" % (number // 1024))


def _listening(rest, words):
    port = _number(words)
    return Meaning() if port is None else Meaning(NEWS, "notifications are heard at UDP port %d" % port)


def _recovery(rest, words):
    seconds = _number(words)
    text = "no firmware starts: serial recovery waits %s s for `fumo recover upload`"
    return Meaning() if seconds is None else Meaning(BAD, text % seconds)


def _reset(rest, words):
    cause = _CAUSES.get(rest)
    return Meaning(BAD if rest == "watchdog" else NEWS, "the board restarts: %s" % cause) if cause else Meaning()


def _status(rest, words):
    try:
        facts = json.loads(rest)
        state, bank = int(facts["state"]), facts["bank"]
        text = "firmware %s in bank %s, State %d, %s" % (facts["version"], bank, state, fumo_words.state(state))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Meaning()
    return Meaning(NEWS, text)


def _question(rest, words):
    return Meaning(WARN, "the user is asked: type yes or no")


def _cut(rest, words):
    return Meaning(BAD, "the power went") if words[-2:-1] == ["at"] else Meaning()


def _done(rest, words):
    return Meaning(GOOD, "%s is done" % rest) if len(words) == 1 else Meaning()


def _refused(rest, words):
    return Meaning(WARN, "") if words[0].endswith(":") else Meaning()


def _error(rest, words):
    return Meaning(BAD, "")


def _defect(rest, words):
    return Meaning(BAD, "the firmware did what the flash does not allow: please report it")


_WORDS = {
    "boot": _boot,
    "listening": _listening,
    "state": _state,
    "question": _question,
    "progress": _progress,
    "result": _result("the update is over: %s"),
    "reported": _result("the server knows: %s"),
    "dropped": _dropped,
    "reset": _reset,
    "recovery": _recovery,
    "status": _status,
    "cut": _cut,
    "done": _done,
    "refused": _refused,
    "error": _error,
    "defect": _defect,
}
