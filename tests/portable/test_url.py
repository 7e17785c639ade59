"""Where a reference leads."""

from agent.url import follow, resolve


def test_relative_references():
    cases = (
        ("n", "http://h/a/b/n"),
        ("./n", "http://h/a/b/n"),
        ("../n", "http://h/a/n"),
        ("../../../n", "http://h/n"),
        ("..", "http://h/a/"),
        ("a/..", "http://h/a/b/"),
        ("n?x=../y", "http://h/a/b/n?x=../y"),
        ("/n/../m", "http://h/n/../m"),
        ("?q", "http://h/a/b/c?q"),
        ("//g/x", "http://g/x"),
        ("https://g/x", "https://g/x"),
    )
    for uri, target in cases:
        assert resolve("http://h/a/b/c?d", uri) == target, uri


def test_where_a_redirect_may_lead():
    assert follow("http://h/a", "https://g/b") == "https://g/b"
    assert follow("https://h/a", "../b") == "https://h/b"
    for base, uri in (("https://h/a", "http://h/b"), ("http://h/a", "http://g/b"), ("http://h/a", "ftp://h/b")):
        assert follow(base, uri) is None, uri
