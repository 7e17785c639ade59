"""Who may import what, how long files and functions may be, and that every file says what it is for."""

import ast
import fnmatch
import pathlib
import warnings

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEVICE = ("agent", "hal", "board", "ports")
OURS = (*DEVICE, "flash_tools", "tests")
LEAVES = ("agent", "agent.compat", "agent.errors", "agent.late", "agent.log", "agent.reset", "agent.job", "agent.p256")
PURE = ("binascii", "hashlib", "struct")
ENTRY = (
    "ports/*/__main__.py",
    *(
        "ports/*/%s.py" % n
        for n in ("main", "boot", "first_stage", "recovery", "device", "device_agent", "install", "service*")
    ),
)
COMMON = ("array", "asyncio", "errno", "gc", "io", "os", "random", "select", "socket", "ssl", "sys", "time")
LINUX = (
    "argparse",
    "cryptography",
    "ctypes",
    "fcntl",
    "gpiozero",
    "logging",
    "mmap",
    "pathlib",
    "platform",
    "serial",
    "shutil",
)
LINUX += ("_thread", "collections", "importlib", "stat", "tomllib", "traceback", "warnings")
LINUX += ("signal", "smbus2", "spidev", "subprocess", "tempfile", "termios", "zipfile", "zipimport", "runpy")
MICRO = ("cryptolib", "machine", "micropython", "network", "ntptime", "pyb", "rp2", "stm", "tls", "uctypes", "vfs")
RUNTIMES = {"cpython_linux": COMMON + LINUX, "micropython": COMMON + MICRO, "sim": ("json", "os", "sys")}
# Beyond the rule of its folder: what one file alone is there for.
FILES = {
    "agent/compat.py": ("gc", "micropython", "sys"),
    "agent/inflate.py": ("deflate", "io", "zlib"),
    "hal/flash_esp32.py": ("esp32",),
    "hal/boot_esp32.py": ("esp32",),
    "ports/cpython_linux/access.py": ("grp", "pwd"),
    "ports/cpython_linux/check.py": ("agent",),
    "ports/cpython_linux/ram_copy.py": ("agent",),
    "ports/cpython_linux/settings.py": ("agent",),
    "ports/micropython/*.py": ("esp32",),
    "ports/micropython/boot.py": (
        "fumo_first_stage",
        "fumo_recovery",
        "main",
    ),  # what `fumo deploy` makes, and the bank's own
    "ports/micropython/service_[sw]*.py": ("app", "version"),  # of the image
    "ports/cpython_linux/gpio*.py": ("collections", "warnings"),
    "ports/cpython_linux/monitor.py": ("codecs",),
    "ports/sim/net.py": COMMON,
    "ports/sim/__main__.py": ("ports", "signal"),
    "ports/sim/console.py": ("select",),
    "ports/sim/host.py": ("fcntl",),
    "ports/sim/real_clock.py": ("time",),
    "ports/sim/real_net.py": ("ports",),
    "ports/sim/serial.py": ("select", "termios", "tty"),
}
MAX_FILE, MAX_FUNCTION, LONG_FUNCTION = 300, 40, 25


def python_files(*folders):
    """Return the paths of the Python files below `folders`, from the root and with slashes."""
    return sorted(p.relative_to(ROOT).as_posix() for folder in folders for p in (ROOT / folder).rglob("*.py"))


