"""Speed of the SyncML readers, as a share of the speed of a bare `for byte in data: pass` in the same run.

The message is what a server sends in the middle of an update: a header, six Status, a Sequence of eight Get and five Replace
with text, and one Replace with 1200 bytes of Data: 2.3 KB of WBXML, 4.8 KB of XML. The figures that end in `_structure` are
for the same message without the large Data: nothing but tags and short texts. The reader is driven as the agent drives it:
through a window of 512 bytes, with a consumer that does nothing. Runs on both interpreters.
"""

import sys
import time

from agent.wbxml_reader import WbxmlReader
from agent.wbxml_writer import WbxmlWriter
from agent.window import NEED_DATA, Out, Window
from agent.xml_reader import XmlReader
from agent.xml_writer import XmlWriter

_LARGE = 1200
_BEST_OF, _RUNS = 25, 10
_SYNC_ML, _SYNC_HDR, _SYNC_BODY, _VER_DTD, _VER_PROTO, _SESSION_ID, _MSG_ID = 0x2D, 0x2C, 0x2B, 0x31, 0x32, 0x25, 0x1B
_TARGET, _SOURCE, _LOC_URI, _META, _ITEM, _DATA, _FINAL, _CMD_ID = 0x2E, 0x27, 0x17, 0x1A, 0x14, 0x0F, 0x12, 0x0B
_STATUS, _MSG_REF, _CMD_REF, _CMD, _SEQUENCE, _GET, _REPLACE = 0x29, 0x1C, 0x0C, 0x0A, 0x24, 0x13, 0x20
_FORMAT, _TYPE, _MAX_MSG_SIZE, _MAX_OBJ_SIZE = 0x107, 0x113, 0x10C, 0x115
_GETS = ("FwV", "SwV", "HwV", "Mod", "Man", "DevId", "Lang", "DmV")
_REPLACES = ("PkgName", "PkgVersion", "DownloadAndUpdate/PkgURL", "Ext/Retry", "Ext/Window")


def message(make, large):
    """Return the message as the writer that `make` makes writes it, with `large` bytes of Data at its end."""
    out = Out(8192)
    writer = make(out)
    writer.begin()
    writer.start(_SYNC_ML)
    _write(writer, (_SYNC_HDR, _header()))
    writer.start(_SYNC_BODY)
    for number in range(6):
        parts = ((_MSG_REF, "1"), (_CMD_REF, str(number)), (_CMD, "Get" if number else "SyncHdr"), (_DATA, "200"))
        _write(writer, (_STATUS, ((_CMD_ID, str(number + 1)),) + parts))
    _write(writer, (_SEQUENCE, _sequence()))
    if large:
        _write_large(writer, large)
    writer.empty(_FINAL)
    writer.end()
    writer.end()
    return bytes(out.view[: out.size])


def _write(writer, element):
    tag, content = element
    if isinstance(content, str):
        return writer.leaf(tag, content)
    writer.start(tag)
    for inner in content:
        _write(writer, inner)
    writer.end()


def _header():
    target, source = (_LOC_URI, "IMEI:493005100592800"), (_LOC_URI, "https://dm.example.com/oma/dm")
    meta = (_META, ((_MAX_MSG_SIZE, "16384"), (_MAX_OBJ_SIZE, "1048576")))
    versions = ((_VER_DTD, "1.2"), (_VER_PROTO, "DM/1.2"), (_SESSION_ID, "7A3F"), (_MSG_ID, "2"))
    return versions + ((_TARGET, (target,)), (_SOURCE, (source,)), meta)


def _sequence():
    commands = [(_CMD_ID, "7")]
    for name in _GETS:
        item = (_ITEM, ((_TARGET, ((_LOC_URI, "./DevDetail/" + name),)),))
        commands.append((_GET, ((_CMD_ID, str(len(commands) + 7)), item)))
    for name in _REPLACES:
        target, meta = (_LOC_URI, "./FUMO/Package1/" + name), (_META, ((_FORMAT, "chr"), (_TYPE, "text/plain")))
        item = (_ITEM, ((_TARGET, (target,)), meta, (_DATA, "value-of-" + name)))
        commands.append((_REPLACE, ((_CMD_ID, str(len(commands) + 7)), item)))
    return commands


def _write_large(writer, size):
    writer.start(_REPLACE)
    _write(writer, (_CMD_ID, "21"))
    writer.start(_ITEM)
    _write(writer, (_TARGET, ((_LOC_URI, "./Vendor/Config"),)))
    _write(writer, (_META, ((_FORMAT, writer.binary_format),)))
    writer.start(_DATA)
    writer.begin_data(size, True)
    for at in range(0, size, 240):
        writer.data(bytes([i * 7 & 255 for i in range(at, min(at + 240, size))]))
    writer.end_data()
    writer.end()
    writer.end()
    writer.end()


def _read(make, data):
    window = Window(512)
    at, size = 0, len(data)
    for event in make(window).events:
        if event == NEED_DATA:
            space = window.space()
            count = min(len(space), size - at)
            space[:count] = data[at : at + count]
            window.filled(count)
            at += count
            if not count:
                window.close()


def _loop(make, data):
    for _ in data:
        pass


def _now_us():
    return time.ticks_us() if hasattr(time, "ticks_us") else time.perf_counter_ns() / 1000


def _best_us(what, make, data):
    best = None
    for _ in range(_BEST_OF):
        start = _now_us()
        for _ in range(_RUNS):
            what(make, data)
        took = _now_us() - start
        best = took if best is None or took < best else best
    return best / _RUNS


def ratios(suffix):
    """Return the figures of this interpreter."""
    figures = {}
    for name, reader, writer in (("wbxml", WbxmlReader, WbxmlWriter), ("xml", XmlReader, XmlWriter)):
        for kind, large in (("", _LARGE), ("_structure", 0)):
            data = message(writer, large)
            ratio = _best_us(_loop, None, data) / _best_us(_read, reader, memoryview(data))
            figures[name + "_reader_vs_loop" + kind + suffix] = round(ratio, 3)
    return figures


def measure():
    """Return the figures of both interpreters; those of MicroPython are missing where it is."""
    import subprocess

    from tests.host.test_micropython import ROOT, find_micropython

    figures = ratios("")
    micropython = find_micropython()
    if micropython:
        code = "import sys; sys.path.insert(0, '.'); from tests.bench import codecs; codecs.report()"
        command = [micropython, "-X", "heapsize=2m", "-c", code]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=120, check=True)
        for line in done.stdout.splitlines():
            name, ratio = line.split()
            figures[name] = float(ratio)
    return figures


def report(suffix="_micropython"):
    """Print the figures, one a line."""
    for name, ratio in ratios(suffix).items():
        print(name, ratio)


if __name__ == "__main__":
    report(sys.argv[1] if len(sys.argv) > 1 else "")
