"""Options and files of the simulated device that are wrong, taken or unusual: one line and a documented exit code."""

import socket

import pytest

from flash_tools.errors import ToolError
from flash_tools.sim.sim_process import SimProcess, command
from ports.sim import settings
from tests.host.sim_devices import INTERPRETERS, QUICK, TIMEOUT_S, device, needs, without_account


@pytest.fixture(params=INTERPRETERS)
def micropython(request):
    return needs(request.param)


@pytest.fixture
def alone(tmp_path):
    return without_account(tmp_path)


WRONG = (
    ((), 2, "--flash FILE is missing"),
    (("--flash",), 2, "--flash wants a value"),
    (("--flash", "x", "--new", "i"), 2, "--new needs --package FILE"),
    (("--flash", "x", "--new", "y"), 2, "--new needs --package FILE"),
    (("--nonsense",), 2, "no such option: --nonsense (see --help)"),
    (("--small=1",), 2, "--small takes no value"),
    (("stray",), 2, "no such option: stray (see --help)"),
    (("--boots", "-1"), 2, "--boots wants a whole number, not -1"),
    (("--speed", "fast"), 2, "--speed wants a number from 0 to 100"),
    (("--notify-port", "70000"), 2, "--notify-port is at most 65535"),
    (("--host", "a"), 2, "--host wants NAME=VALUE, not a"),
    (("--user", "me"), 2, "--user is yes, no or ask"),
    (("--xml", "--wbxml"), 2, "--xml or --wbxml, not both"),
    (("--client-key", "k"), 2, "--client-cert and --client-key belong together"),
    (("--cut-at", "5:bang"), 2, "--cut-at: an effect is one of"),
    (("--cut-at", "x"), 2, "--cut-at wants a whole number, not x"),
    (("--time-server", "192.0.2.1:x"), 2, "--time-server wants a whole number, not x"),
)


@pytest.mark.parametrize(("options", "code", "text"), WRONG)
def test_wrong_options(options, code, text):
    given = () if not options or options[0] == "--flash" else ("--flash", "f", "--provision", "p")
    with pytest.raises(settings.UsageError) as caught:
        settings.Settings((*given, *options))
    assert str(caught.value).startswith(text) and code == 2


def test_what_cannot_be_read(alone, tmp_path, micropython):
    bad = tmp_path / "bad"
    bad.write_bytes(b"\xff\x00")
    (tmp_path / "half.json").write_text('{"product": 1}')
    (tmp_path / "list.json").write_text("[]")
    tries = (
        (alone.flash, bad, 2, "is no JSON"),
        (alone.flash, tmp_path / "half.json", 2, "the provisioning is wrong"),
        (alone.flash, tmp_path / "list.json", 2, "is no provisioning"),
        (alone.flash, tmp_path / "none", 2, "cannot read"),
        (bad, alone.provision, 1, "is no flash file"),
        (tmp_path / "none", alone.provision, 1, "cannot open the flash file"),
    )
    for flash, provision, code, text in tries:
        process = SimProcess(command(flash, provision, *QUICK, micropython=micropython))
        with process:
            assert process.wait(20) == code
        assert len(process.errors) == 1 and text in process.errors[0] and not process.lines, process.errors


def test_what_is_taken(alone):
    with device(alone, *QUICK) as first:
        first.wait_for("listening", TIMEOUT_S)
        with device(alone, *QUICK) as second:
            assert second.wait(20) == 4 and "in use" in second.errors[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        port = sock.getsockname()[1]
        with device(alone, "--notify-port", port) as process:
            assert process.wait(20) == 1 and "UDP port %d is in use" % port in process.errors[0]


def test_a_transcript_has_events_and_words(alone, tmp_path, micropython):
    path = tmp_path / "transcript"
    options = ("--transcript", path, "--until-idle")
    for _ in range(2):
        with device(alone, *QUICK, *options, micropython=micropython) as process:
            assert process.wait(20) == 0
    lines = path.read_text().splitlines()
    assert len(lines) == 8 and all(float(line.split()[0]) < 20 for line in lines)
    assert [line.split()[1] for line in lines[:4]] == ["boot", "listening", "state", "idle"]


def test_a_device_that_says_nothing_is_an_error(alone):
    with device(alone, *QUICK) as process:
        process.wait_for("state", TIMEOUT_S)
        with pytest.raises(ToolError, match="never said 'state 99'; it said: boot 1"):
            process.wait_for("state 99", 0.3)
        with pytest.raises(ToolError, match="still ran"):
            process.wait(0.1)
