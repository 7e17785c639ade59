"""Processes that end with the one that started them, however it ends.

The kernel ends such a child when the *thread* that made it ends; so one thread, which lives as long as the process, makes all.
"""

import queue
import subprocess
import threading

from flash_tools.rig.emulator.commands import find

NOTHING = subprocess.DEVNULL
_jobs: queue.SimpleQueue = queue.SimpleQueue()
_started = threading.Lock()


def start(argv: list[str], **options) -> subprocess.Popen:
    """Start a program; it gets SIGKILL when this process ends."""
    if _started.acquire(blocking=False):
        threading.Thread(target=_serve, name="rig-launch", daemon=True).start()
    answer: queue.SimpleQueue = queue.SimpleQueue()
    _jobs.put(([find("setpriv"), "--pdeathsig", "KILL", "--", *argv], options, answer))
    process, error = answer.get()
    if error:
        raise error
    return process


def _serve():
    while True:
        argv, options, answer = _jobs.get()
        try:
            answer.put((subprocess.Popen(argv, **options), None))
        except Exception as e:  # it belongs to the caller
            answer.put((None, e))
