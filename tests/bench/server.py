"""What a management message costs the server: CPU seconds of an echo of the same bytes over CPU seconds of the server.

Both are processes of their own with uvicorn's h11 protocol and asyncio; a third one, this, is the devices. In each round they
hold real sessions (half XML, half WBXML, md5 both ways), a message each at the same time; then the same bytes go, in the same
way, to a bare Starlette endpoint that echoes them. The store is a file with synchronous=NORMAL, and each exchange is committed
before its answer. Beside it: sessions a second and what a message waits, with 1, 10 and 300 devices that never pause.
"""

import json
import statistics
import subprocess
import sys

from tests.bench.server_load import Connection, Fleet, echo

_MOST, _ROUNDS, _LINKS, _MESSAGES = 300, 12, 50, 4
_USUAL = 10  # devices at the same time, where one figure is to stand for all
_LOADS = ((1, 2), (10, 2), (300, 4))  # devices, seconds


class Process:
    """A server in a process of its own, see server_process."""

    def __init__(self, *arguments: str):
        command = [sys.executable, "-m", "tests.bench.server_process", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.told = self._hear()

    def _hear(self):
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the server process has ended")
        return json.loads(line)

    def ask(self, what: str, **values) -> dict:
        """Let it do something."""
        self._process.stdin.write(json.dumps({"do": what, **values}) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def cpu_s(self, work) -> tuple[float, object]:
        """Do the work; return the CPU seconds that it cost the server, and what it gave."""
        before = self.ask("usage")["cpu_s"]
        done = work()
        return self.ask("usage")["cpu_s"] - before, done

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.stdout.close()


def measure():
    """Return the figures."""
    figures = {
        "server_cpu_vs_echo": costs("plain")[0],
        "server_cpu_vs_echo_tls": costs("tls")[0],
        "server_cpu_vs_echo_alone": costs("plain", 1)[0],  # no message shares its transaction
    }
    with Process("dm", "plain", str(_MOST)) as server:
        fleet = _fleet(server)
        fleet.run(_MOST, sessions=_MOST)  # all have been here once
        for count, seconds in _LOADS:
            load = fleet.run(count, seconds)
            figures["server_sessions_per_s_%d" % count] = round(load.sessions / load.seconds)
            figures["server_p99_ms_%d" % count] = load.p99_ms
    figures["server_sessions_per_s"], figures["server_p99_ms"] = (
        figures["server_%s_%d" % (name, _USUAL)] for name in ("sessions_per_s", "p99_ms")
    )
    return figures


def _fleet(server):
    return Fleet(server.told["port"], server.told["devices"], lambda kind, name: server.ask(kind, device=name))


def costs(security: str, links: int = _LINKS) -> tuple[float, int]:
    """Return the ratio, and the microseconds of the server for a message; `links` devices speak at the same time."""
    count = _MESSAGES * _LINKS // links
    with Process("echo", security, "0") as other, Process("dm", security, str(links)) as server:
        ours, theirs = (
            [Connection(each.told["port"], each.told["ca_pem"]) for _ in range(links)] for each in (server, other)
        )
        fleet = _fleet(server)
        echo(theirs, fleet.together(ours, 2 * count))  # all have been here once
        return _costs(lambda: fleet.together(ours, count), lambda said: echo(theirs, said), server, other)


def _costs(talk, repeat, server, other):
    ratios, spent = [], []
    for _ in range(_ROUNDS):
        cost, said = server.cpu_s(talk)
        bare, _ = other.cpu_s(lambda said=said: repeat(said))
        ratios.append(bare / cost)
        spent.append(cost / sum(len(messages) for messages in said))
    return round(statistics.median(ratios), 3), round(1e6 * statistics.median(spent))


if __name__ == "__main__":
    for name, value in measure().items():
        print("%-30s %s" % (name, value))
