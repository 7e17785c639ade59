"""Chromium without a window, for the tests of the page: what it complains of is kept, and what a screen looks like.

Everything a page may not do is a problem: an error on the console, a broken rule of its policy, a failed request, a dialog.
"""

import pathlib
import re
import shutil
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

SHOTS = pathlib.Path(__file__).parents[2] / "build" / "screens"
WAIT_MS = 20_000
_LOOK_MS = 50
WIDE, PHONE, NARROW = (1280, 800), (390, 844), (360, 740)
_TOLD = """document.addEventListener("securitypolicyviolation",
    (event) => console.error("policy: " + event.violatedDirective + " " + event.blockedURI));"""
_TOO_WIDE = """() => {
  const most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= most) return "";
  const beyond = [...document.body.querySelectorAll("*")].filter((each) =>
    !each.closest("nav, .scroll") && each.getBoundingClientRect().right > most + 1);
  return document.documentElement.scrollWidth + " > " + most + ": " + beyond.slice(0, 5).map((each) =>
    each.nodeName + "." + each.className).join(" ");
}"""
_ALIEN = """() => [window.owned, ...[...document.querySelectorAll(
    "img, iframe, object, embed, script:not([src]), style, [style], [onerror], [onload], main a[href^='javascript:']")]
    .filter((each) => !each.closest(".chart")).map((each) => each.outerHTML.slice(0, 80))].filter(Boolean)"""


def find_chromium() -> str | None:
    """Return where Chromium is."""
    return shutil.which("chromium")


class Browser:
    """`people()` are browser contexts of their own: `problems` is what went wrong in all of them."""

    def __init__(self, url: str):
        self.url, self.problems, self._allowed = url, [], set()
        self._playwright = sync_playwright().start()
        expect.set_options(timeout=WAIT_MS)
        path = find_chromium()
        self._chromium = self._playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])

    def close(self):
        """End."""
        self._chromium.close()
        self._playwright.stop()

    def person(self, token: str = "", **options):
        """Return a context; with a token it is signed in."""
        size = {"width": WIDE[0], "height": WIDE[1]}
        context = self._chromium.new_context(base_url=self.url, viewport=size, **options)
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(_TOLD)
        context.on("page", self._watch)
        if token:
            page = context.new_page()
            page.goto("/?token=" + token)
            page.close()
        return context

    @contextmanager
    def allowing(self, status: int):
        """Take an answer with this status for what was wanted, and nothing else."""
        self._allowed.add(status)
        try:
            yield
        finally:
            self._allowed.remove(status)

    def take_problems(self) -> list[str]:
        """Return what went wrong since the last time."""
        found, self.problems = self.problems, []
        return found

    def _watch(self, page):
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append("script: %s" % error))
        page.on("requestfailed", self._on_failed)
        page.on("response", self._on_response)
        page.on("dialog", self._on_dialog)

    def _on_console(self, message):
        known = any("status of %d " % status in message.text for status in self._allowed)
        if message.type in ("error", "warning") and not known:
            self.problems.append("console: %s" % message.text)

    def _on_failed(self, request):
        left = request.failure == "net::ERR_ABORTED" and request.resource_type != "document"
        if not left:  # by going to another screen before all was there
            self.problems.append("failed: %s %s" % (request.url, request.failure))

    def _on_response(self, response):
        away = urlsplit(response.url).netloc != urlsplit(self.url).netloc
        if away or (response.status >= 400 and response.status not in self._allowed):
            self.problems.append("%d %s" % (response.status, response.url))

    def _on_dialog(self, dialog):
        self.problems.append("dialog: %s" % dialog.message)
        dialog.dismiss()


class Desk:
    """What a person does with one tab."""

    def __init__(self, page):
        self.page = page

    def open(self, path: str, screen: str):
        """Go to a screen."""
        self.page.goto(path)
        self.is_on(screen)

    def is_on(self, screen: str):
        """Wait for a screen."""
        self.page.wait_for_selector('body.script[data-screen="%s"]' % screen)

    def click(self, action: str, inside: str = "", sure: bool = False):
        """Click on the button of an action, and say that it is meant."""
        self.page.bring_to_front()  # a tab behind others draws once a second
        self.page.click('%s [data-action="%s"]' % (inside, action))
        if sure:
            self.page.click("#ask-yes")

    def says(self, text, good: bool = True):
        """Wait for the message after a form."""
        said = self.page.locator("#said")
        expect(said).to_contain_text(re.compile(text))
        expect(said).to_have_class(re.compile("said-%s$" % ("ok" if good else "error")))
        self.page.wait_for_selector("body.script")
        return said.inner_text()

    def state(self, word: str, inside: str = "main > .title"):
        """Wait for a state."""
        self.page.wait_for_selector('%s [data-state="%s"]' % (inside, word))

    def mark(self):
        """Leave a mark in the tab that a reload would wipe out."""
        expect(self.page.locator("#live")).to_have_text("Live")
        self.page.evaluate("window.mark = 1")

    def is_marked(self) -> bool:
        """Tell whether it is still the page that was marked."""
        return self.page.evaluate("window.mark") == 1

    def tab_to(self, selector: str, most: int = 90):
        """Press Tab until something has the focus."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError("Tab never came to %s" % selector)

    def press(self, *keys: str):
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    # -- looks --------------------------------------------------------------------------------------------------------

    def shoot(self, name: str, whole: bool = True):
        """Keep how a screen looks: light, dark, on a phone; nothing of it is wider than the window, nor alien.

        `whole`: what has to be scrolled to, too.
        """
        self._size(WIDE)
        self._keep(name + "-light", whole)
        self.page.emulate_media(color_scheme="dark")
        self._keep(name + "-dark", whole)
        self.page.emulate_media(color_scheme="light")
        self._size(NARROW)
        self._size(PHONE)
        self._keep(name + "-phone", whole)
        self._size(WIDE)
        self.has_nothing_alien()

    def has_nothing_alien(self):
        """Check that markup of devices has become none of the page's."""
        found = self.page.evaluate(_ALIEN)
        assert found == [], found

    def _size(self, size):
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        deadline = time.monotonic() + WAIT_MS / 1000
        while wide := self.page.evaluate(_TOO_WIDE):  # wait_for_function needs an eval, and the page's policy has none
            assert time.monotonic() < deadline, "too wide: %s" % wide
            self.page.wait_for_timeout(_LOOK_MS)

    def _keep(self, name, whole=True):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / (name + ".png"), full_page=whole, caret="initial")
