"""Makes answers of templates: pages, redirects with a message, errors, the sign-in.

Messages travel in a cookie that is read once: nobody can put words on a page by a link. Knows no Office.
"""

import pathlib
import time
from urllib.parse import quote, unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from flash_tools.server.page import drawing, text, words

FOLDER = pathlib.Path(__file__).parent
_SAID, _THEME = "fumo-said", "fumo-theme"
_SAID_MOST, _SAID_S, _YEAR_S = 600, 60, 365 * 86400
THEMES = ("auto", "light", "dark")
_HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer browsers say "Origin: null" of our own forms
}
_NAV = (
    ("overview", "/", "Overview", "gauge", "o"),
    ("devices", "/devices", "Devices", "chip", "d"),
    ("campaigns", "/campaigns", "Campaigns", "layers", "c"),
    ("packages", "/packages", "Packages", "box", "p"),
    ("sessions", "/sessions", "Sessions", "swap", "s"),
    ("bench", "/bench", "Bench", "bench", "b"),
    ("enrolment", "/quarantine", "Enrolment", "key", "e"),
)
_FILTERS = (
    text.block,
    text.clip,
    text.quoted,
    text.size,
    text.number,
    text.plural,
    text.percent,
    text.span,
    text.ago,
    text.stamp,
)
_FILTERS += (text.clock, text.iso, text.as_json, text.markup_parts, text.hex_rows, text.device_url, text.pretty)
_FILTERS += (words.result_words, words.status_words, words.sign_of, words.event_sign)
_FILTERS += (words.event_words, words.event_code, words.event_good, words.session_word)
_FILTERS += (drawing.stages, drawing.bar, drawing.banks)


def state_bar(counts: dict) -> list[dict]:
    """Return the parts of the bar of all devices."""
    return drawing.state_bar(counts, lambda name: words.sign_of(name)[1])


_FILTERS += (state_bar,)


def _environment():
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        finalize=text.visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {function.__name__: function for function in _FILTERS}
    made.globals |= {"nav": _NAV, "signs": words.SIGNS, "themes": THEMES, "now": time.time}
    return made


_templates = _environment()


def page(request: Request, template: str, status: int = 200, *, signed_in: bool = True, **values) -> Response:
    """Return a page, with the message that waits for it."""
    live = "x-live" in request.headers  # the script asks for what has changed: the message is for the reader
    said = "" if live else unquote(request.cookies.get(_SAID, ""))
    kind, _, message = said.partition(":")
    theme = request.cookies.get(_THEME, "auto")
    common = {"said": message, "said_kind": kind if kind in ("ok", "error") else "ok", "path": request.url.path}
    common |= {"theme": theme if theme in THEMES else "auto", "signed_in": signed_in, "here": _here(request)}
    body = _templates.get_template(template).render(**common, **values).encode("utf-8", "replace")
    response = HTMLResponse(body, status, _HEADERS)
    if said:
        response.delete_cookie(_SAID, path="/")
    return response


def _here(request):
    """Return the path and query of a request, as they were sent."""
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope.get("raw_path", b"").decode("latin-1") or quote(request.url.path)
    return "/" + path.partition("?")[0].lstrip("/") + ("?" + query if query else "")


def go(request: Request, where: str | None = None, said: str = "", kind: str = "ok") -> Response:
    """Redirect to a screen, the same one where none is named, with a message."""
    response = RedirectResponse(where or _here(request), 303, {"cache-control": "no-store"})
    if said:
        value = quote("%s:%s" % (kind, text.clip(said, _SAID_MOST)), safe="", errors="replace")
        secure = request.url.scheme == "https"
        response.set_cookie(_SAID, value, _SAID_S, path="/", secure=secure, httponly=True, samesite="strict")
    return response


def set_theme(request: Request, theme: str, back: str) -> Response:
    """Remember light, dark or automatic, and go back."""
    safe = back.startswith("/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    response = go(request, quote(back, safe="/?&=%:+~!'()*,;@$") if safe else "/")
    chosen = theme if theme in THEMES else "auto"
    response.set_cookie(_THEME, chosen, _YEAR_S, path="/", secure=request.url.scheme == "https", samesite="strict")
    return response


def error_page(request: Request, status: int, text: str) -> Response:
    """Return the page of an error, in one line."""
    return page(request, "error.html", status, screen="error", status_code=status, text=str(text))


def sign_in_page(request: Request, error: str = "") -> Response:
    """Return the form that asks for the token."""
    status = 401 if error else 200
    following = request.query_params.get("next", "/")
    return page(request, "sign_in.html", status, signed_in=False, screen="sign-in", error=error, next=following)


def sure(request: Request, form, question: str, button: str, back: str = "") -> Response | None:
    """Ask before what cannot be taken back, where the script has not asked; None: it was answered."""
    if form.get("sure") == "1":
        return None
    fields = [(name, value) for name in form for value in form.all(name)]
    return page(
        request,
        "confirm.html",
        screen="confirm",
        question=question,
        button=button,
        fields=fields,
        back=back or _here(request),
    )
