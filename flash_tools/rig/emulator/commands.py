"""Programs that the emulated board needs: found or named by their Debian package, run, and their complaint in one line."""

import os
import shutil
import subprocess

from flash_tools.errors import NotFoundError, ToolError

PACKAGES = {
    "apt-get": "apt",
    "apt-cache": "apt",
    "dpkg-deb": "dpkg",
    "dpkg-source": "dpkg-dev",
    "make": "make",
    "cc": "gcc",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "arm-none-eabi-nm": "binutils-arm-none-eabi",
    "dtc": "device-tree-compiler",
    "fdtput": "device-tree-compiler",
    "fdtget": "device-tree-compiler",
    "qemu-system-arm": "qemu-system-arm",
    "setpriv": "util-linux",
}
_TIMEOUT_S = 300


def find(program: str) -> str:
    """Return the path of a program; without it the error names the package that has it."""
    path = shutil.which(program, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if path is None:
        package = PACKAGES.get(program, program)
        raise NotFoundError("there is no %s: install the Debian package %s" % (program, package))
    return path


def call(program: str, *arguments: object, cwd: object = None, environment: dict | None = None) -> str:
    """Run a program to its end and return what it prints."""
    argv = [find(program), *map(str, arguments)]
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise ToolError("%s did not end within %d s" % (program, _TIMEOUT_S)) from None
    if done.returncode:
        raise ToolError("%s failed: %s" % (program, complaint(done.stderr or done.stdout)))
    return done.stdout


def complaint(text: str) -> str:
    """Return the line of a program's output that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "FATAL", "ERROR", "Error"))]
    return (errors or lines or ["it does not say why"])[0 if errors else -1]
