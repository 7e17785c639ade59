"""The source of packages: what it asks for, what it takes, and the error for everything else."""

from agent import causes, download, ranges
from agent.errors import LinkError
from tests.portable.check import raises
from tests.portable.web_script import DATA, START, TYPES, URL, Answer, Clock, User, Web, make_job, read, refused, serve

DD = "http://files/a/fw.dd"
ROOM = 200000


def _describe(size=None, uri="fw.fup", kind=TYPES[0], more=""):
    text = "<media><type>%s</type><size>%d</size><objectURI>%s</objectURI><name>Fw</name>%s</media>"
    return Answer(200, (text % (kind, len(DATA) if size is None else size, uri, more)).encode(), etag='"dd"')


class _Bench:
    """A source and what is around it."""

    def __init__(self, pages, url=URL, user=None, **more):
        self.web, self.user, self.clock, self.job = Web(pages), user or User(), Clock(), make_job(url)
        self.logged = []
        self.source = download.Source(self.web, self.user, self.clock, TYPES, self._log, **more)
        self.stream = None

    def _log(self, text, *arguments):
        self.logged.append(text % arguments)

    def read(self, offset, count, capacity=ROOM):
        """Read from there on, as the update does: the stream before is closed first."""
        if self.stream:
            self.stream.close()
        self.stream = self.source.open(self.job, offset, capacity)
        return read(self.stream, count)

    def all(self, capacity=ROOM):
        return self.read(0, len(DATA) + 1, capacity)

    def fails(self, fumo, dlota, offset=0, capacity=ROOM):
        error = refused(lambda: self.read(offset, len(DATA) + 1, capacity), fumo, dlota)
        assert not self.web.exchanges or self.web.exchanges[-1].closed
        return error

    def fields(self, number):
        return self.web.requests[number][2]


def _described(page, descriptor=None, **more):
    return _Bench({DD: descriptor or _describe(), URL: page}, DD, **more)


# -- what is asked for ------------------------------------------------------------------------------------------------


def test_a_package_at_the_url_itself():
    bench = _Bench({URL: serve(DATA)})
    assert bench.all() == DATA
    assert bench.web.requests == [("GET", URL, {"Accept": ", ".join(TYPES) + ", application/vnd.oma.dd+xml"}, b"")]
    assert bench.user.asked == [] and bench.job.validator == '"1"' and bench.job.notify == ""
    assert bench.stream.read_into(memoryview(bytearray(9))) == 0


def test_nothing_is_asked_for_before_the_first_read():
    bench = _Bench({})
    bench.source.open(bench.job, 0, ROOM)
    assert bench.web.requests == []


def test_a_package_by_its_descriptor():
    bench = _described(serve(DATA), _describe(more="<installNotifyURI>/n</installNotifyURI>"))
    assert bench.all() == DATA
    assert bench.web.urls == [DD, URL] and bench.fields(1) == {"Accept": ", ".join(TYPES)}
    assert bench.job.notify == "http://files/n" and bench.job.agreed and bench.job.validator == '"1"'
    assert len(bench.user.asked) == 3 and bench.user.asked[0] is bench.user.asked[2]
    assert bench.user.asked[0].text == "Fw\n118 KiB"


def test_the_first_byte_decides_whatever_the_type_says():
    html = {"content_type": "Text/HTML; charset=x"}
    bench = _Bench({URL: serve(DATA, **html)})
    assert bench.all() == DATA and len(bench.logged) == 1 and "text/html" in bench.logged[0]
    descriptor = _describe()
    descriptor.fields = html
    bench = _described(serve(DATA), descriptor)
    assert bench.all() == DATA and len(bench.logged) == 1
    for kind in TYPES + ("APPLICATION/octet-stream; a=b", ""):
        bench = _Bench({URL: serve(DATA, content_type=kind)})
        assert bench.all() == DATA and bench.logged == []


def test_going_on_by_range_with_a_strong_validator():
    bench = _Bench({URL: serve(DATA)})
    assert bench.read(0, START) == DATA[:START]
    assert bench.read(60000, 5000) == DATA[60000:65000]
    assert bench.fields(1)["Range"] == "bytes=60000-" and bench.fields(1)["If-Range"] == '"1"'
    assert "," in bench.fields(0)["Accept"]
    weak = _Bench({URL: serve(DATA, etag='W/"1"')})
    weak.read(0, START)
    assert weak.read(60000, len(DATA)) == DATA[60000:] and "If-Range" not in weak.fields(1) and not weak.job.validator


