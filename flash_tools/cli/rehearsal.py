"""`--dry-run` of the commands that talk to a server: what only reads is done, the first change is told instead of sent.

The server is not asked whether it would agree: what it would refuse, it refuses when it is asked in earnest.
"""

import json


class Rehearsed(Exception):
    """What would have been sent."""

    def __init__(self, method: str, where: str, body=None):
        self.method, self.where, self.body = method, where, body

    @property
    def fields(self) -> dict:
        """Return it for the result object."""
        body = {"bytes": len(self.body)} if isinstance(self.body, bytes) else self.body
        return {"dry_run": True, "request": {"method": self.method, "path": self.where, "body": body}}

    def __str__(self):
        body = self.fields["request"]["body"]
        return "would send %s %s%s" % (self.method, self.where, " " + json.dumps(body) if body else "")


class Rehearsal:
    """A client of a server that changes nothing."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        return getattr(self._client, name)

    def post(self, where: str, body=None, **query):
        """Tell it."""
        raise Rehearsed("POST", where, {**query, **body} if isinstance(body, dict) else body)

    def patch(self, where: str, body):
        """Tell it."""
        raise Rehearsed("PATCH", where, body)

    def delete(self, where: str):
        """Tell it."""
        raise Rehearsed("DELETE", where)
