"""The command `fumo` on the emulated board itself: the project's tools, and the Python packages that they want there.

What is pure Python comes from the interpreter that runs this; what is compiled comes as a wheel for the board's processor, which
`fetch` downloads once, while there is a network.
"""

import json
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from flash_tools.rig.emulator.project_files import DEVICE, PLACE, module, project_files

WHEELS = Path("build") / "rig" / "wheels"
_PURE = (
    "typer", "click", "rich", "markdown-it-py", "mdurl", "shellingham", "annotated-doc", "annotated-types", "pydantic",
    "typing_extensions", "typing-inspection",
)  # fmt: skip
_COMPILED = "pydantic_core"
_FOR_THE_BOARD = (
    "--no-deps", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--platform=manylinux2014_armv7l",
    "--platform=manylinux_2_17_armv7l", "--platform=manylinux_2_31_armv7l",
)  # fmt: skip
_DOWNLOAD_S = 120
_SKIPPED = ("pygments/lexers/", "/tests/", "/__pycache__/", ".pyi", ".exe")
CALL = """
def fumo(*words):
    import io, sys
    from contextlib import redirect_stderr, redirect_stdout
    from flash_tools import cli
    out, err, sys.argv, code = io.StringIO(), io.StringIO(), ["fumo", *words], 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as e:
            code = e.code or 0
    return code, out.getvalue(), err.getvalue()
"""
FIRST = "import sys\nif '/%s' not in sys.path: sys.path.insert(0, '/%s')\n" % (PLACE, PLACE)


def wheel(folder: Path = WHEELS) -> Path | None:
    """Return the wheel that fits to this interpreter's packages, None where it has not been fetched."""
    found = sorted(folder.glob("%s-%s-*armv7l.whl" % (_COMPILED, _version() or "none")))
    return found[0] if found else None


def fetch(say=lambda text: None, folder: Path = WHEELS) -> Path | None:
    """Download what is not there yet; None where that cannot be: tests that want it say so."""
    if wheel(folder) or _version() is None:
        return wheel(folder)
    say("downloading %s %s for the board" % (_COMPILED, _version()))
    words = (sys.executable, "-m", "pip", "--quiet", "download", *_FOR_THE_BOARD, "--dest", str(folder))
    try:
        subprocess.run(
            [*words, "%s==%s" % (_COMPILED, _version())], timeout=_DOWNLOAD_S, check=True, capture_output=True
        )
    except (OSError, subprocess.SubprocessError) as e:
        say("it is not to be had: %s" % e)
    return wheel(folder)


def tools() -> dict[str, bytes]:
    """Return the tools and what they want as files of a payload, compiled for the board's Python."""
    found = project_files((*DEVICE, "flash_tools"))
    for name in _PURE:
        try:
            files = metadata.distribution(name).files or ()
        except metadata.PackageNotFoundError:  # what one version of a package needs, another does not
            continue
        for file in files:
            if not file.as_posix().startswith(".."):
                _add(found, file.as_posix(), Path(file.locate()))
    with zipfile.ZipFile(wheel()) as packed:
        for name in packed.namelist():
            _add(found, name, zipfile.Path(packed, name))
    return found


def fumo(machine, *words: str, code: int = 0, timeout_s: float = 60) -> str:
    """Run a command on the board and return what it printed, once its exit code was seen to be right."""
    source = "import json\nprint(json.dumps(fumo(*%r)))" % (words,)
    found, out, err = json.loads(machine.run(source, timeout_s))
    assert found == code and "Traceback" not in err, (words, found, out, err)
    return out if "--json" in words else out + err


def _add(found, name, path):
    if any(part in "/" + name for part in _SKIPPED) or name.endswith("/") or not path.is_file():
        return
    data = path.read_bytes()
    found.update(module(name, data) if name.endswith(".py") else {PLACE + name: data})


def _version():
    try:
        return metadata.version(_COMPILED)
    except metadata.PackageNotFoundError:
        return None
