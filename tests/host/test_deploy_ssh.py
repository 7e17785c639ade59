"""`fumo deploy` onto a Linux board: a real sshd on loopback, with keys, a port and a configuration of its own."""

import getpass
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import pytest

from flash_tools import deploy
from flash_tools.deploy import files as build
from flash_tools.deploy import ssh
from flash_tools.errors import NotFoundError, SilentError, UsageError
from tests.host.fumo_inside import inside
from tests.host.test_deploy import NEW, OLD, with_manifest

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
for _name, _found in (("sshd", SSHD), ("ssh", shutil.which("ssh")), ("rsync", shutil.which("rsync"))):
    if not _found:
        pytest.skip(
            "no %s: install the Debian packages rsync, openssh-client, openssh-server" % _name, allow_module_level=True
        )


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    """An sshd of the present user, and the ssh command that reaches it as host `board`."""

    def __init__(self, folder, more=""):
        self.folder, self.port = folder, free_port()
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        shutil.copy(folder / "user.pub", folder / "authorized_keys")
        host_key = (folder / "host.pub").read_text()
        (folder / "known_hosts").write_text("[127.0.0.1]:%d %s" % (self.port, host_key))
        (folder / "sshd_config").write_text(
            "Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/authorized_keys\nPidFile none\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n%s"
            % (self.port, folder, folder, more)
        )
        self.configure()
        if os.geteuid() == 0:
            pathlib.Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in, as root
        words = [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")]
        self._process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        assert any("listening" in line for line in self._process.stderr), "sshd does not start"
        self._process.stderr.close()

    def configure(self, **changes):
        options = {"HostName": "127.0.0.1", "Port": self.port, "User": getpass.getuser(), "IdentitiesOnly": "yes",
                   "IdentityFile": self.folder / "user", "UserKnownHostsFile": self.folder / "known_hosts",
                   "BatchMode": "yes", "ConnectTimeout": 5, **changes}  # fmt: skip
        lines = ["Host board"] + ["  %s %s" % option for option in options.items()]
        (self.folder / "config").write_text("\n".join(lines) + "\n")

    @property
    def command(self):
        return "ssh -F %s" % (self.folder / "config")

    def close(self):
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("sshd"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _as_it_was(server):
    server.configure()


def versions(place):
    return sorted(path.name for path in (place / "versions").iterdir())


def test_the_agent_runs_on_the_board_and_the_link_is_switched(server, tmp_path, capsys, monkeypatch):
    place = tmp_path / "a place"
    monkeypatch.setenv("FUMO_SSH", server.command)
    words = ("deploy", "-b", "ssh:board:%s" % place, "--board-file", "sim_nor", "--json")
    said = json.loads(inside(capsys, monkeypatch, *words)[0])
    assert said["ok"] and len(said["written"]) > 100
    current = place / "current"
    assert current.is_symlink() and os.readlink(current).startswith("versions/0.")
    assert json.loads((current / build.MANIFEST).read_text())["runtime"] == "cpython_linux"
    code = (
        "import sys; sys.path[:0] = [sys.argv[1]]; import agent.agent as a, ports.cpython_linux.net; print(a.__file__)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code, str(current)], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == str(current / "agent" / "agent.py"), done.stderr
    inside(capsys, monkeypatch, *words)
    assert len(versions(place)) == 1, "the same version is not copied again"


def test_older_versions_go_and_others_stay(server, tmp_path):
    made = []
    for number in range(4):
        files = with_manifest({**OLD, "n.py": b"%d" % number})
        made.append(ssh.send("board", str(tmp_path), files, server.command).where.rpartition("/")[2])
        os.utime(tmp_path / "versions" / made[-1], (number, number))
    (tmp_path / "versions" / "mine").mkdir()
    ssh.send("board", str(tmp_path), with_manifest(NEW), server.command)
    kept = versions(tmp_path)
    assert len(kept) == 4 and "mine" in kept and made[-1] in kept and made[0] not in kept
    assert (tmp_path / "current" / "agent" / "a.mpy").read_bytes() == b"A"


def test_a_line_that_drops_leaves_the_old_version_and_the_next_run_finishes(server, tmp_path):
    old, new = with_manifest(OLD), with_manifest({**NEW, "big.bin": os.urandom(1 << 20)})
    ssh.send("board", str(tmp_path), old, server.command)
    before = os.readlink(tmp_path / "current")
    proxy = tmp_path / "proxy.py"
    proxy.write_text(PROXY)
    server.configure(ProxyCommand="%s %s %d 200000" % (sys.executable, proxy, server.port))
    with pytest.raises(SilentError) as caught:
        ssh.send("board", str(tmp_path), new, server.command)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 7
    assert (
        os.readlink(tmp_path / "current") == before and (tmp_path / "current" / "agent" / "a.mpy").read_bytes() == b"a"
    )
    server.configure()
    ssh.send("board", str(tmp_path), new, server.command)
    assert (tmp_path / "current" / "big.bin").read_bytes() == new["big.bin"]
    assert {path.name for path in (tmp_path / "current").iterdir()} == {"agent", "big.bin", build.MANIFEST}


PROXY = """
import os, select, socket, sys
line, left = socket.create_connection(("127.0.0.1", int(sys.argv[1]))), int(sys.argv[2])
while left > 0:
    ready = select.select([0, line], [], [])[0]
    if line in ready:
        data = line.recv(4096)
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 4096)
        if not data:
            break
        left -= len(data)
        line.sendall(data)
"""


def test_what_is_damaged_on_the_board_is_sent_again(server, tmp_path):
    new = with_manifest(NEW)
    where = ssh.send("board", str(tmp_path), new, server.command).where.rpartition(" ")[2]
    kept = tmp_path / where / "agent" / "a.mpy"
    stat = kept.stat()
    kept.write_bytes(b"?")
    os.utime(kept, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (tmp_path / where / "stale.py").write_text("x")
    ssh.send("board", str(tmp_path), new, server.command)
    assert kept.read_bytes() == b"A" and not (tmp_path / where / "stale.py").exists()


def test_errors_are_one_line(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FUMO_SSH", server.command)
    words = ("deploy", "-b", "ssh:board:%s" % (tmp_path / "x"), "--board-file", "sim_nor")
    for changes, text in (
        ({"Port": free_port()}, "refused"),
        ({"HostName": "no-such-host.invalid"}, "resolve"),
        ({"IdentityFile": tmp_path / "none"}, "Permission denied"),
        ({"UserKnownHostsFile": "/dev/null"}, "Host key verification failed"),
    ):
        server.configure(**changes)
        _, said = inside(capsys, monkeypatch, *words, code=3)
        assert text in said and len(said.strip().splitlines()) == 1, said
    monkeypatch.setenv("FUMO_SSH", "no-such-ssh")
    _, said = inside(capsys, monkeypatch, *words, code=3)
    assert "no no-such-ssh here" in said


def test_a_folder_in_the_place_of_the_link(server, tmp_path, capsys, monkeypatch):
    (tmp_path / "current").mkdir()
    monkeypatch.setenv("FUMO_SSH", server.command)
    _, said = inside(capsys, monkeypatch, "deploy", "-b", "ssh:board:%s" % tmp_path, "--board-file", "sim_nor", code=1)
    assert "current" in said and not (tmp_path / "current").is_symlink()


@pytest.mark.parametrize("place", ["", "-oProxyCommand=x", "a b", "host:-x", "h\nost"])
def test_places_that_are_none(place):
    with pytest.raises(UsageError):
        ssh.parse(place)


def test_places():
    assert ssh.parse("pi@board") == ("pi@board", "fumo-agent")
    assert ssh.parse("board:~/x/") == ("board", "x") and ssh.parse("board:/opt/x") == ("board", "/opt/x")


def test_without_rsync(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFoundError, match="install"):
        deploy.deploy("ssh:board", deploy.Wish("cpython_linux", "sim_nor"))
