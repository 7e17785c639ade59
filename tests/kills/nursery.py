"""A process that has loaded everything and makes a server by fork for each life: a start in a tenth of the time.

Orders come as JSON lines: {"do": "start", ...Death, "number": n}, {"do": "end"} (wait for its own death, kill it when its time is
over). `python -m tests.kills.nursery FOLDER`. Ends with its input, and the server with it.
"""

import json
import mmap
import os
import signal
import sys
import time

from flash_tools.server import page  # noqa: F401 - else each life loads it
from tests.kills import life
from tests.kills.deaths import Death

_WORD = 128
_STEP_S = 0.002


class Nursery:
    """One child at a time."""

    def __init__(self, folder):
        self._folder, self._child, self._death = folder, None, None
        self._word = mmap.mmap(-1, _WORD)  # shared: what the child is at

    def start(self, number, **death):
        """Bear a server."""
        self._death, self._ready = Death(**death), False
        self._reader, self._writer = os.pipe()
        self._born = time.monotonic()
        self._child = os.fork()
        if not self._child:
            self._live(number)
        os.close(self._writer)
        if self._death.phase != "start":
            self._ready = os.read(self._reader, 1) == b"r"
            self._born = time.monotonic()
        return {"pid": self._child, "ready": self._ready}

    def _live(self, number):
        try:
            os.close(self._reader)
            os.set_inheritable(0, False)
            life.serve(self._folder, number, self._death, self._say, lambda: os.write(self._writer, b"r"))
        finally:
            os._exit(3)  # never reached unless there is a defect; its traceback is on stderr

    def _say(self, word):
        self._word[:] = word[:_WORD].ljust(_WORD)

    def end(self):
        """Wait for the death; return what the server was at, and how it ended."""
        while True:
            done, status = os.waitpid(self._child, os.WNOHANG)
            if done:
                break
            if time.monotonic() - self._born > self._death.after_s:
                os.kill(self._child, signal.SIGKILL)
                status = os.waitpid(self._child, 0)[1]
                break
            time.sleep(_STEP_S)
        os.close(self._reader)
        self._child = None
        return {"at": bytes(self._word).decode().strip(), "killed": os.WIFSIGNALED(status), "status": status}

    def close(self):
        """Leave nobody behind."""
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)


def main(folder):
    """Do what comes."""
    nursery = Nursery(folder)
    try:
        for line in sys.stdin:
            order = json.loads(line)
            print(json.dumps(getattr(nursery, order.pop("do"))(**order)), flush=True)
    finally:
        nursery.close()


if __name__ == "__main__":
    main(sys.argv[1])
