"""Simulated boards with two firmwares in them, and one that answers whatever a test wants, for tests of the owner's commands."""

import contextlib
import os
import threading
import tty

from flash_tools.sim import sim_files
from flash_tools.sim.sim_process import SimProcess, command
from flash_tools.sim.sim_serial import LINK, SerialCable
from ports.sim.device import install_firmware
from ports.sim.flash_file import FileNor
from ports.sim.real_clock import RealClock
from tests.host.sim_devices import QUICK


def two_banks(folder, counter=5, behaviour="good", **given):
    """Return the files of a device that runs 1.0 and has 2.0 in its other bank, never tried."""
    files = sim_files.make(folder, chip_kib=1024, size=8192, counter=5, **given)
    image = files.image("2.0", behaviour, 8192)
    flash = FileNor(str(files.flash), RealClock())
    install_firmware(flash, files.layout, 1, files.package(image, counter), image)
    flash.file.close()
    return files


@contextlib.contextmanager
def running(files, *options, micropython=False, quick=QUICK):
    """Give (process, board's name) of a device that runs with a serial line."""
    with SerialCable(files.folder / LINK) as cable:
        words = command(files.flash, files.provision, *quick, "--serial", cable.device, micropython=micropython)
        with SimProcess([*words, *map(str, options)]) as process:
            process.wait_for("listening")
            yield process, "sim:%s" % files.folder


class Puppet:
    """A terminal whose other end answers each line by `answer(line) -> bytes`, None hangs up."""

    def __init__(self, answer):
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        self.path, self.heard, self._answer = os.ttyname(self._far), [], answer
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        text = b""
        with contextlib.suppress(OSError):
            while True:
                text += os.read(self._near, 256)
                *lines, text = text.split(b"\n")
                for line in lines:
                    self.heard.append(line)
                    answer = self._answer(line) if line else b""
                    if answer is None:
                        os.close(self._near)
                        return
                    os.write(self._near, answer)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for fd in (self._far, self._near):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._thread.join(5)
