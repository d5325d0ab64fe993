"""Make the pictures of the console: a real run of the default project against the mock systems.

``make pictures`` runs it; it needs Chromium and Playwright, and takes half a minute.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright
from running import beside_the_mock, free_port, started, wait_for

FOLDER = Path(__file__).parent
RUN_MILLISECONDS = 20_000


def main() -> None:
    """Write ``console.png`` and ``console-dark.png`` beside this file."""
    port, token = free_port(), secrets.token_urlsafe(32)
    settings = {
        "MOCK_RATE": "20/s",
        "MOCK_FAULTS": "invalid=0.02",
        "SYNCFLOW_WORKER": "crm-1",
        "EVENTS_PER_SECOND": "40",
        "SYNCFLOW_CONSOLE_TOKEN": token,
    }
    with (
        beside_the_mock(**settings) as (project, environment),
        started(project, environment, "run", "--quiet", "--console", str(port)),
    ):
        wait_for(f"http://127.0.0.1:{port}/sign-in")
        _take(f"http://127.0.0.1:{port}", token)


def _take(url: str, token: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 1040})
        page.goto(url)
        page.get_by_label("Token").fill(token)
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        page.wait_for_timeout(RUN_MILLISECONDS)
        page.screenshot(path=FOLDER / "console.png")
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=FOLDER / "console-dark.png")
        browser.close()


if __name__ == "__main__":
    main()
