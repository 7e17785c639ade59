"""A Linux board for tests of what is done to it over ssh: a real sshd on loopback, and programs on its PATH."""

import json

import pytest

from tests.host.test_deploy_ssh import Server

BOARD = "ssh:board"
FACTS = {"state": 10, "phase": "idle", "version": "1.0", "device": "SN-1", "bank": 0, "confirmed": 0, "trial": False}


class Linux:
    """A board: an sshd, and programs on its PATH."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.server = Server(folder, "SetEnv PATH=%s:/usr/bin:/bin\n" % self.bin)

    def put(self, name, script):
        """Put a program there."""
        path = self.bin / name
        path.write_text(script if script.startswith("#!") else "#!/bin/sh\n%s\n" % script)
        path.chmod(0o755)

    def clear(self):
        """Take all programs away, and have the host's ssh as it was."""
        for path in self.bin.iterdir():
            path.unlink()
        self.server.configure()


@pytest.fixture(scope="module")
def ssh_board(tmp_path_factory):
    made = Linux(tmp_path_factory.mktemp("board"))
    yield made
    made.server.close()


@pytest.fixture
def board(ssh_board, monkeypatch):
    monkeypatch.setenv("FUMO_SSH", ssh_board.server.command)
    ssh_board.clear()
    return ssh_board


def answering(facts=FACTS, more=""):
    return "echo state 10; echo 'status %s'; %s" % (json.dumps(facts), more)
