"""HTTP to the server as devices do it: short patience, connections that break, and no trust that anybody is there."""

import http.client
import time
from dataclasses import dataclass

_TIMEOUT_S = 5


@dataclass(frozen=True)
class Reply:
    """An answer that came whole."""

    status: int
    fields: dict
    body: bytes


class Web:
    """`port` stays the same over all lives of the server."""

    def __init__(self, port: int, truth, source):
        self.port, self._truth, self._source = port, truth, source

    def connect(self):
        """Return a connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_S)

    def ask(self, link, method, path, body=None, headers=None) -> Reply:
        """Return the answer; OSError or HTTPException where it did not come whole."""
        link.request(method, path, body, headers or {})
        answer = link.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, fields, answer.read())

    def get(self, path, headers=None, body=None) -> bytes | None:
        """Return the body of a good answer, None where there is none; another answer must not be."""
        link = self.connect()
        try:
            reply = self.ask(link, "GET" if body is None else "POST", path, body, headers)
        except (OSError, http.client.HTTPException):
            self._truth.count("broken downloads")
            return None
        finally:
            link.close()
        if self.is_put_off(reply):
            return None
        if reply.status not in (200, 206):
            self._truth.violation("HTTP %d for %s", reply.status, path.partition("?")[0])
            return None
        return reply.body

    def is_put_off(self, reply: Reply) -> bool:
        """Tell whether the server says that it cannot keep anything at the moment, and when to come again."""
        if reply.status != 503:
            return False
        self._truth.count("put off")
        if not reply.fields.get("retry-after", "").isdigit():
            self._truth.violation("503 without Retry-After: %s", reply.body[:100])
        return True

    def pause(self):
        """Wait as a device does whose connection broke."""
        time.sleep(self._source.uniform(0.02, 0.15))