def test_a_little_is_skipped_on_the_same_connection():
    bench = _Bench({URL: serve(DATA)})
    bench.read(0, START)
    assert bench.read(START + 32768, 999) == DATA[START + 32768 :][:999] and len(bench.web.requests) == 1
    bench.read(START, 10)  # back
    assert len(bench.web.requests) == 2
    bench.read(START + 10 + 32769, 10)
    assert len(bench.web.requests) == 3


def test_a_server_without_ranges_starts_over():
    bench = _Bench({URL: serve(DATA, ranges=False)})
    bench.read(0, START)
    assert bench.read(60000, 9) == DATA[60000:60009] and len(bench.web.requests) == 2 and len(bench.logged) == 1
    assert bench.read(110000, len(DATA)) == DATA[110000:] and len(bench.web.requests) == 2, "asked again for nothing"


def test_after_a_reboot_the_descriptor_is_fetched_again_and_nobody_asked():
    bench = _described(serve(DATA))
    bench.all()
    again = _described(serve(DATA))
    again.job = bench.job
    assert again.read(60000, len(DATA)) == DATA[60000:] and again.user.asked == []
    assert again.web.urls == [DD, URL] and again.fields(1)["If-Range"] == '"1"' and "Range" not in again.fields(0)


def test_from_the_middle_without_knowing_what_it_is():
    bench = _Bench({URL: serve(DATA)})
    assert bench.read(60000, len(DATA)) == DATA[60000:] and bench.web.fetched < 61000
    bench = _Bench({URL: serve(DATA)})
    assert bench.read(32768, 9) == DATA[32768:32777] and len(bench.web.requests) == 1


def test_after_a_break_the_package_is_asked_for_at_once():
    bench = _described(serve(DATA, cut=50000))
    bench.fails(503, 903)
    bench.web.pages[URL] = serve(DATA)
    assert bench.all() == DATA and bench.web.urls == [DD, URL, URL] and len(bench.user.asked) == 3


def test_redirects():
    for status in (301, 302, 303, 307, 308):
        pages = {URL: Answer(status, b"moved", location="/b"), "http://files/b": serve(DATA)}
        bench = _Bench(pages)
        bench.read(0, START)
        assert bench.read(60000, len(DATA)) == DATA[60000:]
        assert bench.web.urls == [URL, "http://files/b"] * 2 and bench.fields(3)["Range"] == "bytes=60000-"
    moved = Answer(302, location="https://other/deep/x.dd")
    bench = _Bench({DD: moved, "https://other/deep/x.dd": _describe(), "https://other/deep/fw.fup": serve(DATA)}, DD)
    assert bench.all() == DATA, "relative to where the descriptor really is"


def test_five_redirects_and_no_more():
    pages = {"http://files/%d" % i: Answer(302, location="/%d" % (i + 1)) for i in range(6)}
    pages["http://files/6"] = serve(DATA)
    assert _Bench(pages, "http://files/1").all() == DATA
    bench = _Bench(pages, "http://files/0")
    assert bench.fails(411, 954).final and len(bench.web.requests) == 6


def test_a_fetcher_for_another_scheme():
    bench = _Bench({}, "Coap://x", fetchers=(("coap", lambda *given: given),))
    assert bench.source.open(bench.job, 7, ROOM) == ("Coap://x", 7, bench.job)


def test_closing_and_coming_back():
    bench = _described(serve(DATA))
    for calls in range(1, 14):
        stream = bench.source.open(bench.job, 0, ROOM)
        for _ in range(calls):
            stream.read_into(memoryview(bytearray(8)))
        bench.source.close()
        bench.source.close()
        assert bench.web.exchanges[-1].closed
    assert bench.all() == DATA
    stream.close()
    bench.stream.close()
    bench.stream.close()


