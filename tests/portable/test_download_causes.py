"""Every row of the table of causes that a download can have, from a real fault: the names of the tests follow the rows."""

from agent import causes
from agent.errors import LinkError
from tests.portable.web_script import (
    DATA,
    DD,
    ROOM,
    START,
    URL,
    Answer,
    Bench,
    User,
    describe,
    described,
    read,
    refused,
    serve,
)

# -- sizes


def test_an_end_just_at_the_announced_size_is_the_end():
    for length in (-1, len(DATA)):
        bench = described(serve(DATA, length=length, cut=len(DATA)))
        assert bench.all() == DATA


def test_without_any_announced_size():
    assert Bench({URL: serve(DATA, length=-1)}).all() == DATA
    assert Bench({URL: serve(DATA, length=-1)}).all(len(DATA)) == DATA
    bench = Bench({URL: serve(DATA, length=-1)})
    bench.fails(501, 901, capacity=len(DATA) - 1)
    assert bench.web.fetched == len(DATA), "one byte more than fits, to see that there is one"
    page = serve(DATA[:50000], length=-1, ranges=False)
    Bench({URL: page}).fails(402, 905, offset=32000 + 20000)


def test_never_more_than_announced():
    bench = described(serve(DATA, length=-1), describe(5000))
    bench.fails(402, 905)
    assert bench.web.fetched < 5200


def test_never_more_than_fits():
    bench = Bench({URL: serve(DATA)})
    bench.fails(501, 901, capacity=len(DATA) - 1)
    assert bench.web.fetched == 1
    assert Bench({URL: serve(DATA)}).all(len(DATA)) == DATA


def test_a_descriptor_without_end():
    bench = Bench({DD: Answer(200, b"<media>" + b" " * 100000, -1)}, DD)
    bench.fails(405, 906)
    assert bench.web.fetched <= 4097


# -- the rows


def _row(cause):
    for name, follows, fumo, dlota in causes.ROWS:
        if name == cause:
            return follows, fumo, dlota
    raise AssertionError("no row " + cause)


def _has(cause, pages, url=URL, offset=0, **more):
    """Check that the row's numbers come out, and that what follows agrees with the error."""
    follows, fumo, dlota = _row(cause)
    bench = Bench(pages, url, **more)
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
    _has(cause, {"https://files/x": describe(uri="http://files/x")}, "https://files/x")
    _has(cause, {DD: describe(uri="gopher://files/x")}, DD)


def test_row_no_name_refused_429_503():
    cause = "no name, refused, 429, 503"
    for status in (429, 503):
        _, error = _has(cause, {URL: Answer(status, retry_after="9")})
        assert error.after_ms == 9000
        _has(cause, {DD: describe(), URL: Answer(status)}, DD)
    _has(cause, {URL: Answer(cut=-1, error=LinkError("no such name", 412, 954))})


def test_row_certificate():
    _has("certificate", {URL: Answer(cut=-1, error=LinkError("wrong name", 503, 954, True))})


def test_row_reset_tls_broken_early_close():
    cause = "reset, TLS broken, early close"
    for cut in (0, 1, 3, 308, 50000, len(DATA) - 1):
        _has(cause, {URL: serve(DATA, cut=cut)})
        _has(cause, {DD: describe(), URL: serve(DATA, cut=cut)}, DD)
        _has(cause, {URL: serve(DATA, cut=cut, length=-1)})
    _has(cause, {DD: describe(), URL: serve(DATA[:9000], length=-1)}, DD)
    descriptor = describe()
    descriptor.cut = 20
    _has(cause, {DD: descriptor}, DD)


def test_row_silence():
    _has("silence", {URL: serve(DATA, cut=500, error=LinkError("silent", 407, 903))})


def test_row_silence_when_it_drips():
    for pages, url in (({URL: serve(DATA)}, URL), ({DD: describe()}, DD)):
        bench = Bench(pages, url)
        bench.web.piece, bench.web.pause, bench.clock.step = 1, 2, 1000
        bench.fails(*_row("silence")[1:])
        assert bench.web.fetched <= 1100
    steady = Bench({URL: serve(DATA)})
    steady.web.piece, steady.web.pause, steady.clock.step = 40, 2, 1000
    assert steady.all() == DATA
    steady.job.restarts = 1
    steady.stream = None
    steady.clock.step = 0
    steady.read(0, 50000)
    steady.web.piece, steady.clock.step = 1, 1000
    refused(lambda: read(steady.stream, 50000), 407, 903)
    patient = described(serve(DATA), user=User(pauses=500))
    patient.clock.step = 1000
    assert patient.all() == DATA, "the user may take his time"


