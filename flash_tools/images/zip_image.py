"""Zip images: Python modules that CPython imports from the zip itself. Sorted names, one fixed date, no extra fields.

Folders have entries, too: CPython before 3.13 finds packages without __init__.py only by these. Files are stored unless something
else is asked for: the package compresses anyway, and a delta of deflated files is none.
"""

import hashlib
import importlib.util
import io
import marshal
import zipfile
from pathlib import PurePosixPath

from flash_tools.images.tree import FILES_MAX, IMAGE_MAX

_DATE = (1980, 1, 1, 0, 0, 0)
_PART = 1 << 16
_MARSHAL = 2  # later ones depend on reference counts: the same modules would give other bytes each time


def build(files: dict[str, bytes], deflated: bool = False, compiled: bool = False) -> bytes:
    """Return the zip of the files; `compiled` puts the bytecode of this very Python beside each module.

    Another version of Python passes the bytecode over and compiles the module, which costs a slow board seconds at each start.
    Docstrings and asserts are not in it.
    """
    out = io.BytesIO()
    if compiled:
        files = {**files, **bytecode(files)}
    with zipfile.ZipFile(out, "w") as archive:
        for path, content in sorted({**_folders(files), **files}.items()):
            entry, is_folder = zipfile.ZipInfo(path, _DATE), path.endswith("/")
            entry.compress_type = zipfile.ZIP_DEFLATED if deflated and not is_folder else zipfile.ZIP_STORED
            entry.create_system, entry.external_attr = 3, (0o40755 if is_folder else 0o100644) << 16
            archive.writestr(entry, content, compresslevel=9)
    return out.getvalue()


def bytecode(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return {path: .pyc}; by the hash of the source, which nobody compares: both are in one signed image."""
    found = {}
    for path, source in files.items():
        if path.endswith(".py"):
            try:
                code = compile(source, path, "exec", dont_inherit=True, optimize=2)
            except (SyntaxError, ValueError) as e:
                raise ValueError("%s is no Python that could be compiled: %s" % (path, e)) from None
            digest = importlib.util.source_hash(source)
            found[path + "c"] = importlib.util.MAGIC_NUMBER + b"\x01\0\0\0" + digest + marshal.dumps(code, _MARSHAL)
    return found


def _folders(files):
    return {f"{folder}/": b"" for path in files for folder in PurePosixPath(path).parents if folder.name}


def listing(data: bytes) -> dict:
    """Return {"files": {path: {"size", "sha256"}}, "version_module"} of a zip; ValueError where it is none or a bomb."""
    if data.count(b"PK\x01\x02") > 5 * FILES_MAX:  # before zipfile makes an object of each
        raise ValueError("the zip has more than %d files" % FILES_MAX)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _listing(archive)
    except ValueError:
        raise
    except Exception as e:  # of a damaged zip, zipfile raises a dozen kinds
        raise ValueError("this is no zip that can be read: %s" % (str(e) or type(e).__name__)) from None


def _listing(archive):
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > FILES_MAX:
        raise ValueError("the zip has more than %d files" % FILES_MAX)
    files, version, left = {}, None, IMAGE_MAX
    for entry in sorted(entries, key=lambda entry: entry.filename):
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(
                "Python cannot import %r: use stored or deflated files without a password" % entry.filename
            )
        if entry.filename in files:
            raise ValueError("the zip has %r twice" % entry.filename)
        size, digest, head = _digest(archive, entry, left)
        left -= size
        files[entry.filename] = {"size": size, "sha256": digest}
        version = head.decode("utf-8", "replace") if entry.filename == "version.py" else version
    return {"files": files, "version_module": version}


def _digest(archive, entry, left):
    """Unpack piece by piece: what an entry says of its size is not believed."""
    digest, size, head = hashlib.sha256(), 0, b""
    with archive.open(entry) as file:
        while part := file.read(_PART):
            size += len(part)
            if size > left:
                raise ValueError("the zip unpacks to more than %d MiB" % (IMAGE_MAX >> 20))
            digest.update(part)
            head = head or part[:1000]
    return size, digest.hexdigest(), head
