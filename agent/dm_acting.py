"""A session while commands are carried out: what they ask of it. See dm_session.py and dm_commands.py."""

from agent.compat import const
from agent.dm_commands import Commands
from agent.dm_session import NO_LIMIT, Session

_DATA = const(0x0F)


class Acting(Session):
    """What a Session is asked in that turn."""

    def begin_commands(self):
        """Get ready to execute what came; on a small board the tree comes into memory here."""
        self.commands = Commands(self.arena, self.dm.tree, self, self.acts_from)
        self.acts_from = -1

    def on_alert(self, commands, record):
        """Return the status of an Alert, 0 while the user has not answered."""
        code = self.arena.number(record, _DATA)
        if code == 1223:
            self.aborted = True
        if self.refusal or code in (1222, 1223, 1225):
            return self.refusal or 200
        if not 1100 <= code <= 1104:
            return 406
        from agent.ui import ask

        answer = ask(self, commands, code, record)
        self.waiting = not answer
        if not answer:
            return 0
        self.program.answers[record] = answer[1]
        return answer[0]

    def too_large(self, first, last):
        """Tell whether the Statuses of an Atomic would not fit into one message."""
        return self.peer_limit != NO_LIMIT and not self.make_answer().fits(self.program, first, last)
