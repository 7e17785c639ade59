"""The page in Chromium, against a server that stays and simulated devices that run:
every screen, and work done by clicks and keys.
"""

import re
import shutil

import pytest

pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
if not shutil.which("chromium"):
    pytest.skip("no chromium on the PATH: apt install chromium", allow_module_level=True)

from playwright.sync_api import expect

from tests.dm import device as portable
from tests.host import browser_campaigns
from tests.host.browser import Browser, Desk
from tests.host.browser_rig import (
    FAILED,
    HOSTILE_ID,
    HOSTILE_VERSION,
    MARKUP,
    SCREENS,
    STRANGER,
    Rig,
    Sick,
    quoted,
    wait_until,
)
from tests.host.server_agent import Agent


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with Rig(tmp_path_factory.mktemp("browser")) as rig:
        yield rig


@pytest.fixture(scope="module")
def browser(rig):
    browser = Browser(rig.url)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def person(browser, rig):
    return browser.person(rig.settings.token)


@pytest.fixture
def tabs(browser, person):
    """Open tabs; none of them may have had a problem."""
    first = person.pages[0] if person.pages else person.new_page()
    kept = iter([first])
    yield lambda: Desk(next(kept, None) or person.new_page())
    for page in person.pages[1:]:
        page.close()
    first.goto("about:blank")
    assert browser.take_problems() == []


@pytest.fixture
def desk(tabs):
    return tabs()


@pytest.mark.parametrize(("screen", "path"), SCREENS, ids=[path for _, path in SCREENS])
def test_a_screen(desk, screen, path):
    desk.open(path, screen)
    if screen == "overview":
        desk.page.wait_for_selector("#chart-traffic canvas")
    if screen == "bench":
        expect(desk.page.locator("[data-slot] [data-bank]")).to_have_count(4)
    words = path.rpartition("/")[2] if path.endswith(("crash", FAILED.replace(":", "%3A"))) else ""
    desk.shoot(screen + ("-failed" if words else ""), whole=screen != "session")


def test_signing_in_and_out(browser):
    context = browser.person()
    desk = Desk(context.new_page())
    desk.page.goto("/campaigns/spring")
    desk.is_on("sign-in")
    desk.shoot("sign-in")
    with browser.allowing(401):
        desk.page.fill("[name=token]", "wrong-wrong-wrong-wrong")
        desk.press("Enter")
        expect(desk.page.locator("#sign-in-error")).to_be_visible()
    context.close()
    assert browser.take_problems() == []


def test_signing_in_leads_to_where_one_wanted_to_go(browser, rig):
    context = browser.person()
    desk = Desk(context.new_page())
    desk.page.goto("/campaigns/spring")
    desk.page.fill("[name=token]", rig.settings.token)
    desk.click("sign-in")
    desk.is_on("campaign")
    desk.click("sign-out")
    desk.is_on("sign-in")
    desk.page.goto("/devices")
    desk.is_on("sign-in")
    context.close()
    assert browser.take_problems() == []


def test_what_is_not_there(browser, desk):
    with browser.allowing(404):
        desk.open("/devices/nobody%3Cimg%20src=x%20onerror=owned=1%3E", "error")
        expect(desk.page.locator("#error-text")).to_contain_text("nobody<img")
        desk.shoot("error")


def test_without_the_script(browser, rig):
    """What cannot be taken back is asked on a screen of its own."""
    context = browser.person(rig.settings.token, java_script_enabled=False)
    page = context.new_page()
    page.goto("/devices/" + quoted(FAILED))
    page.click("#settings-title ~ details summary")
    page.click("[data-action=remove]")
    page.wait_for_selector('body[data-screen="confirm"]')
    for name, scheme in (("light", "light"), ("dark", "dark")):
        page.emulate_media(color_scheme=scheme)
        Desk(page)._keep("confirm-" + name)
    page.set_viewport_size({"width": 390, "height": 844})
    Desk(page)._keep("confirm-phone")
    page.click("text=Leave it")
    page.wait_for_selector('body[data-screen="device"]')
    context.close()
    assert browser.take_problems() == [] and rig.office.device(FAILED)["id"] == FAILED