def test_what_is_complete_is_let_go_at_once():
    bench = _Bench({URL: serve(DATA)})
    assert bench.read(0, len(DATA)) == DATA and not bench.web.exchanges[0].closed
    bench.stream.close()
    assert bench.web.exchanges[0].closed


def test_another_job_is_another_matter():
    bench = _described(serve(DATA))
    bench.read(0, START)
    bench.job = make_job(DD)
    assert bench.all() == DATA and len(bench.user.asked) == 4 and bench.web.urls == [DD, URL] * 2


def test_a_small_board_forgets_the_code_of_the_moment():
    import sys

    bench = _described(serve(DATA))
    bench.source.small = True
    assert bench.all() == DATA
    assert "agent.descriptor" not in sys.modules and "agent.offer" not in sys.modules
    assert "agent.download" in sys.modules


def test_one_read_takes_a_bounded_time():
    bench = _Bench({URL: serve(DATA, ranges=False)})
    bench.read(0, START)
    bench.web.pause = 0
    bench.stream.close()
    stream = bench.source.open(bench.job, 100000, ROOM)
    reads = 0
    while stream.read_into(memoryview(bytearray(8))) is None:
        reads += 1
    assert reads > 2


# -- the size -----------------------------------------------------------------------------------------------------------


def test_an_end_just_at_the_announced_size_is_the_end():
    for length in (-1, len(DATA)):
        bench = _described(serve(DATA, length=length, cut=len(DATA)))
        assert bench.all() == DATA


def test_without_any_announced_size():
    assert _Bench({URL: serve(DATA, length=-1)}).all() == DATA
    assert _Bench({URL: serve(DATA, length=-1)}).all(len(DATA)) == DATA
    bench = _Bench({URL: serve(DATA, length=-1)})
    bench.fails(501, 901, capacity=len(DATA) - 1)
    assert bench.web.fetched == len(DATA), "one byte more than fits, to see that there is one"
    page = serve(DATA[:50000], length=-1, ranges=False)
    _Bench({URL: page}).fails(402, 905, offset=32000 + 20000)


def test_never_more_than_announced():
    bench = _described(serve(DATA, length=-1), _describe(5000))
    bench.fails(402, 905)
    assert bench.web.fetched < 5200


def test_never_more_than_fits():
    bench = _Bench({URL: serve(DATA)})
    bench.fails(501, 901, capacity=len(DATA) - 1)
    assert bench.web.fetched == 1
    assert _Bench({URL: serve(DATA)}).all(len(DATA)) == DATA


def test_a_descriptor_without_end():
    bench = _Bench({DD: Answer(200, b"<media>" + b" " * 100000, -1)}, DD)
    bench.fails(405, 906)
    assert bench.web.fetched <= 4097


# -- every row of the table of causes that a download can have --------------------------------------------------------


def _row(cause):
    for name, follows, fumo, dlota in causes.ROWS:
        if name == cause:
            return follows, fumo, dlota
    raise AssertionError("no row " + cause)


def _has(cause, pages, url=URL, offset=0, **more):
    """Check that the row's numbers come out, and that what follows agrees with the error."""
    follows, fumo, dlota = _row(cause)
    bench = _Bench(pages, url, **more)
    error = bench.fails(fumo, dlota, offset)
    if isinstance(error, LinkError):
        assert error.final == (follows in (causes.NO, causes.DESCRIPTOR)), cause
    return bench, error


def test_row_bad_url_redirects_https_to_http():
    cause = "bad URL, redirects, https to http"
    _has(cause, {URL: LinkError("bad", 411, 954, True)})
    for location in (None, "", "ftp://files/x", "http://other/x", "http://files/" + "x" * 1024):
        fields = {"location": location}
        _has(cause, {URL: Answer(302, **fields)})
    _has(cause, {"https://files/x": Answer(302, location="http://files/x")}, "https://files/x")
    _has(cause, {"https://files/x": _describe(uri="http://files/x")}, "https://files/x")
    _has(cause, {DD: _describe(uri="gopher://files/x")}, DD)


def test_row_no_name_refused_429_503():
    cause = "no name, refused, 429, 503"
    for status in (429, 503):
        _, error = _has(cause, {URL: Answer(status, retry_after="9")})
        assert error.after_ms == 9000
        _has(cause, {DD: _describe(), URL: Answer(status)}, DD)
    _has(cause, {URL: Answer(cut=-1, error=LinkError("no such name", 412, 954))})


