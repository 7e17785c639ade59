"""Scenario 2: the server says where the package is, and the device fetches it by itself."""

from flash_tools.server import web_faults
from tests.scenarios import opening, result
from tests.scenarios.story import TO_DEVICE, Story

NODES = {"download-and-update": "DownloadAndUpdate", "download": "Download"}
KINDS = {"download-and-update": ["downloadandupdate"], "download": ["download", "update"]}
CUT_RATE = 100000  # bytes a second, where the power is to go in the middle
CUT_AT = ("progress 4", "progress 5")  # behind what would rather be read again than asked for by a range


def play(rig, method="download-and-update", descriptor=True, cut=""):
    """Do what operator, user and power do; `cut` says where the power goes: "", "download" or "trial"."""
    package = rig.server.add_package(rig.update("2.0"), "fw-2.0.fup")
    if cut == "download":
        rig.server.web_faults.add("package", web_faults.slow(CUT_RATE))
    order = rig.order(package, method, confirm=opening.QUESTION, descriptor=descriptor)
    rig.answer(True, opening.QUESTION)
    if descriptor:
        rig.answer(True, package.name)
    if cut == "download":
        rig.wait(*CUT_AT)
        rig.cycle("in the download")
    elif cut:
        rig.wait("boot 2")
        rig.cycle("in the trial")
    return package, order, order.wait(rig.update_s)


def check(rig, package, order, outcome, cut="") -> Story:
    """Find the numbered steps, and check what is at the end."""
    story = Story(rig.server.transcript)
    node, described = NODES[order.method], order.url != package.url
    session_id = opening.check(story, rig, order)
    _order(story, rig, order, node)
    if described:
        _descriptor(story, rig, package, order)
    _package(story, package, cut == "download")
    if order.method == "download":
        _downloaded(story, rig, order, session_id, described)
        result.installs(story, rig, 20, cut == "trial")
    else:
        story.step(19, "the download user agent hands off control to the firmware update client")
        story.heard("state 50")
        result.installs(story, rig, 20, cut == "trial")
        _tell(story, described)
    correlator = order.update_correlator
    result.reports(story, rig, 24, order, KINDS[order.method][-1], session_id, correlator)
    result.finish(outcome, KINDS[order.method])
    assert outcome.notifications == (["900 Success"] if described else [])
    return story


def _order(story, rig, order, node):
    target = "%s/%s/PkgURL" % (rig.root, node)
    story.step(10, "the server replaces PkgURL")
    told = story.sent(TO_DEVICE, lambda m: target in m.items("Replace"), "Replace of PkgURL")
    assert told.items("Replace")[target].value("Data") == order.url
    result.ordered(story, rig, 11, order, node, "the server sends an Exec to download and install the package")
    story.step(12, "the session ends; the client hands off control to the download user agent")
    assert result.accepted(story, rig, node) == 0, "nothing is fetched in the session"


def _descriptor(story, rig, package, order):
    story.step(13, "the download user agent requests the download descriptor")
    asked, answer = story.request("descriptor")
    assert asked.title.startswith("GET /descriptors/") and asked.title.endswith("?t=" + order.order_id)
    assert "application/vnd.oma.dd+xml" in asked.fields["accept"] and package.content_type in asked.fields["accept"]
    story.step(14, "the download server returns the download descriptor")
    assert answer.title == "HTTP 200" and b"<size>%d</size>" % len(package.data) in answer.body
    story.step(15, "the download user agent checks the descriptor and the device, and asks the user")
    text = story.heard("question 1101")
    assert package.name in text and "%d KiB" % ((len(package.data) + 1023) // 1024) in text
    assert story.before("package") == 0, "nothing is fetched before the user has agreed"
    story.step(16, "the user decides to initiate the download")
    story.noted("the user says yes")


def _package(story, package, cut):
    story.step(17, "the download user agent starts the download at the URL of the package")
    asked, answer = story.request("package")
    assert asked.title == "GET /packages/" + package.name and "range" not in asked.fields
    story.step(18, "the download user agent retrieves the package")
    assert answer.title == "HTTP 200" and answer.fields["content-length"] == str(len(package.data))
    if cut:
        story.noted("the power is back")
        _again(story)
        _goes_on(story, package)
    while story.rest("package"):  # of a board that takes its time: a session of its own came between
        story.heard("session open")
        _look(story)
        _goes_on(story, package)


def _again(story):
    """The package's beginning is looked at once more, and nobody is asked again."""
    story.request("descriptor")
    _look(story)


def _look(story):
    asked, answer = story.request("package")
    assert "range" not in asked.fields and answer.title == "HTTP 200"


def _goes_on(story, package):
    """What is in the flash already is not asked for again."""
    asked, answer = story.request("package")
    first = int(asked.fields["range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < first < len(package.data) and asked.fields["if-range"] == package.etag, "it goes on where it was"
    assert answer.title == "HTTP 206" and answer.fields["content-length"] == str(len(package.data) - first)


def _tell(story, described):
    story.step(21, "the firmware update client tells the download user agent of the outcome")
    story.heard("result 200")
    story.step(22, "the firmware update client tells the management client of the outcome")
    story.heard("result 200")
    if described:
        _notify(story)
    else:
        assert not story.rest("notify") and story.before("notify") == 0


def _notify(story):
    story.step(23, "the download user agent sends an installation notification to installNotifyURI")
    asked, answer = story.request("notify")
    assert asked.title.startswith("POST /notify/") and asked.body == b"900 Success"
    assert answer.title == "HTTP 200"
    assert not story.rest("notify"), "it is told once"


def _downloaded(story, rig, order, session_id, described):
    """Exec Download: its own result, and the Exec Update in the answer."""
    story.step("19a", "the download is over, the package is held")
    story.heard("state 50")
    if described:
        _notify(story)
    second = result.reports(story, rig, "19b", order, "download", session_id, order.correlator)
    text = "the server sends an Exec to install the package"
    result.ordered(story, rig, "19c", order, "Update", text, order.update_correlator)
    story.step("19d", "the client hands off control to the firmware update client")
    result.accepted(story, rig, "Update")
    assert second != session_id
