"""The source of packages: what it asks for, in which order, and what it takes."""

from agent import ranges
from tests.portable.check import raises
from tests.portable.web_script import (
    DATA,
    DD,
    ROOM,
    START,
    TYPES,
    URL,
    Answer,
    Bench,
    describe,
    described,
    make_job,
    refused,
    serve,
)

# -- what is asked for ------------------------------------------------------------------------------------------------


def test_a_package_at_the_url_itself():
    bench = Bench({URL: serve(DATA)})
    assert bench.all() == DATA
    assert bench.web.requests == [("GET", URL, {"Accept": ", ".join(TYPES) + ", application/vnd.oma.dd+xml"}, b"")]
    assert bench.user.asked == [] and bench.job.validator == '"1"' and bench.job.notify == ""
    assert bench.stream.read_into(memoryview(bytearray(9))) == 0


def test_nothing_is_asked_for_before_the_first_read():
    bench = Bench({})
    bench.source.open(bench.job, 0, ROOM)
    assert bench.web.requests == []


def test_a_package_by_its_descriptor():
    bench = described(serve(DATA), describe(more="<installNotifyURI>/n</installNotifyURI>"))
    assert bench.all() == DATA
    assert bench.web.urls == [DD, URL] and bench.fields(1) == {"Accept": ", ".join(TYPES)}
    assert bench.job.notify == "http://files/n" and bench.job.agreed and bench.job.validator == '"1"'
    assert len(bench.user.asked) == 3 and bench.user.asked[0] is bench.user.asked[2]
    assert bench.user.asked[0].text == "Fw\n118 KiB"


def test_the_first_byte_decides_whatever_the_type_says():
    html = {"content_type": "Text/HTML; charset=x"}
    bench = Bench({URL: serve(DATA, **html)})
    assert bench.all() == DATA and len(bench.logged) == 1 and "text/html" in bench.logged[0]
    descriptor = describe()
    descriptor.fields = html
    bench = described(serve(DATA), descriptor)
    assert bench.all() == DATA and len(bench.logged) == 1
    for kind in TYPES + ("APPLICATION/octet-stream; a=b", ""):
        bench = Bench({URL: serve(DATA, content_type=kind)})
        assert bench.all() == DATA and bench.logged == []


def test_going_on_by_range_with_a_strong_validator():
    bench = Bench({URL: serve(DATA)})
    assert bench.read(0, START) == DATA[:START]
    assert bench.read(60000, 5000) == DATA[60000:65000]
    assert bench.fields(1)["Range"] == "bytes=60000-" and bench.fields(1)["If-Range"] == '"1"'
    assert "," in bench.fields(0)["Accept"]
    weak = Bench({URL: serve(DATA, etag='W/"1"')})
    weak.read(0, START)
    assert weak.read(60000, len(DATA)) == DATA[60000:] and "If-Range" not in weak.fields(1) and not weak.job.validator


def test_a_little_is_skipped_on_the_same_connection():
    bench = Bench({URL: serve(DATA)})
    bench.read(0, START)
    assert bench.read(START + 32768, 999) == DATA[START + 32768 :][:999] and len(bench.web.requests) == 1
    bench.read(START, 10)  # back
    assert len(bench.web.requests) == 2
    bench.read(START + 10 + 32769, 10)
    assert len(bench.web.requests) == 3


def test_a_server_without_ranges_starts_over():
    bench = Bench({URL: serve(DATA, ranges=False)})
    bench.read(0, START)
    assert bench.read(60000, 9) == DATA[60000:60009] and len(bench.web.requests) == 2 and len(bench.logged) == 1
    assert bench.read(110000, len(DATA)) == DATA[110000:] and len(bench.web.requests) == 2, "asked again for nothing"


def test_after_a_reboot_the_descriptor_is_fetched_again_and_nobody_asked():
    bench = described(serve(DATA))
    bench.all()
    again = described(serve(DATA))
    again.job = bench.job
    assert again.read(60000, len(DATA)) == DATA[60000:] and again.user.asked == []
    assert again.web.urls == [DD, URL] and again.fields(1)["If-Range"] == '"1"' and "Range" not in again.fields(0)


def test_from_the_middle_without_knowing_what_it_is():
    bench = Bench({URL: serve(DATA)})
    assert bench.read(60000, len(DATA)) == DATA[60000:] and bench.web.fetched < 61000
    bench = Bench({URL: serve(DATA)})
    assert bench.read(32768, 9) == DATA[32768:32777] and len(bench.web.requests) == 1


def test_after_a_break_the_package_is_asked_for_at_once():
    bench = described(serve(DATA, cut=50000))
    bench.fails(503, 903)
    bench.web.pages[URL] = serve(DATA)
    assert bench.all() == DATA and bench.web.urls == [DD, URL, URL] and len(bench.user.asked) == 3


def test_what_is_compared_was_read_from_the_beginning():
    bench = Bench({URL: serve(DATA)})
    bench.read(0, 5000)
    bench.read(1000, 100)
    bench.web.pages[URL] = serve(DATA, ranges=False)
    assert bench.read(60000, 9) == DATA[60000:60009]


