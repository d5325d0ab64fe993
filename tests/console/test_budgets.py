"""What pages may cost a browser: bytes, requests, shifts of what is there already, errors. Times are printed, never asserted."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from syncflow.console.access import Access
from syncflow.console.app import create_app
from syncflow.console.asking import Asking, Settings
from syncflow.console.desk import JournalDesk
from syncflow.console.plans import Plans
from syncflow.runtime.desk import operator_actions
from syncflow.runtime.desk.letters import Letters
from tests.browser import browser
from tests.console.fakes import TOKEN, ask
from tests.console.large import generate
from tests.console.test_browser import PAGES, served, signed_in

__all__ = ["browser"]

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MOST_BYTES = 40_000
"""Of a page with all that it loads, compressed; lists are of 50 rows."""
MOST_SHIFT = 0.1
"""Up to which browsers call a page steady; a long table is laid out while it arrives, now and then."""
STATIC = {"/static/console.css", "/static/console.js", "/static/icon.svg"}
_SHIFTS = """() => new Promise(tell => {
  let sum = 0;
  const add = list => { for (const each of list.getEntries()) sum += each.value; };
  new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => setTimeout(() => tell(sum), 50));
})"""
_FETCHED = (
    """() => performance.getEntriesByType("resource").filter(each => each.transferSize > 0).map(each => each.name)"""
)
"""What came over the network, and out of no cache: after the sign-in the page and its stream alone."""
_PAINT = "() => performance.getEntriesByName('first-contentful-paint').map(each => Math.round(each.startTime))"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "j.db"
    generate(path, 1_000)
    return path


@pytest.mark.parametrize("path", PAGES)
def test_a_page_with_all_that_it_loads_is_small(journal: Path, tmp_path: Path, path: str) -> None:
    settings = Settings(Access(TOKEN), title="demo", allow=frozenset({"redrive", "drop"}))
    app = create_app(Asking(JournalDesk(journal), settings, plans=Plans(tmp_path / "routes.yaml")))
    page = ask(app, path)
    loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    assert {each.partition("?")[0] for each in loaded} == STATIC
    parts = [page.content, *(ask(app, each).content for each in loaded)]
    assert sum(len(gzip.compress(each, 6)) for each in parts) < MOST_BYTES


def test_files_of_the_package_are_kept_by_a_browser_until_they_are_others(journal: Path) -> None:
    app = create_app(Asking(JournalDesk(journal), Settings(Access(TOKEN))))
    page = ask(app, "/")
    assert page.headers["cache-control"] == "no-store"
    for each in re.findall(r'"(/static/[^"]+)"', page.text):
        assert "immutable" in ask(app, each).headers["cache-control"]
        assert ask(app, f"{each}0").headers["cache-control"] == "no-store"


def listen(page: Page, url: str, asked: list[str], troubles: list[str]) -> None:
    page.on("request", lambda request: asked.append(request.url.removeprefix(url)))
    page.on("pageerror", lambda error: troubles.append(str(error)))


def test_a_page_asks_for_little_shifts_nothing_and_has_no_error(
    browser: Browser, journal: Path, tmp_path: Path
) -> None:
    plans = Plans(tmp_path / "routes.yaml")
    paints: dict[str, Any] = {}
    with served(journal, plans=plans) as url, signed_in(browser, url) as context:
        for path in PAGES:
            page = context.new_page()
            asked: list[str] = []
            troubles: list[str] = []
            listen(page, url, asked, troubles)
            page.goto(url + path)
            page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
            paints[path] = page.evaluate(_PAINT)[0]
            fetched = [each.partition("?")[0] for each in page.evaluate(_FETCHED)]
            assert {each.removeprefix(url) for each in fetched} <= {path.partition("?")[0], "/api/live"}, path
            assert {each.partition("?")[0] for each in asked} <= {path.partition("?")[0], "/api/live", *STATIC}, path
            assert page.evaluate(_SHIFTS) < MOST_SHIFT, path
            assert troubles == [], path
            page.close()
    sys.stdout.write(f"milliseconds to the first paint: {paints}\n")


def test_what_is_there_does_not_shift_when_a_page_brings_itself_up_to_date(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    generate(path, 1_000)
    with served(path) as url, signed_in(browser, url) as context:
        page = context.new_page()
        page.goto(f"{url}/")
        tile = page.locator('a.tile[href="/dead-letters"] .value')
        assert tile.inner_text() == "10"
        operator_actions.drop(path, Letters(ids=(1,)))
        page.locator('a.tile[href="/dead-letters"] .value', has_text="9").wait_for()
        assert page.evaluate(_SHIFTS) < 0.01
