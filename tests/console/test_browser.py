"""Every page in a browser: it loads only its own files, breaks no policy, fits a phone, works by keyboard, and keeps itself up to date."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from syncflow.console.access import Access
from syncflow.console.asking import Asking, Settings
from syncflow.console.desk import JournalDesk
from syncflow.console.plans import Plans
from syncflow.console.playground import Playground
from syncflow.console.serving import serving
from syncflow.runtime.alerts.keeping import keep_standing
from syncflow.runtime.desk import browse, operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.observe import Tally
from tests.browser import browser, violations
from tests.console.fakes import TOKEN
from tests.console.large import generate
from tests.console.test_alerts import STANDING
from tests.console.test_plan import ANSWER, python
from tests.patience import PATIENCE

__all__ = ["browser"]

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

PATIENCE_MILLISECONDS = 90_000
COUNT = 1_000
ROOT = Path(__file__).resolve().parents[2]
SIZES = [(1280, "light"), (375, "dark")]
LONG_CODE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"  # as long as vendors make them
PAGES = {
    "/": "Overview",
    "/systems": "Systems",
    "/systems/system0": "system0",
    "/routes": "Routes",
    "/routes/route1": "route1",
    "/deliveries": "Deliveries",
    "/deliveries/97": "Delivery 97",
    "/dead-letters": "Dead letters by cause",
    "/dead-letters/list": "Dead letters",
    "/dead-letters/1": "Dead letter 1",
    "/records?id=R48": "R48",
    "/batches/b-0?near=97": "Batch b-0",
    "/events": "Events",
    "/actions": "Actions",
    "/alerts": "Alerts",
    "/plan": "Plan",
    "/api": "The same as JSON",
    "/nothing": "",
}


@contextmanager
def served(
    journal: Path, *, port: int = 0, tally: Any = None, routes: Path | None = None, plans: Plans | None = None
) -> Iterator[str]:
    """Serve a console of a journal in a thread; yield its address. ``routes``: the project's file, for the playground."""
    ready, ended = threading.Event(), asyncio.Event()
    found: list[Any] = []

    async def main() -> None:
        allow = frozenset({"redrive", "drop", "replay"})
        settings = Settings(Access(TOKEN), title="demo", allow=allow, in_run=tally is not None)
        playground = Playground(routes) if routes else None
        asking = Asking(JournalDesk(journal), settings, tally=tally, playground=playground, plans=plans)
        async with serving(asking, "127.0.0.1", port) as chosen:
            found.extend((chosen, asyncio.get_running_loop()))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield f"http://127.0.0.1:{found[0]}"
    finally:
        found[1].call_soon_threadsafe(ended.set)
        thread.join(PATIENCE)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "j.db"
    generate(path, COUNT)
    with connect(path) as written:
        written.execute("UPDATE dead_letters SET code = ? WHERE id % 2", (LONG_CODE,))
    keep_standing(path, STANDING, gone=())
    return path


@contextmanager
def signed_in(browser: Browser, url: str, *, width: int = 1280, theme: Any = "light") -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    page.goto(f"{url}/actions")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/actions")
    page.close()
    yield context
    context.close()


@pytest.mark.parametrize(("width", "theme"), SIZES)
def test_every_page_fits_names_its_parts_and_loads_nothing_from_elsewhere(
    browser: Browser, journal: Path, tmp_path: Path, width: int, theme: str
) -> None:
    plans = Plans(tmp_path / "routes.yaml")
    with served(journal, plans=plans) as url, signed_in(browser, url, width=width, theme=theme) as context:
        page = context.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if "Security Policy" in message.text else None)
        page.on("request", lambda request: None if request.url.startswith(url) else troubles.append(request.url))
        for path, title in PAGES.items():
            page.goto(url + path)
            assert title in page.locator("h1, .big").first.inner_text(), path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate(_UNNAMED) == [], path
            assert page.evaluate(_BROKEN_WORDS) == [], path
            assert page.evaluate(_CUT_OFF) == [], path
            page.screenshot(path=tmp_path / f"{path.strip('/').replace('/', '-').partition('?')[0] or 'overview'}.png")
        assert troubles == []


