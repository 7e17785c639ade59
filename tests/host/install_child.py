"""Installs a package as the command does, and ends itself by SIGKILL at a given write or sync: install_child.py N ARGS..."""

import os
import signal
import sys

from ports.cpython_linux import block, install


class Counting:
    """Stands for `os`; dies at the operation with that number."""

    def __init__(self, left):
        self.left = left

    def __getattr__(self, name):
        return getattr(os, name)

    def pwrite(self, *words):
        self._count()
        return os.pwrite(*words)

    def fdatasync(self, *words):
        self._count()
        return os.fdatasync(*words)

    def _count(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    block.os = Counting(int(sys.argv[1]))
    sys.exit(install.main(sys.argv[3:], sys.argv[2]))