def imports(source, path):
    """Return (line, dotted name) of everything that `source` imports, wherever it does so."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(path.split("/")[: -node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            found += [(node.lineno, name) for name in _members(module, node.names)]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "__import__":
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else "a computed name"
            found.append((node.lineno, name))
    return found


def _members(module, names):
    """Resolve `from package import module`: what is no file is a name inside of `module`."""
    for alias in names:
        inner = module + "." + alias.name
        is_file = (ROOT / (inner.replace(".", "/") + ".py")).exists() or (ROOT / inner.replace(".", "/")).is_dir()
        yield inner if is_file and module.split(".")[0] in OURS else module


def may_import(path, name):
    """Tell whether the file may import the module."""
    layer, top = path.split("/")[0], name.split(".")[0]
    extra = [allowed for pattern, allowed in FILES.items() if fnmatch.fnmatch(path, pattern)]
    if any(top in allowed for allowed in extra):
        return True
    if layer == "agent":
        return top == "agent" or top in (*PURE, "json")
    if layer == "hal":
        return top == "hal" or name in LEAVES or top in PURE
    if layer == "board":
        return top == "hal" or name in LEAVES
    return _port_may_import(path, name, top)


def _port_may_import(path, name, top):
    own = ".".join(path.split("/")[:2])
    if top == "ports":
        return name == own or name.startswith(own + ".")
    if any(fnmatch.fnmatch(path, pattern) for pattern in ENTRY) and top in ("agent", "hal", "board"):
        return True
    runtime = RUNTIMES.get(path.split("/")[1], ())
    return name in LEAVES or top in (*PURE, "json") or top in runtime


def offences(source, path):
    """Return what `source` imports against the rules."""
    return [
        "%s:%d imports %s" % (path, line, name) for line, name in imports(source, path) if not may_import(path, name)
    ]


def too_long(source, path):
    """Return (failures, warnings) about the length of the file and its functions."""
    lines = source.count("\n") + 1
    tables = path.startswith("tests/data/")  # made by a program, read by nobody
    failures = ["%s has %d lines" % (path, lines)] if lines > MAX_FILE + 1 and not tables else []
    mild = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = node.end_lineno - node.lineno + 1
            text = "%s:%d %s has %d lines" % (path, node.lineno, node.name, size)
            if size > LONG_FUNCTION:
                (failures if size > MAX_FUNCTION else mild).append(text)
    return failures, mild


@pytest.mark.parametrize("path", python_files(*DEVICE))
def test_imports_stay_in_their_layer(path):
    assert offences((ROOT / path).read_text(), path) == []


@pytest.mark.parametrize("path", python_files(*OURS))
def test_size_and_docstring(path):
    source = (ROOT / path).read_text()
    failures, mild = too_long(source, path)
    for text in mild:
        warnings.warn(text, stacklevel=1)
    assert failures == []
    assert ast.get_docstring(ast.parse(source)), path + " does not open with a docstring"


BAD = (
    ("agent/x.py", "import time"),
    ("agent/x.py", "from hal.region import Region"),
    ("agent/x.py", "def f():\n    import socket"),
    ("agent/x.py", "import deflate"),
    ("agent/x.py", "__import__('os')"),
    ("hal/x.py", "from agent.journal import Journal"),
    ("hal/x.py", "from agent import journal"),
    ("hal/x.py", "import spidev"),
    ("hal/x.py", "import esp32"),
    ("board/x.py", "import machine"),
    ("board/x.py", "from ports.sim import nor"),
    ("board/x.py", "from agent.journal import Journal"),
    ("ports/sim/x.py", "from ports.micropython import spi"),
    ("ports/sim/x.py", "import socket"),
    ("ports/sim/x.py", "from hal.region import Region"),
    ("ports/cpython_linux/spi.py", "from hal import region"),
    ("ports/cpython_linux/spi.py", "import machine"),
    ("ports/cpython_linux/x.py", "from ..sim import nor"),
    ("ports/cpython_linux/__main__.py", "import flash_tools.cli"),
    ("ports/micropython/main.py", "from ports.cpython_linux import net"),
)
GOOD = (
    ("agent/inflate.py", "import deflate, io"),
    ("agent/x.py", "from agent.journal import Journal\nimport struct"),
    ("hal/x.py", "from agent.errors import FlashError\nfrom hal import region"),
    ("hal/flash_esp32.py", "import esp32"),
    ("ports/sim/net.py", "import socket"),
    ("ports/sim/device.py", "from agent.journal import Journal\nfrom board import sim_nor"),
    ("ports/sim/x.py", "from ports.sim import faults\nfrom agent.errors import FlashError"),
    ("ports/cpython_linux/spi.py", "import spidev, os\nfrom agent import compat"),
)


@pytest.mark.parametrize(("path", "source"), BAD)
def test_the_gate_catches(path, source):
    assert len(offences(source, path)) == 1


@pytest.mark.parametrize(("path", "source"), GOOD)
def test_the_gate_lets_through(path, source):
    assert offences(source, path) == []


def test_the_length_gate_catches():
    assert too_long("x = 1\n" * 301, "a.py")[0]
    assert not too_long("x = 1\n" * 300, "a.py")[0]
    assert not too_long("x = 1\n" * 301, "tests/data/a.py")[0]
    assert too_long("def f():\n" + "    x = 1\n" * 40, "a.py")[0]
    failures, mild = too_long("def f():\n" + "    x = 1\n" * 25, "a.py")
    assert mild and not failures
