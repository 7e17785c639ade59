"""`fumo provision` as a user runs it, on images: what is written, what is refused, what a device then reads."""

import json

import pytest

from agent.journal import Journal
from flash_tools.boards import factory_region, first_firmware
from flash_tools.boards import provision as work
from flash_tools.chips import open_chip
from flash_tools.errors import NotFoundError, RefusedError, ToolError, UsageError, VerifyError
from tests.host import blank_chips
from tests.host.blank_chips import BLANK, BUNDLE, facts_of, who


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return blank_chips.make_bench(tmp_path_factory.mktemp("provision"))


@pytest.fixture
def image(tmp_path, capsys, monkeypatch):
    return blank_chips.make_image(tmp_path, capsys, monkeypatch)


def test_a_blank_chip_is_told_who_it_is(bench, image):
    image.blank(
        *who(bench, "--anchor", bench / "next.pub.pem", "--man", "ACME", "--info", "DevTyp=lamp", "--hardware", "B"),
    )
    facts = facts_of(image)
    assert facts["product"] == "bench" and facts["board"] == "sim_nor" and len(facts["anchors"]) == 2
    assert facts["device"] == {
        "DevId": "sim:7", "Man": "ACME", "Mod": "sim", "DmV": "1.0", "Lang": "en", "DevTyp": "lamp", "OEM": "fumo-agent",
        "SwV": "", "HwV": "B",
    }  # fmt: skip
    assert facts["accounts"][0]["secret"] == "hush" and facts["accounts"][0]["nonce"] == b"nonce".hex()
    assert len(facts["device_key"]) == 32
    identity = first_firmware.trust(facts)
    assert identity.servers == ["srv"]


def test_the_secrets_are_nobodys(bench, image):
    seen = image.blank(*who(bench, "--dry-run", "--json"))
    said = image.blank(*who(bench))
    shown = image.run("--show")
    also = image.run("--show", "--json")
    key = facts_of(image)["device_key"]
    for done in (seen, said, shown, also):
        for secret in ("hush", "psst", key, b"nonce".hex(), "bm9uY2U"):
            assert secret not in done.stdout + done.stderr
    assert json.loads(also.stdout)["facts"]["accounts"][0]["secret"] is True


def test_dry_run_writes_nothing(bench, image):
    done = image.blank(*who(bench, "--dry-run", "--firmware", bench / "first.fup", "--json"))
    told = json.loads(done.stdout)
    assert told["dry_run"] and not told["written"] and told["firmware"] == "1.5" and told["room"] == 4084
    assert image.read_bytes() == BLANK


def test_show_of_a_blank_chip_is_3(image):
    done = image.blank("--show", code=3)
    assert len(done.stderr.strip().splitlines()) == 1


def test_nothing_is_overwritten_unless_forced(bench, image):
    image.blank(*who(bench))
    before = image.read_bytes()
    assert "already" in image.run(*who(bench)).stderr and image.read_bytes() == before
    other = who(bench)[:-2] + ("--id", "sim:8")
    done = image.run(*other, code=1)
    assert "--force" in done.stderr and "sim:7" in done.stderr and image.read_bytes() == before
    image.run(*other, "--force", "--dry-run")
    assert image.read_bytes() == before
    image.run(*other, "--force")
    assert facts_of(image)["device"]["DevId"] == "sim:8" and facts_of(image)["accounts"] == []


def test_the_same_device_keeps_its_key_and_another_has_another(bench, image):
    image.blank(*who(bench))
    key = facts_of(image)["device_key"]
    image.run(*who(bench, "--man", "ACME", "--force"))
    assert facts_of(image)["device_key"] == key and facts_of(image)["device"]["Man"] == "ACME"
    image.run(*who(bench, "--id", "sim:9", "--force"))
    assert facts_of(image)["device_key"] != key


def test_what_servers_changed_goes_with_the_identity(bench, image):
    image.blank(*who(bench))
    with open_chip("file:%s" % image, write=True) as chip:
        Journal(chip.regions()["settings"]).put(((1, b"accounts"),))
    image.run(*who(bench))
    with open_chip("file:%s" % image) as chip:
        assert Journal(chip.regions()["settings"]).keys() == [1], "the same again changes nothing"
    image.run(*who(bench, "--man", "ACME", "--force"))
    with open_chip("file:%s" % image) as chip:
        assert Journal(chip.regions()["settings"]).keys() == []


@pytest.mark.parametrize(
    "drop, add, code, said",
    [
        ("--product", (), 2, "--product"),
        ("--anchor", (), 2, "--anchor"),
        ("", ("--info", "x"), 2, "NAME=VALUE"),
        ("", ("--product", "p" * 65), 2, "1 to 64"),
        ("", ("--enrol", "https://x"), 2, "--token"),
        ("", ("--account", "url=ftp://x"), 2, "https://"),
        ("", ("--account", "nonce=!!!"), 1, "base64"),
        ("", ("--account", "auth=magic"), 1, "auth"),
        ("", ("--anchor", "nowhere.pem"), 1, "nowhere.pem"),
    ],
)
def test_what_a_device_could_not_use_is_one_line(bench, image, drop, add, code, said):
    words = list(who(bench))
    if drop:
        at = words.index(drop)
        del words[at : at + 2]
    done = image.blank(*words, *add, code=code)
    assert len(done.stderr.strip().splitlines()) == 1 and said in done.stderr
    assert image.read_bytes() == BLANK


