"""The table of causes, and what an HTTP status means."""

from agent import causes
from agent.errors import LinkError, PackageError


def test_every_result_has_its_download_status():
    expected = {200: 900, 250: 900, 401: 902, 402: 905, 403: 952, 404: 952, 405: 952, 406: 954, 407: 903, 409: 952}
    expected.update({410: 952, 411: 954, 412: 954, 500: 954, 501: 901, 502: 901, 503: 903, 400: 952, 999: 952})
    for code, dlota in expected.items():
        assert causes.dlota_of(code) == dlota, code


def test_rows_are_whole():
    for cause, follows, fumo, dlota in causes.ROWS:
        assert cause and 0 <= follows <= causes.ARM and 401 <= fumo <= 503 and 901 <= dlota <= 954 and dlota != 904


def test_http_statuses():
    for statuses, fumo, final in (
        ((429, 503), 412, False),
        ((401, 403, 407), 406, True),
        ((404, 410, 412), 411, True),
        ((500, 501, 502, 504, 599), 500, False),
        ((400, 402, 405, 408, 413, 451, 499, 100, 204, 300, 304, 600), 409, True),
    ):
        for status in statuses:
            error = causes.http_error(status)
            assert isinstance(error, LinkError) and str(status) in str(error)
            assert (error.code, error.dlota, error.final, error.after_ms) == (fumo, 954, final, 0), status


def test_416_is_a_changed_file():
    error = causes.http_error(416)
    assert isinstance(error, PackageError) and (error.code, error.dlota) == (402, 905)


def test_retry_after():
    for text, ms in (
        ("0", 0),
        ("7", 7000),
        (" 120 ", 120000),
        ("3600", 3600000),
        ("3601", 3600000),
        ("9" * 900, 3600000),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 60000),
        ("soon", 0),
        ("-1", 0),
        ("", 0),
        (None, 0),
    ):
        assert causes.http_error(503, text).after_ms == ms, text
        assert causes.http_error(500, text).after_ms == ms, text
    assert causes.http_error(404, "7").after_ms == 0
