"""The environment files: what labgrid will find in them, told without labgrid, which lives in an environment of its own."""

import ast
import re

import pytest

from flash_tools.errors import NotFoundError, UsageError
from flash_tools.rig import environment, goods
from flash_tools.rig.boards import PROGRAMS
from tests.host.test_micropython import ROOT

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
SOURCES = ROOT / "flash_tools" / "rig" / "labgrid"
STOCK = {
    "RemotePlace", "RawSerialPort", "NetworkSerialPort", "NetworkPowerPort", "NetworkService", "SerialDriver", "NetworkPowerDriver",
    "SSHDriver",
}  # fmt: skip
# What each driver wants of its target, as labgrid's documentation says of the stock ones.
NEEDS = {
    "SerialDriver": {"RawSerialPort", "NetworkSerialPort"},
    "NetworkPowerDriver": {"NetworkPowerPort"},
    "SSHDriver": {"NetworkService"},
    "DmBenchDriver": {"DmBench"},
    "SimBoardDriver": {"FumoBoard"},
    "EmulatedBoardDriver": {"FumoBoard"},
    "ServedBoardDriver": {"FumoBoard"},
    "ShellBoardDriver": {"FumoBoard"},
}
POWER = {"SimBoardDriver", "EmulatedBoardDriver", "NetworkPowerDriver"}
CONSOLE = {"SimBoardDriver", "EmulatedBoardDriver", "SerialDriver"}
ENVIRONMENTS = ["bench", "emulated", "remote", "sim"]


def classes():
    """Return {class: names of its fields} of what the sources register with labgrid."""
    found = {}
    for path in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and any("reg_" in ast.unparse(each) for each in node.decorator_list):
                fields = [each.targets[0].id for each in node.body if isinstance(each, ast.Assign)]
                found[node.name] = {name for name in fields if name != "bindings"}
    return found


def targets(name):
    return environment.read(environment.find(name))["targets"].items()


def exporter(**variables):
    """Return what the exporter makes of its file: labgrid reads it as a template of Jinja."""
    jinja2 = pytest.importorskip("jinja2")
    source = environment.find("exporter").read_text()
    template = jinja2.Environment(line_statement_prefix="#", line_comment_prefix="##").from_string(source)
    return yaml.safe_load(template.render(env=variables, hostname="lab-pi", name="lab", isolated=False))


def test_which_there_are():
    assert sorted(path.stem for path in environment.FOLDER.glob("*.yaml")) == sorted([*ENVIRONMENTS, "exporter"])
    assert {"FumoBoard", "DmBench", "FumoStrategy", "SimBoardDriver"} <= set(classes())


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_word_is_known(name):
    known = classes()
    found = environment.read(environment.find(name))
    assert found["imports"] == ["flash_tools.rig.labgrid"], "or labgrid does not know our words"
    assert set(found) <= {"imports", "targets"}
    for _, target in targets(name):
        assert set(target) == {"features", "resources", "drivers"}
        for word, arguments in {**environment.resources(target), **environment.drivers(target)}.items():
            assert word in known or word in STOCK, word
            assert word in STOCK or set(arguments) <= known[word], (word, arguments)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_driver_has_what_it_needs(name):
    for _, target in targets(name):
        resources, drivers = set(environment.resources(target)), set(environment.drivers(target))
        remote = set(next(iter(exporter().values()))) if "RemotePlace" in resources else set()
        for driver in drivers - {"FumoStrategy"}:
            assert NEEDS[driver] & (resources | remote), driver
        assert len(drivers & POWER) == len(drivers & CONSOLE) == 1, "one driver for power, one for the console"
        assert {"FumoStrategy", "DmBenchDriver"} <= drivers


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_kinds_are_those_that_there_are(name):
    for _, target in targets(name):
        kind = environment.resources(target).get("FumoBoard", {}).get("kind", "sim")
        assert kind in goods._KINDS
        programs = {"SimBoardDriver": "sim", "EmulatedBoardDriver": "emulated"}
        assert [programs[driver] for driver in environment.drivers(target) if driver in programs] in ([], [kind])


def test_only_the_environment_changes():
    """The same server, the same strategy: remote boards differ by their drivers, real ones by their numbers."""
    for name in ENVIRONMENTS:
        for _, target in targets(name):
            assert target["drivers"]["DmBenchDriver"] == {} and target["resources"].keys() >= {"DmBench"}


def test_the_exporter_has_the_places_of_remote():
    places = {target["resources"]["RemotePlace"]["name"] for _, target in targets("remote")}
    found = exporter()
    assert set(found) == places == {"fumo-0", "fumo-1"}
    consoles = [group["NetworkSerialPort"]["port"] for group in found.values()]
    assert consoles == [43110, 43111] and all(
        group["NetworkSerialPort"]["protocol"] == "raw" for group in found.values()
    )
    for index, group in enumerate(found.values()):
        power = group["NetworkPowerPort"]
        assert (power["model"], power["index"]) == ("simplerest", index)
        assert power["host"] == "http://lab-pi:43100/{index}/{value}"
        assert group["FumoBoard"] == {"kind": "sim", "url": "http://lab-pi:43100/%d" % index}
        assert group["NetworkSerialPort"]["host"] == "lab-pi"


def test_the_exporter_follows_its_variables():
    found = exporter(FUMO_RIG_PORT="1000", FUMO_RIG_CONSOLES="2000", FUMO_RIG_BOARDS="3", FUMO_RIG_KIND="emulated")
    assert [group["NetworkSerialPort"]["port"] for group in found.values()] == [2000, 2001, 2002]
    assert found["fumo-2"]["FumoBoard"] == {"kind": "emulated", "url": "http://lab-pi:1000/2"}


def test_comments_of_the_exporter_are_no_code():
    """One sign begins a statement of the template; a sentence behind it would not be one."""
    for line in environment.find("exporter").read_text().splitlines():
        if line.startswith("#") and not line.startswith("##"):
            assert re.match(r"# (set|for|endfor)\b", line), line


def test_boards_of_an_environment():
    assert [board["kind"] for board in environment.boards(environment.find("sim"))] == ["sim"]
    assert {environment.boards(environment.find(name))[0]["kind"] for name in PROGRAMS} == set(PROGRAMS)
    assert environment.boards(environment.find("remote")) == [], "the exporter says what they are"


def test_wrong_files(tmp_path):
    for text in ("", "[]", "targets: []", "targets: {}", "x: {", "targets: \t", "\x00"):
        path = tmp_path / "env.yaml"
        path.write_text(text)
        with pytest.raises(UsageError) as caught:
            environment.boards(environment.find(str(path)))
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    with pytest.raises(NotFoundError, match="bench, emulated, exporter, remote, sim"):
        environment.find("nowhere")


def test_templates_and_lists(tmp_path):
    """labgrid's two ways to write a list of resources, and its own tag."""
    path = tmp_path / "env.yaml"
    path.write_text(
        "targets: {main: {resources: [{FumoBoard: {kind: sim, folder: !template '$LG_X/y'}}, {DmBench: {}}]}}"
    )
    assert environment.boards(path) == [{"kind": "sim", "folder": "$LG_X/y"}]