def test_too_much_says_what_could_be_left_out(bench, image, tmp_path):
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n" + "A" * 4000 + "\n-----END CERTIFICATE-----\n")
    done = image.blank(*who(bench, "--ca", tmp_path / "ca.pem"), code=1)
    assert "ca_pem 40" in done.stderr and "4084" in done.stderr and "leave something out" in done.stderr


def test_without_words_it_says_what_it_wants(image):
    assert "--product" in image.blank(code=2).stderr
    assert "--layout" in image.run("--show", code=2).stderr


def test_another_layout_needs_an_erased_region(bench, image, tmp_path):
    image.blank(*who(bench))
    layout = [["boot", 0, 12288], ["factory", 65536, 8192]]
    (tmp_path / "odd.json").write_text(json.dumps(layout))
    assert "another layout" in image.run(*who(bench), "--layout", tmp_path / "odd.json", code=1).stderr
    (tmp_path / "none.json").write_text(json.dumps(layout[:1]))
    other = tmp_path / "other.img"
    other.write_bytes(BLANK)
    assert "no factory region" in image.run_at(other, *who(bench), "--layout", tmp_path / "none.json", code=1).stderr


def test_a_file_of_facts_does_as_well(bench, image):
    image.blank("--facts", bench / "dev" / "provision.json")
    assert facts_of(image)["device"]["DevId"] == "sim:1"
    (image.parent / "x.json").write_text("[]")
    image.blank("--facts", image.parent / "x.json", code=1)
    (image.parent / "x.json").write_text('{"product": "p"}')
    image.blank("--facts", image.parent / "x.json", code=2)


def test_errors_have_their_classes(bench, image):
    with open_chip("file:%s" % image, "sim_nor", write=True) as chip:
        with pytest.raises(NotFoundError):
            work.show(chip)
        with pytest.raises(UsageError):
            work.make_facts(work.Device("p", "m", "d"), [], None, "b", chip.layout)
        facts = json.loads((bench / "dev" / "provision.json").read_text())
        facts = work.placed(facts, "sim_nor", chip.layout)
        with pytest.raises(RefusedError):
            work.provision(chip, facts, (bench / "foreign.fup").read_bytes())
        with pytest.raises(VerifyError):
            work.provision(chip, facts, b"FUP1")
        assert work.provision(chip, facts).written
        with pytest.raises(ToolError):
            work.provision(chip, {**facts, "model": "other"}, ask=lambda question: False)
        assert work.provision(chip, {**facts, "model": "other"}, ask=lambda question: True).written
        assert factory_region.look(chip.regions()["factory"]).facts["model"] == "other"


def test_what_enrolment_brings_is_kept_before_anything_is_written(bench, image, monkeypatch):
    asked, save = [], image.parent / "kept.json"

    def fetch(url, token, device_id, model, ca_pem):
        asked.append((url, token, device_id, model))
        return {**BUNDLE, "device_id": device_id, "ca_pem": None}

    monkeypatch.setattr("flash_tools.enrolment.fetch_bundle", fetch)
    words = (*who(bench)[:-2], "--enrol", "https://srv.example", "--token", "once", "--save", save)
    assert "--id" in image.blank(*words, code=2).stderr
    image.blank(*words, "--id", "sim:7", "--dry-run")
    assert not asked and not save.exists(), "a dry run does not use the token up"
    image.blank(*words, "--id", "sim:7")
    assert asked == [("https://srv.example", "once", "sim:7", "sim")] and save.stat().st_mode & 0o777 == 0o600
    assert facts_of(image)["accounts"][0]["secret"] == "hush" and json.loads(save.read_text())["secret"] == "hush"
    assert "exists" in image.run(*words, "--id", "sim:8", code=1).stderr
    assert "--force" in image.run(*words[:-1], image.parent / "other.json", "--id", "sim:8", code=1).stderr
    assert len(asked) == 1, "the token of a board that is provisioned is not used up"


@pytest.mark.parametrize("name, value", [
    ("device", []), ("device", {}), ("device", "x"), ("accounts", 7), ("accounts", [7]), ("accounts", [{}]), ("anchors", [["a"]]),
    ("anchors", [["a", "00"]]), ("anchors", [["a", "zz"]]), ("anchors", {}), ("device_key", "x"), ("device_key", 5), ("product", 5),
    ("product", ""), ("model", None), ("accounts", [{"server_id": "s", "url": 5}]), ("accounts", [{"server_id": "s"}]),
    ("accounts", [{"server_id": "s", "url": "http://x", "secret": "x" * 4000}]),
])  # fmt: skip
def test_odd_facts_are_one_line(bench, image, name, value):
    facts = json.loads((bench / "dev" / "provision.json").read_text())
    (image.parent / "odd.json").write_text(json.dumps({**facts, name: value}))
    done = image.blank("--facts", image.parent / "odd.json", code=2)
    assert len(done.stderr.strip().splitlines()) == 1 and image.read_bytes() == BLANK
