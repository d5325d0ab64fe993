"""The default project against the mock systems, for the time of a picture."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

SYNCFLOW = (sys.executable, "-m", "syncflow")
PATIENCE_SECONDS = 60


@contextlib.contextmanager
def beside_the_mock(**settings: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield a new project's folder and the environment for its commands, while the mock serves it."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "customers"
        subprocess.run([*SYNCFLOW, "init", str(project)], check=True, capture_output=True)
        port = free_port()
        mocks = {"MOCK_PORT": str(port), "MOCK_URL": f"http://127.0.0.1:{port}"}
        environment = os.environ | mocks | settings
        with started(project, environment, "mock"):
            wait_for(mocks["MOCK_URL"])
            yield project, environment


@contextlib.contextmanager
def started(project: Path, environment: dict[str, str], *arguments: str) -> Iterator[None]:
    """Run a command, without its output, until the block ends."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*SYNCFLOW, *arguments], cwd=project, env=environment, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def wait_for(url: str) -> None:
    """Return once a server answers."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"{url} did not answer")


def free_port() -> int:
    """Return a port of this machine that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
