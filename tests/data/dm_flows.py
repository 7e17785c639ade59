"""Wrong courses of a session as a whole: (name, messages, what the judge says), for the test of the validator."""

from tests.data.dm_sessions import HMAC, SESSIONS, alert, c, command, devinfo, results, s, status

_NONCE = "AAECAwQFBgcICQoLDA0ODw=="
_META = '<Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-%s</Type>%s</Meta>'
_CRED = "<Cred>" + _META % ("md5", "") + "<Data>" + _NONCE + "</Data></Cred>"
_NEXT = '<NextNonce xmlns="syncml:metinf">%s</NextNonce>' % _NONCE
_CHAL = "<Chal>" + _META % ("md5", _NEXT) + "</Chal>"
_F = "<Final/>"
_OPEN = alert(1, 1201) + devinfo(2) + _F
_GET = command("Get", 9, ("./A", ""))
_404 = status(2, 1, 9, "Get", 404, "./A")


def _hello(code, rest="", chal=""):
    return s(1, status(1, 1, 0, "SyncHdr", code, chal=chal) + rest + _F)


def _ack(number, rest="", header="", headers=None, final=_F, code=200):
    return c(number, status(1, number - 1, 0, "SyncHdr", code) + rest + final, header, headers)


def _rounds(count):
    for number in range(1, count + 1):
        first = status(1, number - 1, 0, "SyncHdr", 200) if number > 1 else ""
        yield c(number, first + alert(2, 1201) + devinfo(3) + _F, _CRED)
        yield s(number, status(1, number, 0, "SyncHdr", 401, chal=_CHAL) + _F)


_CLOSING = _hello(200)
_START = c(1, _OPEN)
_BY_MAC = c(1, _OPEN, headers=HMAC)
_BAD_MAC = {"X-Syncml-Hmac": 'algorithm=MD5, username="other", mac=' + _NONCE}
_200 = status(2, 1, 9, "Get", 200, "./A")
_RESULTS = results(3, 1, 9, ("./A", "<Data>1234</Data>"))
_SMALL = s(1, _GET + _F, '<Meta><MaxObjSize xmlns="syncml:metinf">3</MaxObjSize></Meta>')
_PIECE = command("Replace", 9, ("./P", '<Meta><Size xmlns="syncml:metinf">8</Size></Meta><Data>a</Data><MoreData/>'))

