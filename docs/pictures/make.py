"""Make the pictures of README and docs: the console of a real run of the default project against the mock systems.

``make pictures`` runs it; it needs Chromium and Playwright, and takes half a minute.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent
SYNCFLOW = (sys.executable, "-m", "syncflow")
EVENTS_PER_SECOND = "40"
RUN_MILLISECONDS = 20_000
PATIENCE_SECONDS = 60


def main() -> None:
    """Write ``console.png`` and ``console-dark.png`` beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "customers"
        subprocess.run([*SYNCFLOW, "init", str(project)], check=True, capture_output=True)
        mock_port, console_port = _free_port(), _free_port()
        token = secrets.token_urlsafe(32)
        environment = os.environ | {
            "MOCK_PORT": str(mock_port),
            "MOCK_RATE": "20/s",
            "MOCK_FAULTS": "invalid=0.02",
            "SYNCFLOW_WORKER": "crm-1",
            "MOCK_URL": f"http://127.0.0.1:{mock_port}",
            "EVENTS_PER_SECOND": EVENTS_PER_SECOND,
            "SYNCFLOW_CONSOLE_TOKEN": token,
        }
        mock = _start(project, environment, "mock")
        run = _start(project, environment, "run", "--quiet", "--console", str(console_port))
        try:
            _wait_for(f"http://127.0.0.1:{console_port}/sign-in")
            _take(f"http://127.0.0.1:{console_port}", token)
        finally:
            for process in (run, mock):
                process.terminate()
                process.wait(PATIENCE_SECONDS)


def _start(project: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen([*SYNCFLOW, *arguments], cwd=project, env=environment, stdout=quiet, stderr=quiet)


def _wait_for(url: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the console did not start")


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


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