@pytest.mark.parametrize(
    ("width", "theme", "rules"), [(1280, "light", {}), (375, "dark", {"runOnly": ["color-contrast"]})]
)
def test_axe_finds_nothing_on_any_page(
    browser: Browser, journal: Path, tmp_path: Path, width: int, theme: str, rules: dict[str, Any]
) -> None:
    found: dict[str, Any] = {}
    with (
        served(journal, plans=Plans(tmp_path / "routes.yaml")) as url,
        signed_in(browser, url, width=width, theme=theme) as context,
    ):
        page = context.new_page()
        for path in PAGES:
            page.goto(url + path)
            if told := violations(page, **rules):
                found[path] = told
    assert found == {}


_BROKEN_WORDS = """() => [...document.querySelectorAll("table, .tiles, .tag, .pill")].flatMap(part => {
  const found = [], walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walker.nextNode()) for (const word of walker.currentNode.data.matchAll(/[^\\s/-]+/g)) {
    range.setStart(walker.currentNode, word.index);
    range.setEnd(walker.currentNode, word.index + word[0].length);
    if (new Set([...range.getClientRects()].map(each => Math.round(each.top))).size > 1) found.push(word[0]);
  }
  return found;
})"""

_CUT_OFF = """() => [...document.querySelectorAll(".tile, .card, .note, .tag, .bar")]
  .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.outerHTML.slice(0, 200))"""

_UNNAMED = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), [role=region], svg[role], nav")]
  .filter(each => !(each.innerText || each.getAttribute("aria-label") || (each.labels && each.labels.length)))
  .map(each => each.outerHTML)"""


def test_a_person_redrives_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    generate(path, 300)
    with served(path) as url, signed_in(browser, url) as context:
        page = context.new_page()
        page.goto(f"{url}/dead-letters/2")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
        page.keyboard.press("Enter")
        while page.evaluate("document.activeElement.innerText") != "Redrive …":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Redrive: 1 dead letter?").wait_for()
        page.get_by_role("button", name="Yes, redrive 1").press("Enter")
        page.wait_for_url(f"{url}/actions")
        assert "Ada" in page.get_by_role("row").nth(1).inner_text()
        assert [row["words"] for row in browse.actions(path).rows] == ["dead letters 2"]


def test_an_open_page_follows_the_journal_and_says_when_it_is_gone(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    generate(path, 300)
    with served(path) as url, signed_in(browser, url) as context:
        page = context.new_page()
        page.goto(f"{url}/")
        tile = page.locator('a.tile[href="/dead-letters"] .value')
        assert tile.inner_text() == "3"
        operator_actions.drop(path, Letters(ids=(1,)))
        page.locator('a.tile[href="/dead-letters"] .value', has_text="2").wait_for()
        path.rename(tmp_path / "away.db")
        problem = page.locator("#problem")
        problem.wait_for(state="visible")
        assert problem.inner_text() == f"there is no journal at {path}. Trying again."
        (tmp_path / "away.db").rename(path)
        problem.wait_for(state="hidden")


def test_a_page_says_when_its_run_has_ended_and_goes_on_with_the_next(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    generate(path, 300)
    with served(path, tally=Tally) as url:
        port = int(url.rpartition(":")[2])
        ended = browser.new_context()
        ended.set_default_timeout(PATIENCE_MILLISECONDS)
        page = ended.new_page()
        page.goto(f"{url}/")
        page.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="What to do next").wait_for()
    problem = page.locator("#problem")
    problem.wait_for(state="visible")
    assert "The run has ended, or its console cannot be reached." in problem.inner_text()
    with served(path, port=port, tally=Tally):
        problem.wait_for(state="hidden")
    ended.close()


def test_a_page_says_that_its_journal_is_damaged_or_of_another_version_and_goes_on_when_it_is_whole(
    browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "j.db"
    generate(path, 300)
    with connect(path) as written:
        written.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    with served(path) as url, signed_in(browser, url) as context:
        page = context.new_page()
        page.goto(f"{url}/systems")
        problem = page.locator("#problem")
        path.write_bytes(b"no journal" * 1_000)
        problem.wait_for(state="visible")
        assert "Trying again." in problem.inner_text()
        assert page.get_by_role("link", name="system0").is_visible(), "what was known stays in sight"
        path.write_bytes(whole)
        problem.wait_for(state="hidden")
        with closing(sqlite3.connect(path)) as newer:
            ((version,),) = newer.execute("PRAGMA user_version").fetchall()
            newer.execute("PRAGMA user_version = 999")
        problem.wait_for(state="visible")
        opened = context.new_page()
        opened.goto(f"{url}/events")
        opened.get_by_text("This page looks again by itself.").wait_for()
        assert violations(opened) == []
        with closing(sqlite3.connect(path)) as older:
            older.execute(f"PRAGMA user_version = {version}")
        problem.wait_for(state="hidden")
        opened.get_by_role("heading", name="Events").wait_for()


def test_a_browser_that_slept_sees_what_happened_meanwhile(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    generate(path, 300)
    with served(path) as url, signed_in(browser, url) as context:
        page = context.new_page()
        page.goto(f"{url}/")
        tile = page.locator('a.tile[href="/dead-letters"] .value')
        assert tile.inner_text() == "3"
        context.set_offline(True)
        page.evaluate("window.dispatchEvent(new Event('offline'))")
        operator_actions.drop(path, Letters(ids=(1, 2)))
        context.set_offline(False)
        page.locator('a.tile[href="/dead-letters"] .value', has_text="1").wait_for()
        assert page.locator("#problem").is_hidden()


@pytest.mark.parametrize(("width", "theme"), SIZES)
def test_a_plan_is_followed_while_it_is_made_and_shown_when_it_is(
    browser: Browser, journal: Path, tmp_path: Path, width: int, theme: str
) -> None:
    go = tmp_path / "go"
    code = f"""print('{{"read": 7}}', flush=True)
