"""The POST that tells a download server what became of its package."""

from agent.errors import LinkError
from agent.install_notify import InstallNotify, status_line
from tests.portable.web_script import Answer, Clock, Web

URL = "http://files/notify?a"


def _tell(pages, code=900, url=URL, calls=50):
    web = Web(pages)
    notify = InstallNotify(web, Clock())
    notify.post(url, code)
    for _ in range(calls):
        told = notify.step()
        if told is not None:
            for exchange in web.exchanges:
                assert exchange.closed
            return told, web
    raise AssertionError("no end")


def test_texts():
    expected = "900 Success,901 Insufficient memory,902 User Cancelled,903 Loss of Service,905 Attribute mismatch,"
    expected += (
        "906 Invalid descriptor,951 Invalid DDVersion,952 Device Aborted,953 Non-Acceptable Content,954 Loader Error"
    )
    for line in expected.split(","):
        assert status_line(int(line[:3])) == line
    assert status_line(904) == "952 Device Aborted"


def test_what_is_sent():
    for code in (200, 204):
        told, web = _tell({URL: Answer(code, b"whatever")})
        assert told is True and web.fetched == 0
        assert web.requests == [("POST", URL, {"Content-Type": "text/plain"}, b"900 Success")]


def test_what_is_no_success():
    for status in (199, 300, 301, 302, 303, 304, 400, 404, 500, 503):
        told, web = _tell({URL: Answer(status, location="/b"), "http://files/b": Answer()})
        assert told is False and len(web.requests) == 1, status


def test_nothing_is_raised():
    for page in (LinkError("bad", 411, 954, True), Answer(cut=-1)):
        assert _tell({URL: page})[0] is False
    notify = InstallNotify(Web({}), Clock())
    assert notify.step() is False
    notify.close()


def test_redirects():
    for status in (307, 308):
        told, web = _tell({URL: Answer(status, location="/b"), "http://files/b": Answer()})
        assert told is True and web.requests[1] == ("POST", "http://files/b") + web.requests[0][2:]
    for location in (None, "http://other/b", "ftp://files/b"):
        assert _tell({URL: Answer(307, location=location), "http://other/b": Answer()})[0] is False
    assert (
        _tell({"https://f/": Answer(307, location="http://f/b"), "http://f/b": Answer()}, 900, "https://f/")[0] is False
    )
    pages = {"http://files/%d" % i: Answer(307, location="/%d" % (i + 1)) for i in range(6)}
    pages["http://files/6"] = Answer()
    assert _tell(pages, 900, "http://files/1")[0] is True
    told, web = _tell(pages, 900, "http://files/0")
    assert told is False and len(web.requests) == 6


def test_it_takes_a_bounded_time():
    web, clock = Web({URL: Answer()}), Clock()
    notify = InstallNotify(web, clock)
    notify.post(URL, 900)
    assert notify.step() is None
    clock.now = 119999
    assert notify.step() is None
    clock.now = 120000
    assert notify.step() is False and web.exchanges[0].closed


def test_another_post_takes_the_place_of_the_one_before():
    web = Web({URL: Answer(), "http://files/b": Answer()})
    notify = InstallNotify(web, Clock())
    notify.post(URL, 900)
    notify.step()
    notify.post("http://files/b", 952)
    while notify.step() is None:
        pass
    assert web.requests[-1][1:] == ("http://files/b", {"Content-Type": "text/plain"}, b"952 Device Aborted")