def test_a_part_without_validator_leaves_the_one_that_is_known():
    bench = Bench({URL: serve(DATA)})
    bench.read(0, START)
    bench.web.pages[URL] = Answer(206, DATA[60000:], content_range="bytes 60000-120007/120008")
    bench.read(60000, 10)
    bench.source.close()
    refused(lambda: bench.read(61000, 10), 402, 905)
    assert bench.fields(2)["If-Range"] == '"1"'


def test_a_descriptor_with_something_before_it():
    for before in (b"\xef\xbb\xbf", b"\n", b"\r\n ", b"\t"):
        bench = described(serve(DATA), Answer(200, before + describe().body))
        assert bench.all() == DATA


def test_no_connection_is_held_while_the_user_thinks():
    bench = described(serve(DATA))
    answer = bench.user.answer
    bench.user.answer = lambda question: answer(question) if bench.web.exchanges[-1].closed else 1 // 0
    assert bench.all() == DATA


def test_redirects():
    for status in (301, 302, 303, 307, 308):
        pages = {URL: Answer(status, b"moved", location="/b"), "http://files/b": serve(DATA)}
        bench = Bench(pages)
        bench.read(0, START)
        assert bench.read(60000, len(DATA)) == DATA[60000:]
        assert bench.web.urls == [URL, "http://files/b"] * 2 and bench.fields(3)["Range"] == "bytes=60000-"
    moved = Answer(302, location="https://other/deep/x.dd")
    bench = Bench({DD: moved, "https://other/deep/x.dd": describe(), "https://other/deep/fw.fup": serve(DATA)}, DD)
    assert bench.all() == DATA, "relative to where the descriptor really is"


def test_five_redirects_and_no_more():
    pages = {"http://files/%d" % i: Answer(302, location="/%d" % (i + 1)) for i in range(6)}
    pages["http://files/6"] = serve(DATA)
    assert Bench(pages, "http://files/1").all() == DATA
    bench = Bench(pages, "http://files/0")
    assert bench.fails(411, 954).final and len(bench.web.requests) == 6


def test_a_fetcher_for_another_scheme():
    bench = Bench({}, "Coap://x", fetchers=(("coap", lambda *given: given),))
    assert bench.source.open(bench.job, 7, ROOM) == ("Coap://x", 7, bench.job)


def test_closing_and_coming_back():
    bench = described(serve(DATA))
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
    bench = Bench({URL: serve(DATA)})
    assert bench.read(0, len(DATA)) == DATA and not bench.web.exchanges[0].closed
    bench.stream.close()
    assert bench.web.exchanges[0].closed


def test_a_connection_that_was_lost_while_nobody_read():
    for page in (serve(DATA, cut=40000), serve(DATA[:], cut=40000, length=-1)):
        bench = Bench({URL: page})
        bench.read(0, 10000)
        bench.web.exchanges[0].at = 40000
        bench.web.pages[URL] = serve(DATA)
        assert bench.read(20000, len(DATA)) == DATA[20000:] and bench.fields(1)["Range"] == "bytes=20000-"
    for lost, requests in ((10000, 2), (25000, 1)):  # before anything was read from it again: asked anew, but once
        bench = Bench({URL: serve(DATA, cut=lost)})
        bench.read(0, 10000)
        bench.web.pages[URL] = serve(DATA, cut=0)
        refused(lambda: bench.read(10000, 20000), 503, 903)
        assert len(bench.web.requests) == requests


def test_a_body_that_is_complete_leaves_the_connection_to_others():
    bench = Bench({URL: serve(DATA)})
    bench.web.pause = 0
    bench.read(0, len(DATA))
    ends = []
    read_into = bench.web.exchanges[0].read_into
    bench.web.exchanges[0].read_into = lambda into: ends.append(read_into(into)) or ends[-1]
    bench.stream.close()
    assert ends == [0]
    for page in (serve(DATA, length=-1, cut=len(DATA)), serve(DATA + b"x", length=-1)):
        bench = described(page)
        assert bench.read(0, len(DATA)) == DATA
        bench.stream.close()
        assert bench.web.exchanges[-1].closed


def test_another_job_is_another_matter():
    bench = described(serve(DATA))
    bench.read(0, START)
    bench.job = make_job(DD)
    assert bench.all() == DATA and len(bench.user.asked) == 4 and bench.web.urls == [DD, URL] * 2


def test_a_small_board_forgets_the_code_of_the_moment():
    import sys

    bench = described(serve(DATA))
    bench.source.small = True
    assert bench.all() == DATA
    assert "agent.descriptor" not in sys.modules and "agent.offer" not in sys.modules
    assert "agent.download" in sys.modules
    bench = Bench({URL: serve(DATA)})
    bench.source.small = True
    bench.read(0, START)
    assert "agent.offer" not in sys.modules


def test_one_read_takes_a_bounded_time():
    bench = Bench({URL: serve(DATA, ranges=False)})
    bench.read(0, START)
    bench.web.pause = 0
    bench.stream.close()
    stream = bench.source.open(bench.job, 100000, ROOM)
    reads = 0
    while stream.read_into(memoryview(bytearray(8))) is None:
        reads += 1
    assert reads > 2


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


def test_a_defect_of_the_user_interface_is_not_hidden():
    bench = described(serve(DATA))
    bench.user.answer = lambda question: {}["x"]
    with raises(KeyError):
        bench.all()