def test_colours_by_choice(desk):
    def ground():
        return desk.page.evaluate("getComputedStyle(document.body).backgroundColor")

    desk.open("/devices?state=failed", "devices")
    light = ground()
    desk.page.click('[data-action=theme][value="dark"]')
    desk.page.wait_for_selector("[data-theme=dark] body.script")
    assert ground() != light and desk.page.url.endswith("/devices?state=failed")
    desk.page.click('[data-action=theme][value="auto"]')
    desk.page.wait_for_selector("[data-theme=auto] body.script")
    assert ground() == light


def test_a_campaign_by_clicks(rig, tabs):
    """From the upload to the end: a device without power holds it up, is given power on the bench and woken."""
    browser_campaigns.by_clicks(rig, tabs)


def test_a_campaign_by_keys(rig, desk):
    """Not one click, with a device that has lost its power."""
    browser_campaigns.by_keys(rig, desk)


@pytest.mark.parametrize(("name", "why"), [("text.fup", "update package"), ("stranger.fup", "unknown key")])
def test_a_refused_upload_says_why_in_one_line(rig, desk, name, why):
    desk.open("/packages", "packages")
    with desk.page.expect_file_chooser() as chooser:
        desk.page.click("[data-form=upload] [type=file]")
    chooser.value.set_files(rig.folder / name)
    desk.click("upload")
    said = desk.says(why, good=False)
    assert "\n" not in said and len(said) < 200
    assert name not in [each["name"] for each in rig.office.packages()]


def test_a_refused_campaign_keeps_what_was_written(browser, desk):
    desk.open("/campaigns/new", "campaign-new")
    desk.page.fill("[data-form=campaign] [name=name]", "odd")
    desk.page.fill("[data-form=campaign] [name=confirm]", MARKUP)
    desk.page.fill("[data-form=campaign] [name=filter]", "colour == 'red'")
    with browser.allowing(400):
        desk.click("create", "[data-form=campaign]")
        expect(desk.page.locator("#form-error")).to_contain_text("colour")
    assert desk.page.input_value("[name=filter]") == "colour == 'red'"
    desk.has_nothing_alien()


def test_a_command_and_what_comes_back(rig, desk):
    rig.device("sim:2").cycle()  # it may have been woken less than a minute ago
    desk.open("/devices/sim%3A2", "device")
    form = desk.page.locator("[data-form=command]")
    form.locator("[name=uri]").fill("./DevInfo")
    for name in ("list", "notify"):
        form.locator("[name=%s]" % name).check()
    desk.click("command", "[data-form=command]")
    desk.says("goes out")
    desk.mark()
    expect(desk.page.locator(".task .leaf-value", has_text="fumo-agent").first).to_be_visible()
    assert desk.is_marked()


def test_an_order_that_is_cancelled(rig, desk):
    desk.open("/devices/" + quoted(FAILED), "device")
    form = desk.page.locator("[data-form=order]")
    form.locator("[name=package]").select_option("bad.fup")
    form.locator("[name=notify]").uncheck()
    desk.click("order", "[data-form=order]")
    desk.says("Ordered")
    desk.click("cancel")
    desk.click("no")
    expect(desk.page.locator("#ask")).to_be_hidden()
    assert rig.office.device(FAILED)["order"]["state"] == "waiting"
    desk.click("cancel", sure=True)
    desk.says("cancelled")