import os
while not os.path.exists({str(go)!r}): time.sleep(0.05)
print(json.dumps({ANSWER!r}))"""
    with (
        served(journal, plans=Plans(tmp_path / "routes.yaml", command=python(code))) as url,
        signed_in(browser, url, width=width, theme=theme) as context,
    ):
        page = context.new_page()
        page.goto(f"{url}/plan")
        page.get_by_text("No plan was made yet.").wait_for()
        assert violations(page) == []
        page.get_by_role("button", name="Plan now").click()
        page.get_by_text("7 of at most 1,000 events planned").wait_for()
        assert violations(page) == []
        go.write_text("")
        page.get_by_role("heading", name="leads → Contact in crm").wait_for()
        assert "Grace" not in page.locator("main").inner_text()
        page.get_by_role("link", name="Show them").click()
        page.get_by_text('"<b>Grace</b>"').wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(_CUT_OFF) == []
        assert violations(page) == []


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.mark.parametrize(("width", "theme"), SIZES)
def test_the_playground_follows_what_is_typed_and_shows_markup_as_text(
    browser: Browser, tmp_path: Path, width: int, theme: str
) -> None:
    """Without a journal, too: a project that never ran."""
    shutil.copytree(ROOT / "syncflow" / "cli" / "project", tmp_path, dirs_exist_ok=True)
    with (
        served(tmp_path / "none.db", routes=tmp_path / "routes.yaml") as url,
        signed_in(browser, url, width=width, theme=theme) as context,
    ):
        page = context.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("console", lambda message: troubles.append(message.text) if "Security Policy" in message.text else None)
        page.goto(f"{url}/playground")
        page.locator(".result table").first.wait_for()
        event = {
            "record": "contacts",
            "operation": "create",
            "item": {"id": "A1", "name": HOSTILE, "contact_type": "customer"},
        }
        page.get_by_label("Event", exact=True).fill(json.dumps(event))
        page.locator(".result td", has_text="onerror").first.wait_for()
        mapping = page.get_by_label("Mapping", exact=True).last
        mapping.fill(mapping.input_value().replace("item.phone", f"lowr(item.id, '{HOSTILE}')"))
        page.locator(".editor .line.error").wait_for()
        assert page.locator(".result").inner_text().count("did you mean lower?") == 1
        assert page.locator("#playground img, #playground script").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
        page.get_by_role("button", name="Undo my changes").click()
        page.locator(".result table").first.wait_for()
        assert troubles == []
