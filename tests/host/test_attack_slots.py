"""Slots that are hostile: whoever answers at a slot's address must not take the page away."""

import socket
import threading
import time

import pytest

from flash_tools.server.office import Office

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"


def slot(said, pause_s=0.0):
    """Return the URL of a slot that says that to everybody; with a pause, byte by byte."""
    server = socket.create_server(("127.0.0.1", 0))

    def talk(sock):
        with sock:
            try:
                sock.recv(1000)
                for start in range(len(said)) if pause_s else ():
                    sock.sendall(said[start : start + 1])
                    time.sleep(pause_s if start > 45 else 0)
                sock.sendall(b"" if pause_s else said)
            except OSError:
                pass

    def run():
        while True:
            threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    return "http://127.0.0.1:%d" % server.getsockname()[1]


@pytest.mark.parametrize(
    "said", [b"garbage\r\n\r\n", OK % (200000, b"[" * 200000), OK % (99, b"1"), b"", b"HTTP/1.1 200\r\n"]
)
def test_what_is_no_answer_is_an_error_of_that_slot(said):
    office = Office()
    office.add_slot("bad", slot(said))
    found = office.slots()
    assert [each["name"] for each in found] == ["bad"]
    office.close()


def test_a_slot_that_drips_is_given_up():
    office = Office()
    office.add_slot("slow", slot(OK % (2000, b"1" * 2000), 0.05))
    started = time.monotonic()
    found = office.slots()
    assert time.monotonic() - started < 30 and found[0]["error"]  # of 100
    office.close()