def test_a_device_paused_and_many_at_once(rig, desk):
    desk.open("/devices/" + quoted(FAILED), "device")
    desk.click("pause")
    desk.state("paused")
    desk.click("resume")
    desk.says("Resumed")
    desk.open("/devices?q=sim&sort=-firmware", "devices")
    for name in ("sim:2", FAILED):
        desk.page.check('[name=device][value="%s"]' % quoted(name))
    expect(desk.page.locator("#ticked")).to_have_text("2 ticked")
    desk.page.fill("#bulk [name=tag]", MARKUP)
    desk.click("tag")
    desk.says("2 of 2")
    assert MARKUP in rig.office.device("sim:2")["tags"] and MARKUP in rig.office.device(FAILED)["tags"]
    desk.has_nothing_alien()


def test_power_by_click(rig, desk):
    slot = desk.page.locator('[data-slot="slot-0"]')
    desk.open("/bench", "bench")
    expect(slot).to_have_attribute("data-power", "on")
    starts = rig.device("sim:0").starts
    desk.click("off", '[data-slot="slot-0"]')
    expect(slot).to_have_attribute("data-power", "off")
    expect(slot.locator(".bank-confirmed")).to_have_count(1)
    desk.click("on", '[data-slot="slot-0"]')
    expect(slot).to_have_attribute("data-power", "on")
    expect(slot.locator(".bank-runs")).to_have_count(1)
    desk.page.evaluate("window.mark = 1")
    rig.device("sim:0").off()  # by somebody else
    expect(slot).to_have_attribute("data-power", "off")
    assert desk.is_marked()
    desk.click("cycle", '[data-slot="slot-0"]')
    expect(slot.locator(".console")).to_contain_text("listening")
    assert rig.device("sim:0").starts == starts + 2


def test_enrolment(rig, desk):
    desk.open("/quarantine", "enrolment")
    desk.click("dismiss", '[data-device="%s"]' % quoted(STRANGER))
    desk.says("Dismissed")
    assert rig.office.quarantine() == []
    desk.click("token")
    expect(desk.page.locator("#token")).to_be_visible()
    desk.page.fill("[data-form=device] [name=id]", "made:" + MARKUP)
    desk.click("add-device")
    expect(desk.page.locator("#bundle")).to_contain_text('"device_id": "made:')
    rig.office.remove_device("made:" + MARKUP)


def test_a_session_as_it_goes_on_and_a_hostile_diagnosis(rig, desk):
    """Each message of the device waits until the page has shown the one before."""
    agent = Agent(rig.for_agent)
    agent.device.client.tree.objects[4] = ("Vendor/Fw", Sick())
    agent.device.version = HOSTILE_VERSION
    shown = []

    def post(request, body):
        if len(shown) == 1:
            (number,) = [each["id"] for each in rig.office.sessions(portable.ID)]
            desk.open("/sessions/%d" % number, "session")
            desk.mark()
        if 1 <= len(shown) < 4:
            expect(desk.page.locator(".message")).to_have_count(2 * len(shown))
            desk.state("goes on")
        shown.append(body)
        return agent.post(request, body)

    agent.session(post=post)
    assert len(shown) > 2
    desk.state("ok")
    expect(desk.page.locator(".message")).to_have_count(2 * len(shown))
    assert desk.is_marked()
    agent.session()
    wait_until(lambda: rig.office.device(portable.ID)["diagnosis"], "the diagnosis")
    desk.open("/devices/" + quoted(portable.ID), "device")
    expect(desk.page.locator("#diagnosis-title ~ pre")).to_contain_text(re.compile(r"<script>owned=1</script>"))
    desk.has_nothing_alien()
    agent.close()


def test_nothing_hostile_gets_anywhere(rig, desk):
    """After all of that: names, versions, tags, groups and answers full of markup, on every screen."""
    numbers = [each["id"] for each in rig.office.sessions(HOSTILE_ID)]
    for path in ("/", "/sessions", "/campaigns", "/devices/" + quoted(HOSTILE_ID), "/sessions/%d" % numbers[0]):
        desk.page.goto(path)
        desk.has_nothing_alien()
    assert HOSTILE_VERSION in desk.page.goto("/devices").text().replace("&lt;", "<").replace("&gt;", ">")