def test_row_certificate():
    _has("certificate", {URL: Answer(cut=-1, error=LinkError("wrong name", 503, 954, True))})


def test_row_reset_tls_broken_early_close():
    cause = "reset, TLS broken, early close"
    for cut in (0, 1, 3, 308, 50000, len(DATA) - 1):
        _has(cause, {URL: serve(DATA, cut=cut)})
        _has(cause, {DD: _describe(), URL: serve(DATA, cut=cut)}, DD)
        _has(cause, {URL: serve(DATA, cut=cut, length=-1)})
    _has(cause, {DD: _describe(), URL: serve(DATA[:9000], length=-1)}, DD)
    descriptor = _describe()
    descriptor.cut = 20
    _has(cause, {DD: descriptor}, DD)


def test_row_silence():
    _has("silence", {URL: serve(DATA, cut=500, error=LinkError("silent", 407, 903))})


def test_row_silence_when_it_drips():
    for pages, url in (({URL: serve(DATA)}, URL), ({DD: _describe()}, DD)):
        bench = _Bench(pages, url)
        bench.web.piece, bench.web.pause, bench.clock.step = 1, 2, 1000
        bench.fails(*_row("silence")[1:])
        assert bench.web.fetched <= 1100
    steady = _Bench({URL: serve(DATA)})
    steady.web.piece, steady.web.pause, steady.clock.step = 40, 2, 1000
    assert steady.all() == DATA
    patient = _described(serve(DATA), user=User(pauses=500))
    patient.clock.step = 1000
    assert patient.all() == DATA, "the user may take his time"


def test_row_401_403_407():
    for status in (401, 403, 407):
        _has("401 403 407", {URL: Answer(status)})
        _once_more("401 403 407", status)


def test_row_404_410_412():
    for status in (404, 410, 412):
        _has("404 410 412", {URL: Answer(status)})
        _once_more("404 410 412", status)


def _once_more(cause, status):
    """The descriptor is fetched again once in a job's run, and may lead elsewhere then."""
    bench, _ = _has(cause, {DD: _describe(), URL: Answer(status)}, DD)
    assert bench.web.urls == [DD, URL] * 2 and len(bench.user.asked) == 3
    bench.web.requests = []
    bench.fails(*_row(cause)[1:])
    assert bench.web.urls == [DD, URL] or bench.web.urls == [URL]
    fresh = _described(serve(DATA))
    fresh.read(0, START)
    fresh.web.pages[URL] = Answer(status)
    fresh.web.pages[DD] = _describe(uri="new.fup")
    fresh.web.pages["http://files/a/new.fup"] = serve(DATA)
    assert fresh.read(60000, len(DATA)) == DATA[60000:]


def test_row_other_5xx():
    for status in (500, 502, 504):
        _has("other 5xx", {URL: Answer(status)})
        _has("other 5xx", {DD: _describe(), URL: Answer(status)}, DD)


def test_row_other_4xx():
    for status in (400, 405, 418, 204, 304):
        bench, _ = _has("other 4xx", {DD: _describe(), URL: Answer(status)}, DD)
        assert len(bench.web.requests) == 2


