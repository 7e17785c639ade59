"""Campaigns made, started, paused, resumed and watched to their end in a browser: once with the mouse, once with keys alone."""

from playwright.sync_api import expect

from tests.host.browser_rig import MARKUP


def by_clicks(rig, tabs):
    """From the upload to the end: a device without power holds it up, is given power on the bench and woken."""
    desk, bench, overview = tabs(), tabs(), tabs()
    _upload(rig, desk)
    _take_power(rig, bench)
    _fill_campaign(desk)
    overview.open("/", "overview")
    overview.mark()
    _start(desk)
    expect(overview.page.locator('[data-campaign="autumn"] .legend')).to_contain_text("1 success")
    _pause_and_resume(rig, desk, overview)
    device = tabs()
    _give_power(bench, device)
    desk.state("finished")
    desk.state("success", '[data-device="sim%3A1"]')
    expect(bench.page.locator('[data-slot="slot-1"] .bank-runs')).to_contain_text("2.0")
    expect(overview.page.locator("#running-title ~ .running")).to_have_count(0)
    assert device.is_marked() and desk.is_marked() and overview.is_marked()
    assert device.page.text_content("#announce") == "sim:1: result 200"
    with desk.page.expect_download() as download:
        desk.click("csv")
    assert b"sim:1" in download.value.path().read_bytes()


def _upload(rig, desk):
    desk.open("/packages", "packages")
    desk.page.set_input_files("[data-form=upload] [type=file]", rig.folder / "2.fup")
    desk.click("upload")
    desk.says("2.fup: version 2.0 for sim")
    expect(desk.page.locator('[data-package="2.fup"]')).to_contain_text("release " + MARKUP[:12])


def _take_power(rig, bench):
    bench.open("/bench", "bench")
    bench.click("off", '[data-slot="slot-1"]')
    bench.says("slot-1 has no power")
    expect(bench.page.locator('[data-slot="slot-1"]')).to_have_attribute("data-power", "off")
    assert not rig.device("sim:1").runs


def _start(desk):
    desk.click("start", sure=True)
    desk.says("running")
    desk.mark()
    desk.state("done", '[data-group="canary"]')
    desk.state("success", '[data-device="sim%3A0"]')
    desk.state("ordered", '[data-device="sim%3A1"]')
    assert desk.is_marked()


def _pause_and_resume(rig, desk, overview):
    desk.click("pause", sure=True)
    desk.says("paused")
    desk.state("paused")
    expect(overview.page.locator("[data-need=paused]")).to_contain_text("autumn")
    assert rig.office.campaign("autumn")["state"] == "paused"
    desk.click("resume", sure=True)
    desk.says("running")
    desk.mark()


def _give_power(bench, device):
    bench.click("on", '[data-slot="slot-1"]')
    bench.says("slot-1 has power")
    expect(bench.page.locator('[data-slot="slot-1"] .console')).to_contain_text("boot 1 bank 0 confirmed version 1.0")
    device.open("/devices/sim%3A1", "device")
    device.click("wake")
    device.says("on its way")
    device.mark()
    expect(device.page.locator("[data-stage=Confirm]").first).to_have_attribute("data-stage-state", "done")
    expect(device.page.locator(".facts").first).to_contain_text("2.0")


def _fill_campaign(desk):
    desk.open("/campaigns", "campaigns")
    desk.click("new")
    desk.is_on("campaign-new")
    form = desk.page.locator("[data-form=campaign]")
    form.locator("[name=name]").fill("autumn")
    form.locator("[name=package]").select_option("2.fup")
    form.locator("[name=filter]").fill("id in ['sim:0', 'sim:1']")
    for row, name, share in ((1, "canary", "1"), (2, "rest", "")):
        form.locator("[name=group%d_name]" % row).fill(name)
        form.locator("[name=group%d_share]" % row).fill(share)
    form.locator("[name=group1_success]").fill("100%")
    desk.click("create", "[data-form=campaign]")
    desk.is_on("campaign")
    desk.state("ready")


def by_keys(rig, desk):
    """Not one click, with a device that has lost its power."""
    rig.office.add_package((rig.folder / "3.fup").read_bytes(), "3.fup")
    late = rig.device("sim:3")
    late.off()
    _fill_by_keys(desk)
    _do_by_keys(desk, "start", "ready", "running")
    desk.state("success", '[data-device="sim%3A2"]')
    _do_by_keys(desk, "pause", "running", "paused")
    _do_by_keys(desk, "resume", "paused", "running")
    late.on()
    _wake_by_keys(desk)
    desk.press("g", "c")
    desk.is_on("campaigns")
    desk.state("finished", '[data-campaign="winter"]')


def _fill_by_keys(desk):
    page = desk.page
    desk.open("/", "overview")
    desk.press("?")
    expect(page.locator("#help")).to_be_visible()
    desk.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    desk.press("g", "c")
    desk.is_on("campaigns")
    desk.tab_to("[data-action=new]")
    desk.press("Enter")
    desk.is_on("campaign-new")
    desk.tab_to("[name=name]")
    page.keyboard.type("winter")
    desk.tab_to("[name=package]")
    page.keyboard.type("3")
    desk.tab_to("[name=filter]")
    page.keyboard.type("id in ['sim:2', 'sim:3']")
    desk.press("Enter")
    desk.is_on("campaign")


def _wake_by_keys(desk):
    desk.press("g", "d")
    desk.is_on("devices")
    desk.press("/")
    desk.page.keyboard.type("sim:3")
    desk.press("Enter")
    desk.page.wait_for_url("**/devices?q=sim*")
    desk.is_on("devices")
    expect(desk.page.locator("tbody tr")).to_have_count(1)
    desk.press("Tab", "j", "Enter")
    desk.is_on("device")
    desk.tab_to("[data-action=wake]")
    desk.press("Enter")
    desk.says("on its way")


def _do_by_keys(desk, action, before, after):
    """Ask for something, leave it, ask again and mean it."""
    desk.tab_to('[data-action="%s"]' % action)
    desk.press("Enter")
    ask = desk.page.locator("#ask")
    expect(ask).to_be_visible()
    desk.press("Escape")
    expect(ask).to_be_hidden()
    desk.state(before)
    desk.press("Enter")
    expect(ask).to_be_visible()
    desk.tab_to("#ask-yes")
    desk.press("Enter")
    desk.says(after)
    desk.state(after)
