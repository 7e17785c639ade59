"""ports/cpython_linux/notify.py over real sockets, as systemd has them."""

import os
import socket

import pytest

from ports.cpython_linux.notify import notify, watchdog_ms


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    name = "@fumo-test-%d" % os.getpid() if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0"))
        listener.settimeout(5)
        yield listener, {"NOTIFY_SOCKET": name}


def test_what_is_said_arrives(manager):
    listener, environ = manager
    assert notify("READY=1\nSTATUS=über", environ)
    assert listener.recv(100) == "READY=1\nSTATUS=über".encode()


def test_a_manager_that_does_not_listen_is_not_waited_for(manager):
    listener, environ = manager
    sent = 0
    while sent < 100000 and notify("WATCHDOG=1", environ):
        sent += 1
    assert 0 < sent < 100000
    listener.recv(100)
    assert notify("WATCHDOG=1", environ)


@pytest.mark.parametrize("value", [None, "", "relative", "@", "/", "/nowhere/at/all", "vsock:2:1234", "/" + "x" * 200])
def test_nobody_to_tell(value):
    assert notify("READY=1", {} if value is None else {"NOTIFY_SOCKET": value}) is False


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "77"}, 30000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ""}, 30000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "78"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({"WATCHDOG_USEC": "-5"}, 0),
        ({}, 0),
    ],
)
def test_what_the_manager_wants(environ, expected):
    assert watchdog_ms({"NOTIFY_SOCKET": "/run/x", **environ}, pid=77) == expected


def test_a_manager_that_cannot_be_told_wants_nothing():
    assert watchdog_ms({"WATCHDOG_USEC": "30000000"}) == 0


def test_this_process_is_the_one_meant():
    environ = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}
    assert watchdog_ms(environ) == 2000
