"""The update jobs of one device: taken by correlator, downloaded, notified, installed once; what its flash would hold of them.

Here stands what must never come: a second job while one is under way, and an order for what runs already.
"""

import hashlib
import re
import time
from dataclasses import dataclass

_INSTALL_S = (0.05, 0.4)
_PIECES = 3
_FAILS, _FAILS_AGAIN = 0.15, 0.25  # how often an installation fails, and how often the second one does, too
_FAILURE = 410


@dataclass
class Job:
    """`code`: what is reported, None before the end."""

    correlator: str
    path: str
    version: str
    code: int | None = None
    got: bytes = b""
    notified: bool = False
    due: float = 0
    reported: bool = False


class Jobs:
    """`unsaid`: (correlator, life of the server) of Execs whose Status has not gone out yet."""

    def __init__(self, device, truth, source):
        self.device, self._truth, self._source = device, truth, source
        self.version, self.life, self.unsaid = "1.0", None, []
        self._jobs: dict[str, Job] = {}

    @property
    def unreported(self) -> list[Job]:
        """Return the jobs that have ended and whose end the server has not taken."""
        return [job for job in self._jobs.values() if job.code is not None and not job.reported]

    def ordered(self, correlator: str, url: str):
        """Take an Exec; the same correlator is the same job."""
        self._truth.note("wire", (self.device, correlator))
        self.unsaid.append((correlator, self.life))
        if correlator in self._jobs:
            self._truth.count("execs again")
            return
        path = "/" + url.split("/", 3)[3]
        version = re.search(r"/v(\d+)[^/]*$", path)[1] + ".0"
        if version == self.version:
            self._truth.violation("%s runs %s and is told to update to it by %s", self.device, version, correlator)
        busy = [job.correlator for job in self._jobs.values() if not job.reported]
        if busy:
            self._truth.violation("%s is at %s and gets the order %s", self.device, busy[0], correlator)
        self._jobs[correlator] = Job(correlator, path, version)

    def work(self, web, lives):
        """Go on with what is to be done; `lives` is called before each request."""
        for job in [job for job in self._jobs.values() if job.code is None]:
            if not job.due and self._download(job, web, lives):
                job.due = time.monotonic() + self._source.uniform(*_INSTALL_S)
            elif job.due and time.monotonic() > job.due:
                self._install(job)

    def _download(self, job, web, lives):
        """Get the package by its descriptor, piece by piece; a piece that was had is kept. Tell whether it is whole."""
        lives()
        text = web.get(job.path)
        size = _field(text, "size")
        if size is None:
            return False
        path = "/" + _field(text, "objectURI").split("/", 3)[3]
        while len(job.got) < int(size):
            lives()
            end = min(int(size), len(job.got) + int(size) // _PIECES + 1)
            part = web.get(path, {"Range": "bytes=%d-%d" % (len(job.got), end - 1)})
            if part is None:
                return False
            job.got += part
        return self._check(job) and self._notify(job, web, _field(text, "installNotifyURI"))

    def _check(self, job):
        name = job.path.rpartition("/")[2].removesuffix(".dd")
        if hashlib.sha256(job.got).hexdigest() != self._truth.uploads.get(name):
            self._truth.violation("%s: %s came in other bytes than were uploaded", self.device, name)
        return True

    def _notify(self, job, web, url):
        if web.get("/" + url.split("/", 3)[3], {"Content-Type": "text/plain"}, b"900 Success\r\n") is None:
            return False
        self._truth.note("notified", (self.device, job.correlator))
        return True

    def _install(self, job):
        earlier = [each for each in self._jobs.values() if each.version == job.version and each is not job]
        failure = self._source.random() < (_FAILS_AGAIN if earlier else _FAILS)
        job.code = _FAILURE if failure else 200
        if not failure:
            self.version = job.version
        self._truth.note("installs", (self.device, job.version, job.correlator, not failure))


def _field(text, name):
    found = text and re.search("<%s>([^<]*)</%s>" % (name, name), text.decode())
    return found[1].strip() if found else None
