"""A private stand-in for Amazon's S3 and SQS (moto), in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.patience import until
from tests.ports import free_port, is_listening
from tests.servers import need

ROOT = Path(__file__).parents[2]


class Moto:
    """``stop`` kills it; what it held is gone then. ``start`` begins anew, at the same port."""

    def __init__(self) -> None:
        need("moto" if find_spec("moto") and find_spec("flask") else None, "moto")
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        null = subprocess.DEVNULL
        command = [sys.executable, "-m", "tests.servers.moto_server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=null, stdout=null, stderr=null)
        until(lambda: is_listening(self.port), otherwise="moto does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def running() -> Iterator[Moto]:
    """Give a server that is started."""
    server = Moto()
    server.start()
    try:
        yield server
    finally:
        server.stop()
