"""The five alerts that ask or tell the user something.

A `ui` has `answer(question)`: None while the user has not answered, else (status, list of texts); and `pause_ms`, how long
to wait before asking again. Nothing reaches it before its message has proven authentic.
"""

from agent.compat import const
from agent.dm_arena import to_text

DISPLAY = const(1100)
CONFIRM = const(1101)
INPUT = const(1102)
CHOICE = const(1103)
CHOICES = const(1104)
MAX_TEXT = const(512)
_DATA = const(0x0F)
_CMD_ID = const(0x0B)


class Question:
    """`options` is a dict with those of MINDT, MAXDT (seconds), DR, MAXLEN, IT and ET that make sense."""

    def __init__(self, kind, options, text, choices):
        self.kind, self.options, self.text, self.choices = kind, options, text, choices


def ask(session, commands, kind, record):
    """Return the status and the texts for one alert, None while the user has not answered."""
    if session.question is None:
        texts = []
        for item in commands.arena.items(record, commands.end):
            texts.append(to_text(session.arena.field(item, _DATA) or b""))
        code = _check(kind, texts) if session.arena.field(record, _CMD_ID) else 400
        if code:
            return code, ()
        session.question = Question(kind, options(kind, texts[0]), texts[1], texts[2:])
    answer = session.dm.ui.answer(session.question)
    if answer is not None:
        session.question = None
    return answer


def _check(kind, texts):
    """Return what is wrong with the alert: 412 incomplete, 416 too much to show, 0 for nothing."""
    if len(texts) < 2 or not texts[1] or kind >= CHOICE and len(texts) < 3:
        return 412
    if sum([len(text) for text in texts[1:]]) > MAX_TEXT:
        return 416
    return 0


def options(kind, text):
    """Return the options that make sense for this kind of alert; what does not is skipped in silence."""
    found = {}
    for part in text.split("&"):
        name, _, value = part.partition("=")
        name, value = name.strip().upper(), unquote(value.strip())
        if name in ("MINDT", "MAXDT", "MAXLEN"):
            if value.isdigit() and 0 < len(value) < 7 and (name != "MAXLEN" or kind == INPUT):
                found[name] = int(value)
        elif name == "DR" and kind != DISPLAY:
            found[name] = value
        elif kind == INPUT and (
            name == "IT" and value in ("A", "N", "D", "T", "P", "I") or name == "ET" and value in ("T", "P")
        ):
            found[name] = value
    return found


def unquote(text):
    """Undo URL encoding; `+` is a blank."""
    parts = text.replace("+", " ").split("%")
    out = parts[0].encode()
    for part in parts[1:]:
        try:
            out += bytes((int(part[:2], 16),)) + part[2:].encode()
        except ValueError:
            out += b"%" + part.encode()
    try:
        return str(out, "utf-8")
    except UnicodeError:
        return ""
