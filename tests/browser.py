"""A browser for tests of pages, and axe-core, which finds what a keyboard or a screen reader cannot use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import need

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parent / "console" / "node" / "node_modules" / "axe-core" / "axe.min.js"
_VIOLATIONS = """rules => axe.run(document, {resultTypes: ["violations"], ...rules}).then(({violations}) => violations.map(
  each => each.id + ": " + each.nodes.slice(0, 3).map(node => node.html).join(" … ")))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pages are not tried in a browser"
    )
    chromium = need(shutil.which("chromium"), "chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


def violations(page: Page, **rules: Any) -> list[str]:
    """Return what axe-core finds on an open page, a line each."""
    page.evaluate(Path(need(str(AXE) if AXE.exists() else None, "axe-core (make node-clients)")).read_text("utf-8"))
    found: list[str] = page.evaluate(_VIOLATIONS, rules)
    return found
