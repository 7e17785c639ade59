"""Who owes whom a Status: every command of every server message gets its answer, the right one, once, and in time.

Holds the rules of omadm.md 2.3 and 2.5 for the answers of a client; told of messages in wire order.
"""

from tests.dm.message import COMMANDS, need

CODES = {101, *range(200, 217), *range(300, 306), *range(400, 426), *range(500, 515), 516, 517}
_WITH_ITEMS = ("Add", "Replace", "Delete", "Get", "Exec", "Copy")


class _Debt:
    """One command of the server and what the client has said about it."""

    def __init__(self, command, key):
        self.command, self.key = command, key
        self.name = command.name
        self.targets = [item.target or "" for item in command.items] if command.name in _WITH_ITEMS else []
        self.statuses = []
        self.due = [] if self.name == "Get" else None  # LocURIs whose Results are still to come
        self.optional = command.name not in COMMANDS
        self.odd = (
            len(self.targets) > 1 and "" in self.targets
        )  # a nameless Item can only be answered without TargetRef

    def paid(self):
        """Tell whether all Statuses are there: one for all, or one for each Item."""
        whole = any(not status.target_refs for status in self.statuses)
        if self.odd:
            return sum(len(s.target_refs) or 1 for s in self.statuses) >= len(self.targets)
        return whole or sum(len(s.target_refs) for s in self.statuses) >= max(1, len(self.targets))


class Ledger:
    """All debts of one session."""

    def __init__(self):
        self._debts = {}

    def server(self, message):
        """Note what the server's message asks for."""
        for command in message.commands:
            if command.cmd_id:
                key = message.msg_id, command.cmd_id
                self._debts.setdefault(key, []).append(_Debt(command, key))

    def client(self, message, server_header):
        """Check the Statuses and Results of a client message, in their order."""
        for element in message.all:
            if element.name == "Status" and element.cmd != "SyncHdr":
                self._status(element)
            elif element.name == "Results":
                self._results(element)
        if server_header is not None:
            self._header(server_header)

    def _header(self, status):
        code = int(status.code)
        ours = [d for debts in self._debts.values() for d in debts if d.key[0] == status.msg_ref]
        if code in (401, 407):
            for debt in ours:
                wrong = [s.code for s in debt.statuses if s.code != status.code]
                need(not wrong and debt.statuses, "SyncHdr got %s, its %s got %s", code, debt.name, wrong or "nothing")
        elif code >= 400:
            for debt in ours:
                debt.optional = True

    def _status(self, status):
        where = "Status %s for MsgRef %s CmdRef %s" % (status.code, status.msg_ref, status.cmd_ref)
        debts = self._debts.get((status.msg_ref, status.cmd_ref), [])
        need(debts, "%s: no such command", where)
        need(any(d.name == status.cmd for d in debts), "%s: Cmd is %s, not %s", where, status.cmd, debts[0].name)
        debts = [d for d in debts if d.name == status.cmd]
        debt = next((d for d in debts if not d.paid()), None)
        need(debt is not None, "%s: it had its Status already", where)
        self._references(status, debt, where)
        self._chunk(status, debt, where)
        debt.statuses.append(status)
        if debt.due is not None and status.code == "200":
            debt.due += status.target_refs

    def _references(self, status, debt, where):
        refs, had = status.target_refs, [r for s in debt.statuses for r in s.target_refs]
        for ref in refs:
            need(ref in debt.targets, "%s: TargetRef %s is not in the command", where, ref)
            need((had + refs).count(ref) <= debt.targets.count(ref), "%s: second Status for %s", where, ref)
        need(refs or not had or debt.odd, "%s: one Status with TargetRef, one without", where)
        sources = [item.source for item in debt.command.items]
        for ref in status.source_refs:
            need(ref in sources, "%s: SourceRef %s is not in the command", where, ref)
        named = [t for t in debt.targets if t]
        if status.code in ("200", "201", "202", "213") and not debt.odd:  # one Status per Item, each with its TargetRef
            need(len(refs) == (1 if named else 0), "%s: wants one TargetRef, has %d", where, len(refs))

    def _chunk(self, status, debt, where):
        code = int(status.code)
        if debt.command.more:
            need(code in (213, 215, 216) or code >= 400, "%s: a chunk wants 213", where)
        else:
            need(code != 213, "%s: 213 for what is no chunk", where)

    def _results(self, results):
        where = "Results for MsgRef %s CmdRef %s" % (results.msg_ref or "1", results.cmd_ref)
        gets = [d for d in self._debts.get((results.msg_ref or "1", results.cmd_ref), []) if d.due is not None]
        need(gets, "%s: there was no such Get", where)
        for item in results.items:
            uri = item.source
            need(uri, "%s: an Item without Source/LocURI", where)
            need(item.data is not None or item.more, "%s: an Item without Data", where)
            self._one_result(gets, uri, item.more, where)
        for ref in results.target_refs:
            need(any(ref in d.targets for d in gets), "%s: TargetRef %s", where, ref)

    def _one_result(self, gets, uri, more, where):
        for debt in gets:
            asked = [s for s in debt.statuses if s.code == "200"]
            answered = [ref for s in asked for ref in s.target_refs]
            lists = [ref for ref in answered if "?list=" in ref.lower()]
            if uri in debt.due:
                if not more:
                    debt.due.remove(uri)
                return
            base = next((r for r in lists if (uri + "/").startswith(r.split("?")[0].rstrip("/") + "/")), None)
            if base is not None:
                if base in debt.due and not more:
                    debt.due.remove(base)
                return
            need(uri not in answered, "%s: %s is given twice", where, uri)
        need(False, "%s: %s was not asked for, or had no Status 200", where, uri)

    def close(self):
        """Check that nothing is owed any more."""
        for debts in self._debts.values():
            for debt in debts:
                said = debt.statuses or debt.optional
                need(said, "MsgID %s: no Status for %s %s", debt.key[0], debt.name, debt.key[1])
                need(debt.optional or debt.paid(), "not all Items of %s %s have a Status", debt.name, debt.key[1])
                need(not debt.due, "no Results for %s of Get %s", debt.due, debt.key[1])

    def waive(self, msg_ref, cmd_ref, uri):
        """Let a Results be that the server refused in the middle."""
        for debt in self._debts.get((msg_ref or "1", cmd_ref), []):
            if uri in (debt.due or ()):
                debt.due.remove(uri)

    def is_struct(self, results):
        """Tell whether the Get asked for names without values."""
        debts = self._debts.get((results.msg_ref or "1", results.cmd_ref), [])
        return any(target.lower().endswith("?list=struct") for debt in debts for target in debt.targets)

    def owes(self):
        """Tell whether a Status or a Results is still to come."""
        debts = [debt for debts in self._debts.values() for debt in debts if not debt.optional]
        return any(debt.due or not (debt.statuses and debt.paid()) for debt in debts)

    def forget(self, msg_id=None):
        """Waive the debts: of one message, or all of them."""
        for key in list(self._debts):
            if msg_id in (None, key[0]):
                for debt in self._debts[key]:
                    debt.optional, debt.due = True, debt.due and []