def test_row_length_416_file_changed():
    cause = "length, 416, file changed"
    for size in (len(DATA) - 1, len(DATA) + 1):
        _has(cause, {DD: _describe(size), URL: serve(DATA)}, DD)
    _has(cause, {DD: _describe(50000), URL: serve(DATA, length=-1)}, DD)
    _has(cause, {DD: _describe(), URL: serve(DATA)}, DD, offset=len(DATA))
    for change, offset in (
        (lambda page: serve(DATA + b"x"), 60000),
        (lambda page: serve(DATA + b"x"), 0),
        (lambda page: serve(DATA + b"x", ranges=False), 60000),
        (lambda page: serve(DATA[:200] + b"x" + DATA[201:], ranges=False), 60000),
        (lambda page: serve(DATA[:307] + b"x" + DATA[308:], ranges=False), 60000),
        (lambda page: Answer(416), 60000),
        (
            lambda page: (
                lambda asked: Answer(206, DATA[9:], content_range="bytes 9-%d/%d" % (len(DATA) - 1, len(DATA)))
            ),
            60000,
        ),
        (lambda page: Answer(206, DATA[60000:]), 60000),
        (lambda page: Answer(206, DATA[60000:], content_range="bytes 60000-70000/70000"), 60000),
        (lambda page: Answer(206, DATA[60000:], content_range="bytes 60000-120007/*", etag='"2"'), 60000),
        (lambda page: Answer(206, DATA, content_range="bytes 60000-120007/120008"), 0),
    ):
        bench = _Bench({URL: serve(DATA)})
        bench.read(0, START)
        bench.web.pages[URL] = change(None)
        bench.source.close()
        bench.fails(402, 905, offset)
        bench.job.restarts = 1
        bench.web.pages[URL] = serve(DATA[:-1], '"3"')
        assert bench.all() == DATA[:-1] and bench.job.validator == '"3"', "it may begin again"
    bench = _Bench({URL: serve(DATA)})
    bench.read(0, START)
    bench.web.pages[URL] = serve(DATA[:310] + b"x" + DATA[311:], ranges=False)
    assert bench.read(60000, 9) == DATA[60000:60009], "only what was read is compared"


def test_row_descriptor_ill_formed():
    _has("descriptor ill-formed", {DD: Answer(200, b"<media><type>")}, DD)
    bench, _ = _has("descriptor ill-formed", {DD: Answer(200, b"<html><body>log in</body></html>")}, DD)
    assert bench.user.asked == []


def test_row_descriptors_version():
    more = "<DDVersion>2.0</DDVersion><installNotifyURI>n</installNotifyURI>"
    bench, _ = _has("descriptor's version", {DD: _describe(more=more)}, DD)
    assert bench.job.notify == "http://files/a/n"


def test_row_descriptors_type():
    bench, _ = _has("descriptor's type", {DD: _describe(kind="video/mp4")}, DD)
    assert bench.user.asked == []
    for body in (b"PK\3\4", b"FUP2" + bytes(400), b"FU", b"", b"\xff\xfe<\0"):
        if body != b"FU":
            _has("descriptor's type", {URL: Answer(200, body)})
    _has("descriptor's type", {DD: _describe(), URL: Answer(200, _describe().body, -1)}, DD)


def test_row_announced_size():
    _has("announced size", {DD: _describe(ROOM + 1)}, DD)
    _has("announced size", {URL: Answer(200, DATA, ROOM + 1)})


def test_row_user_declines():
    for status in (304, 215, 406):
        bench, _ = _has("user declines", {DD: _describe(), URL: serve(DATA)}, DD, user=User(status))
        assert bench.web.urls == [DD] and not bench.job.agreed


# -- what the head of an answer says ----------------------------------------------------------------------------------


def test_content_range():
    assert ranges.content_range("bytes 5-9/10") == (5, 10)
    assert ranges.content_range(" Bytes 0-0/1") == (0, 1)
    assert ranges.content_range("bytes 5-9/*") == (5, -1)
    for text in (
        "",
        "bytes",
        "bytes */10",
        "bytes 5-4/10",
        "bytes 5-9/9",
        "bytes -5-9/10",
        "bytes a-9/10",
        "lines 5-9/10",
    ):
        assert ranges.content_range(text) == (-1, -1), text
    assert ranges.content_range("bytes 5-99999999999/*") == (-1, -1)


def test_strong_validators():
    assert ranges.strong('"a"') == '"a"' and ranges.strong('"' + "a" * 126 + '"')
    for text in (None, "", '""', 'W/"a"', '"', "a", '"a', '"' + "a" * 127 + '"'):
        assert ranges.strong(text) == "", text


def test_a_read_after_an_error_begins_again():
    bench = _Bench({URL: serve(DATA, cut=400)})
    bench.fails(503, 903)
    bench.web.pages[URL] = serve(DATA)
    assert read(bench.stream, len(DATA)) == DATA


def test_a_defect_of_the_user_interface_is_not_hidden():
    bench = _described(serve(DATA))
    bench.user.answer = lambda question: {}["x"]
    with raises(KeyError):
        bench.all()
