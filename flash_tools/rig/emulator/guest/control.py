"""The guest's end of the control channel: runs the Python that comes over a UART and sends back what it prints.

A line each way, `?NUMBER SECONDS SOURCE` and `!NUMBER JSON`, the source and the JSON in base64; `!0` says that the board is up.
"""

import base64
import contextlib
import io
import json
import os
import signal
import sys
import traceback
import tty


def open_uart(path):
    handle = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(handle)
    return handle


def send(uart, number, answer):
    line = b"!%d %s\n" % (number, base64.b64encode(json.dumps(answer).encode()))
    while line:
        line = line[os.write(uart, line) :]


def lines(uart):
    waiting = b""
    while True:
        waiting += os.read(uart, 4096)
        *whole, waiting = waiting.split(b"\n")
        yield from whole


def too_long(*_):
    raise TimeoutError("it took too long")


def run(source, seconds, names):
    printed, answer = io.StringIO(), {}
    signal.alarm(seconds)
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(source, "<rig>", "exec"), names)
    except BaseException as e:
        answer["error"] = "%s: %s" % (type(e).__name__, e)
        answer["trace"] = traceback.format_exc()
    finally:
        signal.alarm(0)
    return {"printed": printed.getvalue(), **answer}


def main(path):
    uart, names = open_uart(path), {"__name__": "rig"}
    signal.signal(signal.SIGALRM, too_long)
    send(uart, 0, {"uptime": float(open("/proc/uptime").read().split()[0])})
    for line in lines(uart):
        if line.startswith(b"?"):
            number, seconds, source = line[1:].split(b" ")
            send(uart, int(number), run(base64.b64decode(source).decode(), int(seconds), names))


if __name__ == "__main__":
    sys.path += ["/usr/lib/python3/dist-packages"]
    main(sys.argv[1])
