"""Runs a job on bytes that nobody vouches for in a process of its own, with an end to its time and its memory.

littlefs is C code: a damaged image may send it round for ever, or crash it. bsdiff takes its time on repetitive bytes.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

_JOBS = {  # name -> (module, function, seconds, MiB)
    "lfs2": ("flash_tools.images.lfs2", "read_files", 20, 768),
    "delta": ("flash_tools.packages.package_diff", "delta_size", 60, 2048),
}
_ANSWER_MAX = 64 << 20
_COMMAND = ("-P", "-m", __name__)  # -P: modules of the folder where the user is are not ours
_ROOT = str(Path(__file__).parents[2])


class BoundedError(Exception):
    """The job did not come to an end, or said why it cannot be done."""


def run(job: str, *parts: bytes):
    """Return what the job's function returns for these bytes, by way of JSON."""
    seconds = _JOBS[job][2]
    sizes = [len(part) for part in parts]
    command = [sys.executable, *_COMMAND, job, *map(str, sizes)]
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = os.pathsep.join([_ROOT, *filter(os.path.isabs, given)])  # what is relative is the user's folder again
    try:
        done = subprocess.run(
            command, input=b"".join(parts), capture_output=True, timeout=seconds + 10, env={**os.environ, "PYTHONPATH": path}
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BoundedError("it takes too long to look into") from None
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise BoundedError("it takes too long to look into")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise BoundedError("it breaks what reads it") from None
    if "error" in answer:
        raise BoundedError(answer["error"])
    return answer["value"]


def _main(job, *sizes):
    module, function, seconds, mib = _JOBS[job]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parts = [sys.stdin.buffer.read(int(size)) for size in sizes]
    try:
        answer = {"value": getattr(import_module(module), function)(*parts)}
    except Exception as e:  # whatever a damaged image makes of the reader
        answer = {"error": (str(e) or type(e).__name__).splitlines()[0][:200]}
    text = json.dumps(answer)
    print(text if len(text) < _ANSWER_MAX else '{"error": "it holds too much to be listed"}')


if __name__ == "__main__":
    _main(*sys.argv[1:])