def test_row_401_403_407():
    for status in (401, 403, 407):
        assert len(_has("401 403 407", {URL: Answer(status)})[0].web.requests) == 1
        _once_more("401 403 407", status)


def test_row_404_410_412():
    for status in (404, 410, 412):
        assert len(_has("404 410 412", {URL: Answer(status)})[0].web.requests) == 1
        _once_more("404 410 412", status)


def _once_more(cause, status):
    """The descriptor is fetched again once in a job's run, and may lead elsewhere then."""
    bench, _ = _has(cause, {DD: describe(), URL: Answer(status)}, DD)
    assert bench.web.urls == [DD, URL] * 2 and len(bench.user.asked) == 3
    bench.web.requests = []
    bench.fails(*_row(cause)[1:])
    assert bench.web.urls == [DD, URL] or bench.web.urls == [URL]
    changed = described(serve(DATA))
    changed.read(0, START)
    changed.web.pages = {DD: describe(5000), URL: Answer(status)}
    refused(lambda: changed.read(60000, 9), 402, 905)
    fresh = described(serve(DATA))
    fresh.read(0, START)
    fresh.web.pages[URL] = Answer(status)
    fresh.web.pages[DD] = describe(uri="new.fup")
    fresh.web.pages["http://files/a/new.fup"] = serve(DATA)
    assert fresh.read(60000, len(DATA)) == DATA[60000:]


def test_row_other_5xx():
    for status in (500, 502, 504):
        _has("other 5xx", {URL: Answer(status)})
        _has("other 5xx", {DD: describe(), URL: Answer(status)}, DD)


def test_row_other_4xx():
    for status in (400, 405, 418, 204, 304):
        bench, _ = _has("other 4xx", {DD: describe(), URL: Answer(status)}, DD)
        assert len(bench.web.requests) == 2


def test_row_length_416_file_changed():
    cause = "length, 416, file changed"
    for size in (len(DATA) - 1, len(DATA) + 1):
        _has(cause, {DD: describe(size), URL: serve(DATA)}, DD)
    _has(cause, {DD: describe(50000), URL: serve(DATA, length=-1)}, DD)
    _has(cause, {DD: describe(), URL: serve(DATA)}, DD, offset=len(DATA))
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
        bench = Bench({URL: serve(DATA)})
        bench.read(0, START)
        bench.web.pages[URL] = change(None)
        bench.source.close()
        bench.fails(402, 905, offset)
        bench.job.restarts = 1
        bench.web.pages[URL] = serve(DATA[:-1], '"3"')
        assert bench.all() == DATA[:-1] and bench.job.validator == '"3"', "it may begin again"
    bench = Bench({URL: serve(DATA)})
    bench.read(0, START)
    bench.web.pages[URL] = serve(DATA[:310] + b"x" + DATA[311:], ranges=False)
    assert bench.read(60000, 9) == DATA[60000:60009], "only what was read is compared"


def test_row_descriptor_ill_formed():
    _has("descriptor ill-formed", {DD: Answer(200, b"<media><type>")}, DD)
    bench, _ = _has("descriptor ill-formed", {DD: Answer(200, b"<html><body>log in</body></html>")}, DD)
    assert bench.user.asked == []


def test_row_descriptors_version():
    more = "<DDVersion>2.0</DDVersion><installNotifyURI>n</installNotifyURI>"
    bench, _ = _has("descriptor's version", {DD: describe(more=more)}, DD)
    assert bench.job.notify == "http://files/a/n"


def test_row_descriptors_type():
    bench, _ = _has("descriptor's type", {DD: describe(kind="video/mp4")}, DD)
    assert bench.user.asked == []
    for body in (b"PK\3\4", b"FUP2" + bytes(400), b"", b"\xff\xfe<\0"):
        _has("descriptor's type", {URL: Answer(200, body)})
        _has("descriptor's type", {URL: Answer(200, body)}, offset=60000)
    _has("descriptor's type", {DD: describe(), URL: Answer(200, describe().body, -1)}, DD)


def test_row_announced_size():
    _has("announced size", {DD: describe(ROOM + 1)}, DD)
    _has("announced size", {URL: Answer(200, DATA, ROOM + 1)})


def test_row_user_declines():
    for status in (304, 215, 406):
        bench, _ = _has("user declines", {DD: describe(), URL: serve(DATA)}, DD, user=User(status))
        assert bench.web.urls == [DD] and not bench.job.agreed
