"""`fumo-agent monitor`: what the running agent says at its console socket, for as long as somebody listens.

Lines that are typed go in. An agent that restarts is waited for. It ends when its own output is closed, as that of an ssh session
is whose other end has gone.
"""

import codecs
import os
import select
import socket
import sys
import time

LISTENING = "listening at"  # said on stderr once there is a connection: programs wait for it
GONE = "the agent has ended: waiting for it to come back"
_AGAIN_S = 0.05
_PIECE = 4096
_STUCK_S = 10
_CONTROL = dict.fromkeys((*range(9), *range(11, 32), 127), 63)  # a server's words are among what is shown
_CONTROL |= {0x0D: None, **dict.fromkeys(range(128, 160), 0x3F)}


class Monitor:
    """`with_input`: the end of what is typed is the end; else it is only that."""

    def __init__(self, path, tell, with_input=False, fds=(0, 1)):
        self._path, self._tell, self._with_input, (self._input, self._output) = path, tell, with_input, fds
        self._poll = select.poll()
        self._poll.register(self._output, 0)  # a hang-up is told without being asked for
        self._typed = True
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def run(self):
        """Follow the agent; an OSError where it does not run now."""
        line = self._connect()
        while line:
            with line:
                self._tell("%s %s, Ctrl-C ends it" % (LISTENING, self._path))
                listened = self._follow(line)
            if not listened:
                return
            self._tell(GONE)
            line = self._wait()

    def _connect(self):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(_STUCK_S)
        try:
            line.connect(self._path)
        except OSError:
            line.close()
            raise
        return line

    def _wait(self):
        """Return the next connection, None where nobody listens any more. Often: the agent says first why it starts."""
        if self._with_input:
            self._poll.register(self._input, select.POLLRDHUP)
        while not self._poll.poll(0):
            try:
                return self._connect()
            except OSError:
                time.sleep(_AGAIN_S)
        return None

    def _follow(self, line):
        """Pass lines on; tell whether somebody still listens when the agent ends."""
        self._poll.register(line, select.POLLIN)
        if self._typed:
            self._poll.register(self._input, select.POLLIN)
        try:
            while True:
                for fd, _ in self._poll.poll():
                    if fd == self._output:
                        return False
                    if fd == self._input:
                        if not self._type(line) and self._with_input:
                            return False
                    elif not self._show(line):
                        return True
        except BrokenPipeError:
            return False
        finally:
            self._poll.unregister(line)
            if self._typed:
                self._poll.unregister(self._input)

    def _show(self, line):
        try:
            data = line.recv(_PIECE)
        except OSError:
            data = b""
        text = self._decode(data).translate(_CONTROL).encode()
        while text:
            text = text[os.write(self._output, text) :]
        return bool(data)

    def _type(self, line):
        try:
            data = os.read(self._input, _PIECE)
        except OSError:
            data = b""
        if not data:
            self._typed = False
            self._poll.unregister(self._input)
        try:
            line.sendall(data)
        except OSError:
            pass  # it has ended: that is noticed where it is read
        return self._typed


def monitor(path, with_input=False):
    """Follow the agent at that socket; return the exit code, an OSError where it does not run."""
    try:
        Monitor(path, lambda text: print("fumo-agent: %s" % text, file=sys.stderr, flush=True), with_input).run()
    except KeyboardInterrupt:
        return 130
    return 0