FLOWS = (
    ("nothing at all", [], "the client sent nothing"),
    ("no answer", [_START], "the server was not heard"),
    ("lone Status", [_START, _CLOSING, _ack(2)], "only a Status for the SyncHdr"),
    ("challenging a closed session", [_START, _CLOSING, c(2, status(1, 1, 0, "SyncHdr", 407, chal=_CHAL) + _F)], "only a"),
    ("silent to commands", [_START, _hello(200, _GET)], "no Status for Get 9"),
    ("silent to a child", [_START, _hello(200, "<Atomic><CmdID>8</CmdID>" + _GET + "</Atomic>"),
                           _ack(2, status(2, 1, 8, "Atomic", 507))], "no Status for Get 9"),
    ("twice in a row", [_START, c(2, _OPEN)], "a second message before"),
    ("four times the same", [_START] * 4, "the same message 4 times"),
    ("four times the same, answered", [_START, _CLOSING] * 4, "the same message 4 times"),
    ("an answer lost, and its commands answered", [_START, _hello(200, _GET), _START, _CLOSING, _ack(2, _404)], "no such command"),
    ("after the server's abort", [_START, _hello(200, alert(9, 1223)), _ack(2, status(2, 1, 9, "Alert", 200))], "1223"),
    ("after its own abort", [*SESSIONS["abort"], _ack(3, status(2, 2, 2, "Alert", 200))], "the client's Alert 1223"),
    ("after an empty answer", [_START, ("s", "", {}), _ack(2)], "empty answer"),
    ("thanks for nonsense", [_START, ("s", "<nonsense", {}), _ack(2)], "the unreadable message got"),
    ("thanks for a headless message", [_START, ("s", "<SyncML/>", {}), _ack(2)], "the unreadable message got"),
    ("going on unchallenged", [_START, _hello(407, _GET, _CHAL), _ack(2, _404, _CRED)], "does not begin with Alert"),
    ("Results in package 1", [_START, _hello(407, _GET, _CHAL), _ack(2, _200 + _RESULTS, _CRED)], "Results in package 1"),
    ("too many tries", list(_rounds(5)), "tried again after 3 challenges"),
    ("Cred forgotten", [c(1, _OPEN, _CRED), _hello(200, _GET), _ack(2, _404)], "no Cred, but"),
    ("header forgotten", [_BY_MAC, _hello(200, _GET), _ack(2, _404, code=400)], "no x-syncml-hmac, but"),
    ("Cred and header", [c(1, _OPEN, _CRED, HMAC)], "Cred together with"),
    ("wrong user in the header", [c(1, _OPEN, headers=_BAD_MAC)], "x-syncml-hmac is by other"),
    ("header without quotes", [c(1, _OPEN, headers={"x-syncml-hmac": "username=dev1, mac=" + _NONCE})], "x-syncml-hmac: "),
    ("short mac", [c(1, _OPEN, headers={"x-syncml-hmac": 'username="dev1", mac=AAAA'})], "not 16 bytes"),
    ("never finished", SESSIONS["packages"][:4], "was never finished"),
    ("a big value in one piece", [_START, _SMALL, _ack(2, _200 + _RESULTS)], "over MaxObjSize"),
    ("too long", [_START, s(1, _GET + _F, '<Meta><MaxMsgSize xmlns="syncml:metinf">99</MaxMsgSize></Meta>'),
                  _ack(2, _404)], "> MaxMsgSize"),
    ("Final too early", [_START, s(1, _GET), _ack(2, _404)], "Final before the server's"),
    ("nothing asked", [_START, s(1, _GET), _ack(2, _404, final="")], "neither Alert 1222"),
    ("a refused message with Results", [_START, _hello(200, _GET), _ack(2, _404 + _RESULTS)], "had no Status 200"),
    ("a piece refused, then 1225", [_START, s(1, _PIECE), _ack(2, status(2, 1, 9, "Replace", 413, "./P") + alert(3, 1222),
                                    final=""), s(2, command("Get", 9, ("./A", "")) + _F),
                                    _ack(3, status(2, 2, 9, "Get", 404, "./A")
                                         + alert(3, 1225, "<Item><Target><LocURI>./P</LocURI></Target></Item>"))], "no object"),
)  # fmt: skip

GOOD = (
    ("giving up after a challenge", [_START, _hello(401, chal=_CHAL)]),
    ("the same message three times", [_START, _START, _START, _CLOSING]),
    (
        "an answer lost",
        [
            _START,
            _hello(200, _GET),
            _START,
            _hello(212, command("Get", 8, (".", ""))),
            _ack(2, status(2, 1, 8, "Get", 404, ".")),
            s(2, _F),
        ],
    ),
    ("no more after an empty answer", [_START, ("s", "", {})]),
    ("no more after nonsense", [_START, ("s", "<nonsense", {})]),
    ("three challenges", list(_rounds(4))),
    ("a message refused as a whole", [_START, _hello(200, _GET), _ack(2, code=413), s(2, _F)]),
    (
        "an unknown element unanswered",
        [_START, _hello(200, _GET + "<Odd><CmdID>5</CmdID></Odd>"), _ack(2, _404), s(2, _F)],
    ),
    (
        "a UUID",
        [_START, _hello(200, _GET.replace("9", "f81d-4fae")), _ack(2, _404.replace(">9<", ">f81d-4fae<")), s(2, _F)],
    ),
)
