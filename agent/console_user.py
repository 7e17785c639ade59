"""The user of a board whose console is all that he has: what a server asks is said there, and answered by `yes` or `no`."""


class User:
    """A user interface (see agent/ui.py): says `reply`, or asks at the console where that is None."""

    pause_ms = 100

    def __init__(self, reply, say):
        self._reply, self._say = reply, say
        self._question = None
        self._answered = None

    def answer(self, question):
        """Return the user's answer, None while there is none."""
        if self._reply is not None:
            return self._for(question, self._reply)
        if self._question is not question:
            self._question, self._answered = question, None
            self._say("question", question.kind, " ".join(question.text.split()))
        return None if self._answered is None else self._for(question, self._answered)

    def hear(self, reply):
        """The user has said something: True for yes, False for no."""
        self._answered = reply

    def _for(self, question, reply):
        if question.kind == 1100:
            return 200, ()
        if question.kind > 1101:
            return 406, ()
        return (200 if reply else 304), ()
